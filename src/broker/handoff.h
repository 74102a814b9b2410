// Handoff: one message of a shared subscription on its way from the group's owner to the member that was
// chosen, or back from a member that cannot take it. Also what the two sides say to each other about a
// member. MQTT5 4.8.2
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/message.h"

namespace latchkey::broker {

/// One shared subscription of one session: the same pair on both sides, never used again.
struct MemberId {
    std::uint64_t session = 0;     ///< its serial
    std::uint32_t membership = 0;  ///< number among the session's memberships; 0 names none
    friend bool operator==(const MemberId&, const MemberId&) = default;
};

/// What the owner believes of a member, as its shard last told. Out of date it costs a way back.
enum class MemberState : std::uint8_t {
    Ready,  ///< connected, with room
    Full,   ///< connected, without room
    Away,   ///< not connected; its session keeps QoS 1 and 2 for it
    Barred  ///< the policy withholds it, or it is away and keeps nothing
};
inline constexpr std::size_t kMemberStates = 4;

/// Why a message comes back to the owner.
enum class Refusal : std::uint8_t {
    Gone,      ///< the member has left
    Full,      ///< no room in its queue, or away and not kept
    Withheld,  ///< not this message to this member: a right, or the packet size it takes
    Released   ///< it waited for one who is away while others are there
};

/// Carries one shard count of the message, given back when nobody has taken it out. Moves between shards.
struct Handoff {
    Message* message = nullptr;
    std::uint64_t group = 0;  ///< number at its owner
    MemberId member;
    /// Numbers of the members that refused it: a message visits each at most once.
    std::vector<std::uint32_t> visited;

    Handoff() = default;
    Handoff(const Handoff&) = delete;
    Handoff& operator=(const Handoff&) = delete;
    ~Handoff() {
        if (message) Message::release(message);
    }
    /// The message becomes the receiving shard's. Call once.
    MessageRef take_message() { return MessageRef::received(std::exchange(message, nullptr)); }
};

/// A member's shard about a member.
struct MemberReport {
    MemberState state = MemberState::Barred;
    bool durable = false;  ///< its session outlives its connection and it was granted more than QoS 0
    bool holds = false;    ///< away, and messages wait for it that others could have
};

}  // namespace latchkey::broker
