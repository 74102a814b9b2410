// Error table of the admin room (11000).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::admin {

inline constexpr ErrorInfo kUnknownDecision{
    11001, "unknown_decision", "no such decision",
    "the broker remembers the last denials of this run; look at GET /decisions for those it has"};
inline constexpr ErrorInfo kNotReady{11002, "not_ready", "the broker is not ready yet", "try again"};

inline constexpr std::array<const ErrorInfo*, 2> kErrors{&kUnknownDecision, &kNotReady};

}  // namespace latchkey::admin
