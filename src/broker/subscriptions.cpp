// See subscriptions.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/subscriptions.h"

#include <algorithm>

#include "broker/errors.h"
#include "broker/shard.h"
#include "topic/share.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kDeniedPerPacket = 100;  ///< then the rest of a SUBSCRIBE is answered 0x97
constexpr std::size_t kForgottenPerTurn = 1024;

mqtt::Reason granted(std::uint8_t qos) {
    return static_cast<mqtt::Reason>(qos);  // 0x00, 0x01, 0x02 are the granted QoS. MQTT5 3.9.3
}

/// @param text  a valid filter, shared or not
policy::Request subscribe_request(std::string_view text, std::uint8_t qos) {
    policy::Request request{.act = policy::Act::Subscribe, .topic = text, .qos = qos};
    const auto share = topic::parse_share(text);
    if (!share || !*share) return request;
    request.topic = (*share)->filter;
    request.group = (*share)->group;
    return request;
}

}  // namespace

void Subscriptions::on_subscribe(Client& client, const mqtt::Subscribe& packet) {
    std::vector<mqtt::Reason> reasons;
    reasons.reserve(packet.filters.count());
    client.spend(packet.filters.count());
    const std::size_t most = shard_.settings().max_subscriptions;
    std::size_t denied = 0;
    shard_.shares().begin_packet();
    packet.filters.for_each([&](const mqtt::SubscribeFilter& asked) {
        if (client.phase == Client::Phase::Closing) return;
        // A packet has room for a quarter of a million filters, and every one of them costs a decision.
        if (reasons.size() >= most || denied >= kDeniedPerPacket) {
            return reasons.push_back(mqtt::Reason::QuotaExceeded);
        }
        reasons.push_back(subscribe_one(client, asked, packet.subscription_id));
        if (mqtt::is_error(reasons.back())) ++denied;
    });
    if (client.phase == Client::Phase::Closing) return shard_.shares().end_packet({});
    // No SUBACK of 3.1 can say that a filter failed, whatever the reason: it can only be closed (policy 3).
    const auto failed = std::ranges::find_if(reasons, mqtt::is_error);
    if (failed != reasons.end() && client.protocol.level() == mqtt::Level::V31) {
        shard_.shares().end_packet({});
        return shard_.close(client, *failed, kProtocol);
    }
    std::string reason_string;
    if (!client.session->last_denial.empty()) {
        reason_string = "not authorized, decision " + std::exchange(client.session->last_denial, {});
    }
    shard_.shares().end_packet([this, id = client.id, packet_id = packet.packet_id,
                                reasons = std::move(reasons), reason_string = std::move(reason_string)] {
        Client* answered = shard_.find_client(id);
        if (!answered || answered->phase != Client::Phase::Online) return;
        mqtt::encode_suback(answered->control, answered->protocol.peer(),
                            {.type = mqtt::PacketType::Suback,
                             .packet_id = packet_id,
                             .reasons = reasons,
                             .reason_string = reason_string});
        shard_.mark_dirty(*answered);
    });
}

mqtt::Reason Subscriptions::subscribe_one(Client& client, const mqtt::SubscribeFilter& asked,
                                          std::uint32_t id) {
    Session& session = *client.session;
    const auto share = topic::parse_share(asked.filter);
    if (!share) return mqtt::Reason::TopicFilterInvalid;
    const policy::Program& program = shard_.rights().program_of(session);
    const policy::Request request = subscribe_request(asked.filter, asked.qos);
    const policy::Decision decision = policy::decide(program, request);
    if (!decision.allowed()) {
        ++shard_.counters().subscribes_denied;
        session.last_denial = shard_.rights().denied(client, program, request, decision);
        // MQTT 3.1 has no failure code in SUBACK: it can only be closed (policy 3).
        if (client.protocol.level() == mqtt::Level::V31) {
            shard_.close(client, mqtt::Reason::NotAuthorized, kDenied);
        }
        return mqtt::Reason::NotAuthorized;
    }
    if (session.subscriptions.size() >= shard_.settings().max_subscriptions &&
        !session.find_subscription(asked.filter)) {
        return mqtt::Reason::QuotaExceeded;
    }
    bool existed = false;
    if (*share) {
        if (!shard_.shares().may_join(session)) return mqtt::Reason::QuotaExceeded;
        shard_.shares().join(session, asked, id);
    } else {
        insert(session, asked, id, existed);
    }
    shard_.append({.kind = store::RecordKind::Subscription,
                   .key = session.key,
                   .topic = asked.filter,
                   .authority = session.authority.get(),
                   .policy_version = shard_.epoch()->policy_version(),
                   .qos = asked.qos});
    if (*share) return granted(asked.qos);  // no retained messages come of it. MQTT5 4.8.2
    // Retain Handling: 0 always, 1 only if new, 2 never. MQTT5 3.8.3.1
    if (asked.retain_handling == 0 || (asked.retain_handling == 1 && !existed)) {
        shard_.retained().pull(session, *session.find_subscription(asked.filter));
    }
    return granted(asked.qos);
}

void Subscriptions::insert(Session& session, const mqtt::SubscribeFilter& asked, std::uint32_t id,
                           bool& existed) {
    // Whoever adds filters faster than a turn forgets pays for it: what is to be forgotten never piles up.
    forget(2);
    Subscription* subscription = session.find_subscription(asked.filter);
    Subscribers* subscribers = filters_.find_or_insert(asked.filter);
    existed = subscription != nullptr;
    if (!existed) {
        auto made = std::make_unique<Subscription>();
        subscription = made.get();
        subscription->session = &session;
        subscription->filter = asked.filter;
        subscription->place = static_cast<std::uint32_t>(subscribers->list.size());
        subscribers->list.push_back(subscription);
        session.subscriptions.emplace(subscription->filter, std::move(made));
        ++count_;
    } else if (counts_as_durable(session, *subscription)) {
        --subscribers->durable;
    }
    subscription->id = id;
    subscription->qos = asked.qos;
    subscription->no_local = asked.no_local;
    subscription->retain_as_published = asked.retain_as_published;
    subscription->withheld = false;
    if (counts_as_durable(session, *subscription)) ++subscribers->durable;
    // Local insert first, then the bits and the generation, then SUBACK (data-path 6).
    tell(subscription->filter, subscribers);
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

void Subscriptions::on_unsubscribe(Client& client, const mqtt::Unsubscribe& packet) {
    std::vector<mqtt::Reason> reasons;
    reasons.reserve(packet.filters.count());
    client.spend(packet.filters.count());
    Session& session = *client.session;
    shard_.shares().begin_packet();
    packet.filters.for_each([&](const mqtt::SubscribeFilter& asked) {
        if (!session.find_subscription(asked.filter)) {
            reasons.push_back(topic::parse_share(asked.filter) ? mqtt::Reason::NoSubscriptionExisted
                                                               : mqtt::Reason::TopicFilterInvalid);
            return;
        }
        shard_.append({.kind = store::RecordKind::Unsubscription, .key = session.key, .topic = asked.filter});
        erase(session, asked.filter);
        reasons.push_back(mqtt::Reason::Success);
    });
    shard_.shares().end_packet([this, id = client.id, packet_id = packet.packet_id,
                                reasons = std::move(reasons)] {
        Client* answered = shard_.find_client(id);
        if (!answered || answered->phase != Client::Phase::Online) return;
        mqtt::encode_suback(answered->control, answered->protocol.peer(),
                            {.type = mqtt::PacketType::Unsuback, .packet_id = packet_id, .reasons = reasons});
        shard_.mark_dirty(*answered);
    });
}

void Subscriptions::erase(Session& session, std::string_view filter) {
    const auto found = session.subscriptions.find(filter);
    Subscription& subscription = *found->second;
    unlist(subscription, counts_as_durable(session, subscription));
    if (subscription.membership != 0) shard_.shares().leave(session, subscription);
    shard_.retained().cancel(session, subscription);
    session.subscriptions.erase(found);
}

void Subscriptions::unlist(const Subscription& subscription, bool durable) {
    --count_;
    Subscribers* subscribers = filters_.find(subscription.filter);
    if (!subscribers) return;  // a shared one
    Subscription* last = subscribers->list.back();
    subscribers->list[subscription.place] = last;
    last->place = subscription.place;
    subscribers->list.pop_back();
    if (durable) --subscribers->durable;
    tell(subscription.filter, subscribers);
    if (subscribers->list.empty()) filters_.erase(subscription.filter);
}

void Subscriptions::remove_all(Session& session) {
    for (auto& [filter, subscription] : session.subscriptions) {
        const bool durable = counts_as_durable(session, *subscription);
        subscription->withheld = true;
        subscription->session = nullptr;
        forgotten_.push_back({std::move(subscription), durable});
    }
    session.subscriptions.clear();
}

void Subscriptions::forget_some() {
    forget(kForgottenPerTurn);
}

void Subscriptions::forget(std::size_t most) {
    for (std::size_t i = 0; i < most && !forgotten_.empty(); ++i) {
        const Forgotten one = std::move(forgotten_.back());
        forgotten_.pop_back();
        unlist(*one.subscription, one.durable);
    }
}

void Subscriptions::judge(Session& session, bool remove) {
    const policy::Program& program = shard_.rights().program_of(session);
    std::vector<std::string> gone;
    for (const auto& [filter, subscription] : session.subscriptions) {
        const bool was = subscription->withheld;
        subscription->withheld =
            !policy::decide(program, subscribe_request(filter, subscription->qos)).allowed();
        if (subscription->membership != 0 && was != subscription->withheld) {
            shard_.shares().on_judged(session, *subscription);
        }
        if (!subscription->withheld) continue;
        shard_.retained().cancel(session, *subscription);  // pages under way are stale now
        if (remove) gone.push_back(filter);
    }
    for (const std::string& filter : gone) {
        shard_.append({.kind = store::RecordKind::Unsubscription, .key = session.key, .topic = filter});
        erase(session, filter);
    }
    session.swept_version = shard_.epoch()->policy_version();
}

void Subscriptions::on_durability_changed(Session& session, bool was) {
    if (was == session.durable()) return;
    for (const auto& [filter, subscription] : session.subscriptions) {
        Subscribers* subscribers = filters_.find(filter);
        if (!subscribers || subscription->qos == 0) continue;
        subscribers->durable += was ? ~0U : 1U;
        tell(filter, subscribers);
    }
}

}  // namespace latchkey::broker
