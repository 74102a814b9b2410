// How a past denial explains itself: decided again by the program it was decided by, with a trace.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/broker.h"

namespace latchkey::broker {

/// @thread the shard that keeps the denial
DenialReport report(const policy::Denial& denial);

}  // namespace latchkey::broker
