// See groups.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/groups.h"

#include <algorithm>
#include <utility>

#include "broker/shard.h"
#include "topic/share.h"

namespace latchkey::broker {

namespace {

/// When nobody is known to have room, this many full members are asked all the same: what the owner believes
/// may be out of date. More would let one publisher order a round trip per member and message.
constexpr std::size_t kLastResorts = 4;

constexpr std::size_t slot(MemberState state) {
    return static_cast<std::size_t>(state);
}

}  // namespace

struct Groups::Member {
    MemberId id;
    ShardIndex home = 0;
    Group* group = nullptr;
    std::uint32_t number = 0;  ///< within the group, never used again
    std::uint32_t place = 0;   ///< in the list of its state
    MemberState state = MemberState::Barred;
    bool durable = false;
    bool holds = false;  ///< away, and messages wait for it
};

struct Groups::Group {
    std::uint64_t number = 0;
    std::string share;
    std::string filter;
    std::array<std::vector<Member*>, kMemberStates> by_state;
    std::array<std::size_t, kMemberStates> turn{};  ///< whose turn it is, in each list
    std::uint32_t members = 0;
    std::uint32_t last_number = 0;
};

Groups::Groups(Shard& shard, const HashSeed& seed)
    : shard_(shard), filters_(seed), groups_(0, SeededHash{seed}) {}

Groups::~Groups() = default;

ShardIndex Groups::owner_of(const Mesh& mesh, std::string_view share) {
    const auto parsed = topic::parse_share(share);
    if (!parsed || !*parsed) return 0;
    return mesh.shard_of(std::string((*parsed)->group) + '\0' + std::string((*parsed)->filter));
}

// Members
// ---------------------------------------------------------------------------------------------------------

void Groups::join(const JoinRequest& request) {
    std::unique_ptr<Member>& member = members_[request.member];
    if (!member) {
        member = std::make_unique<Member>();
        member->id = request.member;
        member->home = request.home;
        Group* group = group_of(request.share);
        member->group = group;
        member->number = ++group->last_number;
        ++group->members;
        auto& barred = group->by_state[slot(MemberState::Barred)];
        member->place = static_cast<std::uint32_t>(barred.size());
        barred.push_back(member.get());
    }
    set_durable(*member, request.report.durable);
    set_state(*member, request.report.state);
    shard_.subscriptions().tell(member->group->filter);
    Shard& home = shard_.peer(request.home);
    shard_.mesh().mailbox(request.home).deliver([&home, id = request.member, gathering = request.gathering] {
        home.note_moved();
        home.shares().on_joined(id, gathering);
    });
}

Groups::Group* Groups::group_of(const std::string& share) {
    std::unique_ptr<Group>& group = groups_[share];
    if (group) return group.get();
    group = std::make_unique<Group>();
    group->number = ++last_group_;
    group->share = share;
    group->filter = (*topic::parse_share(share))->filter;  // the member's shard has parsed it
    by_number_.emplace(group->number, group.get());
    filters_.find_or_insert(group->filter)->groups.push_back(group.get());
    return group.get();
}

void Groups::leave(const MemberId& member, ShardIndex home_index, std::uint64_t gathering) {
    if (const auto found = members_.find(member); found != members_.end()) remove(*found->second);
    // Whatever was handed to it before stands before this position, on the ring or among those who wait.
    const std::uint64_t position = shard_.ingress().forward_end(home_index);
    Shard& home = shard_.peer(home_index);
    shard_.mesh().mailbox(home_index).deliver([&home, member, owner = shard_.index(), position, gathering] {
        home.note_moved();
        home.shares().on_left(member, owner, position, gathering);
    });
}

void Groups::remove(Member& member) {
    Group& group = *member.group;
    set_durable(member, false);
    set_state(member, MemberState::Barred);
    auto& barred = group.by_state[slot(MemberState::Barred)];
    barred.back()->place = member.place;
    barred[member.place] = barred.back();
    barred.pop_back();
    members_.erase(MemberId(member.id));
    if (--group.members == 0) {
        Here& here = *filters_.find(group.filter);
        std::erase(here.groups, &group);
        if (here.groups.empty()) filters_.erase(group.filter);
        const std::string filter = group.filter;
        by_number_.erase(group.number);
        groups_.erase(std::string(group.share));
        return shard_.subscriptions().tell(filter);
    }
    shard_.subscriptions().tell(group.filter);
}

void Groups::report(const MemberId& id, const MemberReport& report) {
    const auto found = members_.find(id);
    if (found == members_.end()) return;
    Member& member = *found->second;
    const bool was = member.durable;
    set_durable(member, report.durable);
    if (was != report.durable) shard_.subscriptions().tell(member.group->filter);
    member.holds = report.holds;
    set_state(member, report.state);
    if (member.holds && !member.group->by_state[slot(MemberState::Ready)].empty())
        release_held(*member.group);
}

void Groups::set_durable(Member& member, bool durable) {
    if (member.durable == durable) return;
    member.durable = durable;
    filters_.find(member.group->filter)->durable += durable ? 1U : ~0U;
}

void Groups::set_state(Member& member, MemberState state) {
    if (member.state == state) return;
    Group& group = *member.group;
    auto& from = group.by_state[slot(member.state)];
    from.back()->place = member.place;
    from[member.place] = from.back();
    from.pop_back();
    auto& to = group.by_state[slot(state)];
    member.state = state;
    member.place = static_cast<std::uint32_t>(to.size());
    to.push_back(&member);
    if (state == MemberState::Ready && to.size() == 1) release_held(group);
}

void Groups::release_held(Group& group) {
    for (Member* member : group.by_state[slot(MemberState::Away)]) {
        if (!std::exchange(member->holds, false)) continue;
        Shard& home = shard_.peer(member->home);
        shard_.mesh().mailbox(member->home).deliver([&home, id = member->id] {
            home.note_moved();
            home.shares().on_release(id);
        });
    }
}

Groups::Wants Groups::wants(std::string_view filter) {
    if (members_.empty()) return {};
    const Here* here = filters_.find(filter);
    return here ? Wants{.any = true, .durable = here->durable != 0} : Wants{};
}

// Messages
// --------------------------------------------------------------------------------------------------------

void Groups::deliver(const MessageRef& message) {
    filters_.match(message->topic(), [&](Here& here) {
        for (Group* group : here.groups)
            hand_out(*group, message, {});
    });
}

void Groups::take_back(std::span<const std::unique_ptr<Handoff>> handoffs, Refusal refusal) {
    for (const auto& handoff : handoffs) {
        const MessageRef message = handoff->take_message();
        const auto member = members_.find(handoff->member);
        if (member != members_.end()) note(*member->second, refusal, handoff->visited);
        const auto group = by_number_.find(handoff->group);
        if (group == by_number_.end()) {
            ++shard_.counters().deliveries_dropped;  // nobody is left in it
        } else {
            hand_out(*group->second, message, std::move(handoff->visited));
        }
    }
}

void Groups::hand_out(Group& group, const MessageRef& message, Visited visited) {
    while (Member* member = pick(group, message->qos, visited)) {
        if (member->home != shard_.index()) {
            auto handoff = std::make_unique<Handoff>();
            handoff->message = message.share();
            handoff->group = group.number;
            handoff->member = member->id;
            handoff->visited = std::move(visited);
            return shard_.ingress().push_handoff(member->home, std::move(handoff));
        }
        const auto refusal = shard_.shares().take(member->id, group.number, message, visited);
        if (!refusal) return;
        note(*member, *refusal, visited);
    }
    ++shard_.counters().deliveries_dropped;  // nobody can take it
}

void Groups::note(Member& member, Refusal refusal, Visited& visited) {
    if (refusal == Refusal::Released) return;
    visited.push_back(member.number);
    // What its own shard has told since is newer, and came first.
    const bool believed = member.state == MemberState::Ready || member.state == MemberState::Away;
    if (refusal == Refusal::Full && believed) set_state(member, MemberState::Full);
}

Groups::Member* Groups::pick(Group& group, std::uint8_t qos, const Visited& visited) {
    if (Member* member = next_of(group, MemberState::Ready, visited)) return member;
    if (qos != 0) {
        if (Member* member = next_of(group, MemberState::Away, visited)) return member;
    }
    return visited.size() < kLastResorts ? next_of(group, MemberState::Full, visited) : nullptr;
}

Groups::Member* Groups::next_of(Group& group, MemberState state, const Visited& visited) {
    auto& list = group.by_state[slot(state)];
    std::size_t& turn = group.turn[slot(state)];
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (turn >= list.size()) turn = 0;
        Member* member = list[turn++];
        if (std::ranges::find(visited, member->number) == visited.end()) return member;
    }
    return nullptr;
}

}  // namespace latchkey::broker
