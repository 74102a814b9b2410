// Groups: the shared subscriptions that this shard owns, whoever their members are. A message that matches
// goes to one member: those with a connection and room in turn, then those whose sessions keep it for them.
// Member side: shares.h. Protocol: data-path sections 5, 6 and 9; MQTT5 4.8.2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "broker/handoff.h"
#include "broker/mesh.h"
#include "topic/trie.h"

namespace latchkey::broker {

class Shard;

/// A session of shard `home` becomes a member, or changes what it asked for.
struct JoinRequest {
    MemberId member;
    ShardIndex home = 0;
    std::string share;  ///< `$share/GROUP/FILTER`
    MemberReport report;
    std::uint64_t gathering = 0;  ///< comes back with the answer
};

/// @thread shard
class Groups {
  public:
    Groups(Shard& shard, const HashSeed& seed);
    ~Groups();

    /// The shard that owns a group.
    static ShardIndex owner_of(const Mesh& mesh, std::string_view share);
    bool empty() const noexcept { return members_.empty(); }
    /// One copy to each group whose filter holds the topic.
    void deliver(const MessageRef& message);
    /// Interest first, then the answer: what is published after the SUBACK arrives here (data-path 6).
    void join(const JoinRequest& request);
    /// Answers with the position of the forward lane behind which nothing comes for this member (data-path
    /// 5).
    void leave(const MemberId& member, ShardIndex home, std::uint64_t gathering);
    void report(const MemberId& member, const MemberReport& report);
    /// What members could not take, oldest first: to the next one each.
    void take_back(std::span<const std::unique_ptr<Handoff>> handoffs, Refusal refusal);

    /// What the members of all groups with this filter ask of the interest index.
    struct Wants {
        bool any = false;
        bool durable = false;
    };
    Wants wants(std::string_view filter);

  private:
    struct Member;
    struct Group;
    /// The groups of one filter.
    struct Here {
        std::vector<Group*> groups;
        std::uint32_t durable = 0;  ///< members
    };
    struct MemberHash {
        std::size_t operator()(const MemberId& id) const noexcept {
            return std::hash<std::uint64_t>{}(id.session * 0x9E3779B97F4A7C15ULL + id.membership);
        }
    };
    using Visited = std::vector<std::uint32_t>;

    Group* group_of(const std::string& share);
    void remove(Member& member);
    void set_state(Member& member, MemberState state);
    void set_durable(Member& member, bool durable);
    void release_held(Group& group);
    Member* pick(Group& group, std::uint8_t qos, const Visited& visited);
    Member* next_of(Group& group, MemberState state, const Visited& visited);
    void hand_out(Group& group, const MessageRef& message, Visited visited);
    void note(Member& member, Refusal refusal, Visited& visited);

    Shard& shard_;
    topic::Trie<Here> filters_;
    std::unordered_map<std::string, std::unique_ptr<Group>, SeededHash, std::equal_to<>> groups_;
    std::unordered_map<std::uint64_t, Group*> by_number_;
    std::unordered_map<MemberId, std::unique_ptr<Member>, MemberHash> members_;
    std::uint64_t last_group_ = 0;
};

}  // namespace latchkey::broker
