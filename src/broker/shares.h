// Shares: the member's side of shared subscriptions. Joins and leaves on behalf of this shard's sessions,
// takes what the owners hand over, and gives back what a member cannot or may not have. Owner's side:
// groups.h. MQTT5 4.8.2
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/groups.h"
#include "broker/handoff.h"
#include "broker/session.h"
#include "mqtt/packet.h"

namespace latchkey::broker {

class Shard;

/// @thread shard
class Shares {
  public:
    explicit Shares(Shard& shard) : shard_(shard) {}

    // SUBSCRIBE and UNSUBSCRIBE. An acknowledgement waits for all owners of its packet, and for the commit.
    /// Joins and leaves between resume and pause belong to that packet. @return its number
    std::uint64_t begin_packet() noexcept { return ++last_gathering_; }
    void resume_packet(std::uint64_t number) noexcept { gathering_ = number; }
    void pause_packet() noexcept { gathering_ = 0; }
    /// `then` runs when they are answered and everything appended until now is committed.
    void end_packet(std::uint64_t number, std::move_only_function<void()> then);
    /// False when too many joins and leaves of this session are unanswered.
    bool may_join(const Session& session) const;
    void join(Session& session, const mqtt::SubscribeFilter& asked, std::uint32_t id);
    /// The subscription ends; what waits unsent goes to others, what is on the wire is completed.
    void leave(Session& session, Subscription& subscription);
    /// Its session ends: also QoS 1 without acknowledgement goes to others, QoS 2 that was on the wire to
    /// nobody [MQTT-4.8.2-5]. Whatever is handed to a membership from now on goes back.
    void end(Session& session);
    /// After end(): the owner of this one forgets it.
    void leave_ended(Session& session, Subscription& subscription);

    // What the owners must know.
    /// The session's connection came or went, or its expiry changed. They hear of it in slices: until then
    /// what they hand over is kept or goes back, by what is true here.
    void on_presence(Session& session);
    void run();
    bool pending() const noexcept { return !untold_.empty(); }
    /// The policy withholds the subscription from now on, or does so no longer.
    void on_judged(Session& session, const Subscription& subscription);
    /// After a flush: there may be room again.
    void on_drained(Session& session) {
        if (session.memberships && session.memberships->told_full) tell_room(session);
    }

    // Messages.
    /// A message that the owner chose a member for. @return why it was not taken
    std::optional<Refusal> take(const MemberId& member, std::uint64_t group, const MessageRef& message,
                                std::vector<std::uint32_t>& visited);
    /// As take(), for one that came over a lane: refused, it goes back.
    void on_handoff(ShardIndex owner, std::unique_ptr<Handoff> handoff);
    /// This entry of the session is not for it: to the next member, unless it may have it already.
    void pass_on(Session& session, const QueueEntry& entry);
    /// An entry that came through a membership has left the session's queues.
    void forget(Session& session, const QueueEntry& entry);

    // Answers of owners.
    void on_joined(const MemberId& member, std::uint64_t gathering);
    void on_left(const MemberId& member, ShardIndex owner, std::uint64_t position, std::uint64_t gathering);
    /// Others are there: what waits for an absent member may go to them.
    void on_release(const MemberId& member);
    /// After the forward lanes were drained.
    void on_drained_lanes() {
        if (!leaving_.empty()) finish_leaving();
    }

  private:
    struct Gathering {
        std::uint32_t missing = 0;
        std::move_only_function<void()> then;
    };
    struct Leaving {
        ShardIndex owner;
        std::uint64_t position;
        std::uint64_t gathering;
    };
    enum class Which : std::uint8_t { Unsent, Unacknowledged };

    MemberReport report_of(const Session& session, const Membership& membership) const;
    using AddressedReport = std::pair<MemberId, MemberReport>;
    MemberReport note_report(Session& session, Membership& membership);
    void post_reports(ShardIndex owner, std::vector<AddressedReport> reports);
    using Reports = std::vector<std::vector<AddressedReport>>;
    std::size_t tell_some(Session& session, std::size_t most, Reports& by_owner);
    void send_report(Session& session, Membership& membership);
    void tell_room(Session& session);
    void ask_leave(Session& session, Membership& membership);
    void give_back(Session& session, std::uint16_t key, Which which, Refusal refusal);
    std::unique_ptr<Handoff> handoff_of(Session& session, const QueueEntry& entry);
    void post_back(ShardIndex owner, std::vector<std::unique_ptr<Handoff>> handoffs, Refusal refusal);
    void answered(std::uint64_t gathering);
    void finish_leaving();
    bool drained(const Leaving& leaving) const;

    Shard& shard_;
    std::uint64_t gathering_ = 0;  ///< of the packet being handled, 0: none
    std::uint64_t last_gathering_ = 0;
    std::unordered_map<std::uint64_t, Gathering> gatherings_;
    std::vector<Leaving> leaving_;
    std::deque<std::uint64_t> untold_;  ///< sessions by serial
};

}  // namespace latchkey::broker
