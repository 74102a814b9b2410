// Membership: a session's end of one shared subscription. It outlives the subscription for as long as the
// session's queues hold entries that came through it. MQTT5 4.8.2
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace latchkey::broker {

struct Subscription;

struct Membership {
    Subscription* subscription = nullptr;  ///< null once left
    std::uint32_t number = 0;              ///< never used again by its session; its low half is the key
    std::uint32_t owner = 0;               ///< shard that owns the group
    std::uint32_t subscription_id = 0;     ///< identifier for what came through it, 0: none
    std::uint64_t group = 0;               ///< number at the owner, as the last handoff said
    std::string share_name;                ///< the group's name, for the policy
    std::uint32_t entries = 0;             ///< of the session's queues that came through it
    bool told_full = false;                ///< the owner believes that there is no room
    bool told_holds = false;               ///< away, and the owner knows that something waits
};

/// @thread shard
struct Memberships {
    static constexpr std::size_t kMost = 50'000;  ///< keys fit an entry's 16 bits

    std::map<std::uint16_t, Membership> by_key;
    std::uint32_t last = 0;   ///< number given
    std::uint32_t asked = 0;  ///< joins and leaves that the owners have not answered
    bool told_full = false;   ///< one of them is
    std::size_t untold = 0;   ///< those whose owners do not know of the session's presence yet
    std::uint16_t next = 0;   ///< key of the next that will be told
};

}  // namespace latchkey::broker
