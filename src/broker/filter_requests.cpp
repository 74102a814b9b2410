// See filter_requests.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/filter_requests.h"

#include <memory>
#include <utility>

#include "broker/errors.h"
#include "broker/shard.h"
#include "topic/share.h"

namespace latchkey::broker {

namespace {

constexpr std::uint32_t kDeniedPerPacket = 100;  ///< then the rest of a SUBSCRIBE is answered 0x97
constexpr std::uint32_t kFiltersAtOnce = 128;    ///< of one packet

mqtt::Reason granted(std::uint8_t qos) {
    return static_cast<mqtt::Reason>(qos);  // 0x00, 0x01, 0x02 are the granted QoS. MQTT5 3.9.3
}

}  // namespace

void FilterRequests::on_subscribe(Client& client, const mqtt::Subscribe& packet) {
    begin(client, {.answer = mqtt::PacketType::Suback,
                   .packet_id = packet.packet_id,
                   .subscription_id = packet.subscription_id,
                   .filters = packet.filters});
}

void FilterRequests::on_unsubscribe(Client& client, const mqtt::Unsubscribe& packet) {
    begin(client,
          {.answer = mqtt::PacketType::Unsuback, .packet_id = packet.packet_id, .filters = packet.filters});
}

void FilterRequests::begin(Client& client, FilterRequest request) {
    request.reasons.reserve(request.filters.count());
    request.gathering = shard_.shares().begin_packet();
    if (work(client, request)) return;
    client.request = std::make_unique<FilterRequest>(std::move(request));
    client.request->filters.keep(client.request->room);
    shard_.suspend(client, kSuspendRequest);
    waiting_.push_back(client.id);
}

void FilterRequests::run() {
    for (std::size_t i = waiting_.size(); i > 0 && shard_.may_spend(); --i) {
        Client* client = shard_.find_client(waiting_.front());
        waiting_.pop_front();
        if (!client || client->phase != Client::Phase::Online) continue;
        if (!work(*client, *client->request)) {
            waiting_.push_back(client->id);
            continue;
        }
        client->request.reset();
        if (client->phase == Client::Phase::Online) shard_.resume(*client, kSuspendRequest);
    }
}

bool FilterRequests::work(Client& client, FilterRequest& request) {
    shard_.shares().resume_packet(request.gathering);
    mqtt::SubscribeFilter asked;
    bool more = true;
    for (std::uint32_t i = 0; i < kFiltersAtOnce && shard_.may_spend(); ++i) {
        more = request.filters.take(asked);
        if (!more) break;
        client.spend(1);
        const bool subscribes = request.answer == mqtt::PacketType::Suback;
        const mqtt::Reason reason =
            subscribes ? subscribe(client, request, asked) : unsubscribe(*client.session, asked.filter);
        request.reasons.push_back(reason);
        // No SUBACK of 3.1 can say that a filter failed, whatever the reason: it can only be closed (policy
        // 3).
        if (subscribes && mqtt::is_error(reason) && client.protocol.level() == mqtt::Level::V31)
            shard_.close(client, reason, kProtocol);
        if (client.phase == Client::Phase::Closing) break;
    }
    shard_.shares().pause_packet();
    if (client.phase == Client::Phase::Closing) return true;
    if (more && request.filters.count() != 0) return false;
    answer(client, request);
    return true;
}

mqtt::Reason FilterRequests::subscribe(Client& client, FilterRequest& request,
                                       const mqtt::SubscribeFilter& asked) {
    const std::size_t most = shard_.settings().max_subscriptions;
    // A packet has room for a quarter of a million filters, and every one of them costs a decision.
    if (request.reasons.size() >= most || request.denied >= kDeniedPerPacket)
        return mqtt::Reason::QuotaExceeded;
    Session& session = *client.session;
    const auto share = topic::parse_share(asked.filter);
    if (!share) return mqtt::Reason::TopicFilterInvalid;
    const policy::Program& program = shard_.rights().program_of(session);
    const policy::Request question = subscribe_request(asked.filter, asked.qos);
    const policy::Decision decision = policy::decide(program, question);
    if (!decision.allowed()) return deny(client, request, program, question, decision);
    const Subscription* before = session.find_subscription(asked.filter);
    if (!before && session.subscriptions.size() >= most) return mqtt::Reason::QuotaExceeded;
    if (*share) {
        if (!shard_.shares().may_join(session)) return mqtt::Reason::QuotaExceeded;
        shard_.shares().join(session, asked, request.subscription_id);
    } else {
        shard_.subscriptions().insert(session, asked, request.subscription_id);
    }
    shard_.append({.kind = store::RecordKind::Subscription,
                   .key = session.key,
                   .topic = asked.filter,
                   .authority = session.authority.get(),
                   .policy_version = shard_.epoch()->policy_version(),
                   .qos = asked.qos});
    if (*share) return granted(asked.qos);  // no retained messages come of it. MQTT5 4.8.2
    // Retain Handling: 0 always, 1 only if new, 2 never. MQTT5 3.8.3.1
    if (asked.retain_handling == 0 || (asked.retain_handling == 1 && !before))
        shard_.retained().pull(session, *session.find_subscription(asked.filter));
    return granted(asked.qos);
}

mqtt::Reason FilterRequests::deny(Client& client, FilterRequest& request, const policy::Program& program,
                                  const policy::Request& question, const policy::Decision& decision) {
    ++request.denied;
    ++shard_.counters().subscribes_denied;
    client.spend(kDenialUnits);
    request.denial = shard_.rights().denied(client, program, question, decision);
    // MQTT 3.1 has no failure code in SUBACK: it can only be closed (policy 3).
    if (client.protocol.level() == mqtt::Level::V31)
        shard_.close(client, mqtt::Reason::NotAuthorized, kDenied);
    return mqtt::Reason::NotAuthorized;
}

mqtt::Reason FilterRequests::unsubscribe(Session& session, std::string_view filter) {
    if (!session.find_subscription(filter))
        return topic::parse_share(filter) ? mqtt::Reason::NoSubscriptionExisted
                                          : mqtt::Reason::TopicFilterInvalid;
    shard_.append({.kind = store::RecordKind::Unsubscription, .key = session.key, .topic = filter});
    shard_.subscriptions().erase(session, filter);
    return mqtt::Reason::Success;
}

void FilterRequests::answer(Client& client, FilterRequest& request) {
    std::string reason_string;
    if (!request.denial.empty()) reason_string = "not authorized, decision " + request.denial;
    shard_.shares().end_packet(
        request.gathering, [this, id = client.id, type = request.answer, packet_id = request.packet_id,
                            reasons = std::move(request.reasons), reason_string = std::move(reason_string)] {
            Client* answered = shard_.find_client(id);
            if (!answered || answered->phase != Client::Phase::Online) return;
            mqtt::encode_suback(
                answered->control, answered->protocol.peer(),
                {.type = type, .packet_id = packet_id, .reasons = reasons, .reason_string = reason_string});
            shard_.mark_dirty(*answered);
        });
}

}  // namespace latchkey::broker
