// See subscriptions.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/subscriptions.h"

#include <utility>

#include "broker/shard.h"
#include "topic/share.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kForgottenPerTurn = 512;
constexpr std::size_t kPassesPerTurn = 512;  ///< that begin, under a new policy
constexpr std::size_t kJudgedPerTurn = 512;  ///< filters and buckets
constexpr std::size_t kJudgedAtOnce = 128;   ///< of one session
constexpr std::uint64_t kNeverJudged = 0;    ///< no policy has this version

}  // namespace

policy::Request subscribe_request(std::string_view text, std::uint8_t qos) {
    policy::Request request{.act = policy::Act::Subscribe, .topic = text, .qos = qos};
    const auto share = topic::parse_share(text);
    if (!share || !*share) return request;
    request.topic = (*share)->filter;
    request.group = (*share)->group;
    return request;
}

void Subscriptions::insert(Session& session, const mqtt::SubscribeFilter& asked, std::uint32_t id) {
    // Whoever adds filters faster than a turn forgets pays for it: what is to be forgotten never piles up.
    forget(2);
    Subscription* subscription = session.find_subscription(asked.filter);
    Subscribers* subscribers = filters_.find_or_insert(asked.filter);
    if (!subscription) {
        auto made = std::make_unique<Subscription>();
        subscription = made.get();
        subscription->session = &session;
        subscription->filter = asked.filter;
        subscription->place = static_cast<std::uint32_t>(subscribers->list.size());
        subscribers->list.push_back(subscription);
        session.subscriptions.emplace(subscription->filter, std::move(made));
        ++count_;
    }
    subscription->id = id;
    subscription->qos = asked.qos;
    subscription->no_local = asked.no_local;
    subscription->retain_as_published = asked.retain_as_published;
    subscription->withheld = false;
    set_durable(*subscription, *subscribers, session.durable() && asked.qos > 0);
    // Local insert first, then the bits and the generation, then SUBACK (data-path 6).
    tell(subscription->filter, subscribers);
}

void Subscriptions::set_durable(Subscription& subscription, Subscribers& subscribers, bool durable) {
    if (std::exchange(subscription.durable, durable) == durable) return;
    subscribers.durable += durable ? 1U : ~0U;
}

void Subscriptions::tell(std::string_view filter) {
    tell(filter, filters_.find(filter));
}

void Subscriptions::tell(std::string_view filter, const Subscribers* subscribers) {
    const Groups::Wants groups = shard_.groups().wants(filter);
    const bool any = groups.any || (subscribers && !subscribers->list.empty());
    const bool durable = groups.durable || (subscribers && subscribers->durable != 0);
    shard_.mesh().interest().set(shard_.index(), filter, any, durable);
}

void Subscriptions::erase(Session& session, std::string_view filter) {
    const auto found = session.subscriptions.find(filter);
    Subscription& subscription = *found->second;
    if (subscription.membership != 0) {
        shard_.shares().leave(session, subscription);
    } else {
        unlist(subscription);
    }
    shard_.retained().cancel(session, subscription);
    session.subscriptions.erase(found);
}

void Subscriptions::unlist(const Subscription& subscription) {
    --count_;
    Subscribers& subscribers = *filters_.find(subscription.filter);
    Subscription* last = subscribers.list.back();
    subscribers.list[subscription.place] = last;
    last->place = subscription.place;
    subscribers.list.pop_back();
    if (subscription.durable) --subscribers.durable;
    tell(subscription.filter, &subscribers);
    if (subscribers.list.empty()) filters_.erase(subscription.filter);
}

// Ended sessions
// --------------------------------------------------------------------------------------------------

void Subscriptions::bury(std::unique_ptr<Session> session) {
    session->ended = true;
    if (!session->subscriptions.empty()) ended_.push_back(std::move(session));
}

void Subscriptions::forget(std::size_t most) {
    for (std::size_t i = 0; i < most && !ended_.empty(); ++i) {
        Session& session = *ended_.front();
        const auto first = session.subscriptions.begin();
        if (first->second->membership != 0) {
            shard_.shares().leave_ended(session, *first->second);
        } else {
            unlist(*first->second);
        }
        session.subscriptions.erase(first);
        if (session.subscriptions.empty()) ended_.pop_front();
    }
}

// Judging again
// ---------------------------------------------------------------------------------------------------

void Subscriptions::judge(Session& session, bool remove) {
    session.pass_removes = remove || (session.pass != 0 && session.pass_removes);
    session.pass = 0;
    session.swept_version = shard_.epoch()->policy_version();
    if (session.subscriptions.empty()) return;
    session.swept_version = kNeverJudged;
    session.pass = ++last_pass_;
    passes_.push_back(
        {.session = session.serial, .number = session.pass, .version = shard_.epoch()->policy_version()});
}

void Subscriptions::judge_all() {
    unjudged_.clear();
    shard_.sessions().for_each([this](Session& session) { unjudged_.push_back(session.serial); });
}

void Subscriptions::run() {
    judge_some();
    forget(kForgottenPerTurn);
}

void Subscriptions::judge_some() {
    const std::uint64_t version = shard_.epoch()->policy_version();
    // They take their turns with the passes of those who come back, who could otherwise keep them out.
    for (std::size_t i = 0; i < kPassesPerTurn && !unjudged_.empty(); ++i) {
        Session* session = shard_.sessions().find_serial(unjudged_.back());
        unjudged_.pop_back();
        if (session && session->pass == 0 && session->swept_version != version) judge(*session, false);
    }
    for (std::size_t steps = 0; steps < kJudgedPerTurn && !passes_.empty(); ++steps) {
        Pass pass = passes_.front();
        passes_.pop_front();
        Session* session = shard_.sessions().find_serial(pass.session);
        if (!session || session->pass != pass.number) continue;
        if (pass.version != version) {
            judge(*session, false);
            continue;
        }
        steps += go_on(*session, pass, kJudgedAtOnce);
        if (pass.next < pass.buckets) {
            passes_.push_back(pass);
        } else {
            session->pass = 0;
            session->swept_version = version;
        }
    }
}

std::size_t Subscriptions::go_on(Session& session, Pass& pass, std::size_t most) {
    auto& all = session.subscriptions;
    if (std::exchange(pass.buckets, all.bucket_count()) != all.bucket_count()) pass.next = 0;
    const policy::Program& program = shard_.rights().program_of(session);
    std::vector<std::string> gone;
    std::size_t done = 0;
    for (; done < most && pass.next < pass.buckets; ++pass.next, ++done) {
        for (auto one = all.begin(pass.next); one != all.end(pass.next); ++one, ++done) {
            if (!judge_one(session, program, *one->second) && session.pass_removes)
                gone.push_back(one->first);
        }
    }
    for (const std::string& filter : gone) {
        shard_.append({.kind = store::RecordKind::Unsubscription, .key = session.key, .topic = filter});
        erase(session, filter);
    }
    return done;
}

bool Subscriptions::judge_one(Session& session, const policy::Program& program, Subscription& subscription) {
    const bool allowed =
        policy::decide(program, subscribe_request(subscription.filter, subscription.qos)).allowed();
    const bool changed = std::exchange(subscription.withheld, !allowed) == allowed;
    if (subscription.membership != 0) {
        if (changed) shard_.shares().on_judged(session, subscription);
    } else if (subscription.durable && !session.durable()) {
        // A session that was taken up again to end with its connection. Counted too long, it only made
        // records that nobody needs.
        Subscribers& subscribers = *filters_.find(subscription.filter);
        set_durable(subscription, subscribers, false);
        tell(subscription.filter, &subscribers);
    }
    if (!allowed) shard_.retained().cancel(session, subscription);  // pages under way are stale now
    return allowed;
}

}  // namespace latchkey::broker
