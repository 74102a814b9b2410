// Timer: the wheel's node with its owner, so that a shard knows whom to call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/timer_wheel.h"

namespace latchkey::broker {

class Client;
class Session;

/// Exactly one owner is set. @thread shard
struct Timer : TimerNode {
    Client* client = nullptr;
    Session* session = nullptr;
};

}  // namespace latchkey::broker
