// See shares.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/shares.h"

#include <algorithm>
#include <utility>

#include "broker/shard.h"
#include "topic/share.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kToldPerTurn = 512;  ///< memberships
constexpr std::size_t kToldAtOnce = 128;   ///< of one session

constexpr std::uint16_t key_of(std::uint32_t number) {
    return static_cast<std::uint16_t>(number);
}

Membership* find_key(Session& session, std::uint16_t key) {
    if (!session.memberships) return nullptr;
    const auto found = session.memberships->by_key.find(key);
    return found == session.memberships->by_key.end() ? nullptr : &found->second;
}

Membership* find_membership(Session* session, std::uint32_t number) {
    Membership* found = session ? find_key(*session, key_of(number)) : nullptr;
    return found && found->number == number ? found : nullptr;
}

/// May have too many for another key: ask may_join() first.
Membership& add_membership(Memberships& all) {
    do {
        ++all.last;
    } while (key_of(all.last) == 0 || all.by_key.contains(key_of(all.last)));
    Membership& made = all.by_key[key_of(all.last)];
    made.number = all.last;
    return made;
}

/// An eighth of its bounds free again: else a full member would change its mind with every message.
bool has_room(const Session& session, const Settings& settings) {
    return session.waiting.empty() ||
           (session.waiting.size() < settings.max_queued_messages - settings.max_queued_messages / 8 &&
            session.waiting_bytes < settings.max_queued_bytes - settings.max_queued_bytes / 8);
}

}  // namespace

// SUBSCRIBE and UNSUBSCRIBE
// ---------------------------------------------------------------------------------------

void Shares::end_packet(std::uint64_t number, std::move_only_function<void()> then) {
    const auto found = gatherings_.find(number);
    if (found == gatherings_.end()) {
        if (then) shard_.after_commit(std::move(then));
        return;
    }
    ++found->second.missing;
    found->second.then = std::move(then);
    shard_.after_commit([this, number] { answered(number); });
}

void Shares::answered(std::uint64_t gathering) {
    const auto found = gatherings_.find(gathering);
    if (found == gatherings_.end() || --found->second.missing != 0) return;
    auto then = std::move(found->second.then);
    gatherings_.erase(found);
    if (then) then();
}

bool Shares::may_join(const Session& session) const {
    return !session.memberships || (session.memberships->asked < shard_.settings().max_subscriptions &&
                                    session.memberships->by_key.size() < Memberships::kMost);
}

void Shares::join(Session& session, const mqtt::SubscribeFilter& asked, std::uint32_t id) {
    if (!session.memberships) session.memberships = std::make_unique<Memberships>();
    Memberships& all = *session.memberships;
    Subscription* subscription = session.find_subscription(asked.filter);
    if (!subscription) {
        auto made = std::make_unique<Subscription>();
        subscription = made.get();
        subscription->session = &session;
        subscription->filter = asked.filter;
        Membership& membership = add_membership(all);
        subscription->membership = membership.number;
        membership.subscription = subscription;
        membership.owner = Groups::owner_of(shard_.mesh(), asked.filter);
        membership.share_name = (*topic::parse_share(asked.filter))->group;
        session.subscriptions.emplace(subscription->filter, std::move(made));
        shard_.subscriptions().count_shared();
    }
    subscription->id = id;
    subscription->qos = asked.qos;
    subscription->retain_as_published = asked.retain_as_published;
    subscription->withheld = false;
    Membership& membership = all.by_key[key_of(subscription->membership)];
    membership.subscription_id = id;
    ++all.asked;
    if (gathering_ != 0) ++gatherings_[gathering_].missing;
    JoinRequest request{.member = {session.serial, subscription->membership},
                        .home = shard_.index(),
                        .share = subscription->filter,
                        .report = report_of(session, membership),
                        .gathering = gathering_};
    Shard& owner = shard_.peer(membership.owner);
    shard_.mesh().mailbox(membership.owner).deliver([&owner, request = std::move(request)] {
        owner.note_moved();
        owner.groups().join(request);
    });
}

void Shares::leave(Session& session, Subscription& subscription) {
    const std::uint32_t number = std::exchange(subscription.membership, 0);
    shard_.subscriptions().uncount_shared();
    Membership* membership = find_membership(&session, number);
    if (!membership) return;
    ask_leave(session, *membership);
    give_back(session, key_of(number), Which::Unsent, Refusal::Gone);
    membership = find_membership(&session, number);
    if (membership && membership->entries == 0) session.memberships->by_key.erase(key_of(number));
}

void Shares::end(Session& session) {
    if (session.memberships) give_back(session, 0, Which::Unacknowledged, Refusal::Gone);
}

void Shares::leave_ended(Session& session, Subscription& subscription) {
    shard_.subscriptions().uncount_shared();
    if (Membership* membership = find_membership(&session, subscription.membership))
        ask_leave(session, *membership);
}

void Shares::ask_leave(Session& session, Membership& membership) {
    membership.subscription = nullptr;
    ++session.memberships->asked;
    if (gathering_ != 0) ++gatherings_[gathering_].missing;
    Shard& owner = shard_.peer(membership.owner);
    shard_.mesh()
        .mailbox(membership.owner)
        .deliver([&owner, id = MemberId{session.serial, membership.number}, home = shard_.index(),
                  gathering = gathering_] {
            owner.note_moved();
            owner.groups().leave(id, home, gathering);
        });
}

void Shares::on_joined(const MemberId& member, std::uint64_t gathering) {
    Session* session = shard_.sessions().find_serial(member.session);
    if (session && session->memberships) --session->memberships->asked;
    answered(gathering);
}

void Shares::on_left(const MemberId& member, ShardIndex owner, std::uint64_t position,
                     std::uint64_t gathering) {
    Session* session = shard_.sessions().find_serial(member.session);
    if (session && session->memberships) --session->memberships->asked;
    if (gathering == 0) return;
    leaving_.push_back({owner, position, gathering});
    finish_leaving();
}

bool Shares::drained(const Leaving& leaving) const {
    return shard_.mesh().forward(leaving.owner, shard_.index()).head() >= leaving.position;
}

void Shares::finish_leaving() {
    for (std::size_t i = 0; i < leaving_.size();) {
        if (!drained(leaving_[i])) {
            ++i;
            continue;
        }
        const std::uint64_t gathering = leaving_[i].gathering;
        leaving_[i] = leaving_.back();
        leaving_.pop_back();
        answered(gathering);
    }
}

// What the owners must know
// ---------------------------------------------------------------------------------------

MemberReport Shares::report_of(const Session& session, const Membership& membership) const {
    const Subscription& subscription = *membership.subscription;
    MemberReport report;
    report.durable = session.durable() && subscription.qos > 0;
    report.holds = !session.connected() && membership.entries != 0;
    if (subscription.withheld || (!session.connected() && !report.durable)) return report;
    if (!has_room(session, shard_.settings())) {
        report.state = MemberState::Full;
    } else {
        report.state = session.connected() ? MemberState::Ready : MemberState::Away;
    }
    return report;
}

MemberReport Shares::note_report(Session& session, Membership& membership) {
    const MemberReport report = report_of(session, membership);
    membership.told_holds = report.holds;
    membership.told_full = report.state == MemberState::Full;
    if (membership.told_full) session.memberships->told_full = true;
    return report;
}

void Shares::send_report(Session& session, Membership& membership) {
    if (!membership.subscription) return;
    post_reports(membership.owner, {{{session.serial, membership.number}, note_report(session, membership)}});
}

void Shares::post_reports(ShardIndex owner_index, std::vector<AddressedReport> reports) {
    if (reports.empty()) return;
    Shard& owner = shard_.peer(owner_index);
    shard_.mesh().mailbox(owner_index).deliver([&owner, reports = std::move(reports)] {
        owner.note_moved();
        for (const auto& [id, report] : reports)
            owner.groups().report(id, report);
    });
}

void Shares::on_presence(Session& session) {
    if (!session.memberships) return;
    Memberships& all = *session.memberships;
    if (std::exchange(all.untold, all.by_key.size()) == 0 && all.untold != 0)
        untold_.push_back(session.serial);
}

void Shares::run() {
    if (untold_.empty()) return;
    // One post to each owner: a session may have thousands of memberships, and connections come and go fast.
    Reports by_owner(shard_.mesh().shards());
    for (std::size_t steps = 0; steps < kToldPerTurn && !untold_.empty(); ++steps) {
        const std::uint64_t serial = untold_.front();
        untold_.pop_front();
        Session* session = shard_.sessions().find_serial(serial);
        if (!session) continue;
        steps += tell_some(*session, kToldAtOnce, by_owner);
        if (session->memberships->untold != 0) untold_.push_back(serial);
    }
    for (ShardIndex owner = 0; owner < by_owner.size(); ++owner)
        post_reports(owner, std::move(by_owner[owner]));
}

std::size_t Shares::tell_some(Session& session, std::size_t most, Reports& by_owner) {
    Memberships& all = *session.memberships;
    std::size_t told = 0;
    for (; told < most && all.untold != 0; ++told) {
        // In a circle: who comes and goes all the time does not hear of the first ones only.
        auto next = all.by_key.lower_bound(all.next);
        if (next == all.by_key.end()) next = all.by_key.begin();
        if (next == all.by_key.end()) {
            all.untold = 0;
            break;
        }
        --all.untold;
        auto& [key, membership] = *next;
        all.next = static_cast<std::uint16_t>(key + 1);
        if (!membership.subscription) continue;
        by_owner[membership.owner].push_back(
            {{session.serial, membership.number}, note_report(session, membership)});
    }
    return told;
}

void Shares::on_judged(Session& session, const Subscription& subscription) {
    Membership* membership = find_membership(&session, subscription.membership);
    if (!membership) return;
    send_report(session, *membership);
    if (!subscription.withheld) return;
    give_back(session, key_of(membership->number), Which::Unsent, Refusal::Released);
}

void Shares::tell_room(Session& session) {
    if (!has_room(session, shard_.settings())) return;
    session.memberships->told_full = false;
    for (auto& [key, membership] : session.memberships->by_key) {
        if (membership.told_full) send_report(session, membership);
    }
}

// Messages
// --------------------------------------------------------------------------------------------------------

std::optional<Refusal> Shares::take(const MemberId& member, std::uint64_t group, const MessageRef& message,
                                    std::vector<std::uint32_t>& visited) {
    Session* session = shard_.sessions().find_serial(member.session);
    Membership* membership = find_membership(session, member.membership);
    if (!membership || !membership->subscription) return Refusal::Gone;
    membership->group = group;
    const Subscription& subscription = *membership->subscription;
    if (subscription.withheld) return Refusal::Withheld;
    const bool kept = session->durable() && std::min(subscription.qos, message->qos) > 0;
    if (!session->connected() && !kept) return Refusal::Withheld;
    if (!shard_.delivery().deliver_shared(*session, key_of(member.membership), subscription, message,
                                          visited)) {
        membership->told_full = true;
        session->memberships->told_full = true;
        return Refusal::Full;
    }
    ++membership->entries;
    // Somebody else may be there for it. Kept here until the owner says so: were it sent back at once, what
    // comes after it would overtake it when nobody is.
    if (!session->connected() && !membership->told_holds) send_report(*session, *membership);
    return std::nullopt;
}

void Shares::on_handoff(ShardIndex owner, std::unique_ptr<Handoff> handoff) {
    const MessageRef message = handoff->take_message();
    const auto refusal = take(handoff->member, handoff->group, message, handoff->visited);
    if (!refusal) return;
    handoff->message = message.share();
    std::vector<std::unique_ptr<Handoff>> back;
    back.push_back(std::move(handoff));
    post_back(owner, std::move(back), *refusal);
}

std::unique_ptr<Handoff> Shares::handoff_of(Session& session, const QueueEntry& entry) {
    auto handoff = std::make_unique<Handoff>();
    handoff->message = entry.message.share();
    const Membership& membership = session.memberships->by_key.at(entry.share);
    handoff->group = membership.group;
    handoff->member = {session.serial, membership.number};
    if (entry.many_ids) handoff->visited = session.id_lists[entry.subscription_ids];
    return handoff;
}

void Shares::give_back(Session& session, std::uint16_t key, Which which, Refusal refusal) {
    std::vector<std::vector<std::unique_ptr<Handoff>>> by_owner(shard_.mesh().shards());
    shard_.delivery().take_shared(session, key, which == Which::Unacknowledged, [&](const QueueEntry& entry) {
        const ShardIndex owner = session.memberships->by_key.at(entry.share).owner;
        by_owner[owner].push_back(handoff_of(session, entry));
    });
    for (ShardIndex owner = 0; owner < by_owner.size(); ++owner)
        post_back(owner, std::move(by_owner[owner]), refusal);
}

void Shares::post_back(ShardIndex owner_index, std::vector<std::unique_ptr<Handoff>> handoffs,
                       Refusal refusal) {
    if (handoffs.empty()) return;
    Shard& owner = shard_.peer(owner_index);
    shard_.mesh().mailbox(owner_index).deliver([&owner, handoffs = std::move(handoffs), refusal] {
        owner.note_moved();
        owner.groups().take_back(handoffs, refusal);
    });
}

void Shares::pass_on(Session& session, const QueueEntry& entry) {
    if (entry.sent && entry.qos == 2) return;  // [MQTT-4.8.2-5]
    const ShardIndex owner = session.memberships->by_key.at(entry.share).owner;
    std::vector<std::unique_ptr<Handoff>> back;
    back.push_back(handoff_of(session, entry));
    post_back(owner, std::move(back), Refusal::Withheld);
}

void Shares::forget(Session& session, const QueueEntry& entry) {
    Membership* membership = find_key(session, entry.share);
    if (!membership) return;
    --membership->entries;
    if (membership->entries == 0 && !membership->subscription) session.memberships->by_key.erase(entry.share);
}

void Shares::on_release(const MemberId& member) {
    Session* session = shard_.sessions().find_serial(member.session);
    Membership* membership = find_membership(session, member.membership);
    if (!membership || session->connected()) return;
    membership->told_holds = false;
    give_back(*session, key_of(member.membership), Which::Unsent, Refusal::Released);
    shard_.mesh().quotas().session_offline(*session);
}

}  // namespace latchkey::broker
