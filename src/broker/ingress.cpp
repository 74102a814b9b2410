// See ingress.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/ingress.h"

#include <utility>

#include "broker/errors.h"
#include "broker/shard.h"
#include "topic/name.h"

namespace latchkey::broker {

namespace {

std::string_view text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint32_t lane_bytes(const Message& message) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(message.bytes(), 0x3FFFFFFF));
}

}  // namespace

Ingress::Ingress(Shard& shard, const HashSeed& seed) : shard_(shard), routes_(seed, shard.mesh().interest()) {
    for (ShardIndex to = 0; to < shard.mesh().shards(); ++to) {
        publish_.push_back(std::make_unique<Outlet>(shard.mesh().publish(shard.index(), to)));
        forward_.push_back(std::make_unique<Outlet>(shard.mesh().forward(shard.index(), to)));
    }
    shard.store().on_gate([this] { commit(); });
}

mqtt::Flow Ingress::on_publish(Client& client, const mqtt::Publish& packet) {
    Session& session = *client.session;
    ++shard_.counters().publishes_received;
    if (!topic::validate_name(packet.topic)) {
        shard_.close(client, mqtt::Reason::TopicNameInvalid, kProtocol);
        return client.flow();
    }
    if (packet.qos == 2) {
        if (session.receiving.contains(packet.packet_id)) {
            // A duplicate of what is not released yet: acknowledged again, stored once. MQTT5 4.3.3
            answer_later(client, mqtt::PacketType::Pubrec, packet.packet_id, mqtt::Reason::Success);
            return client.flow();
        }
        if (session.receiving.size() >= shard_.settings().receive_maximum) {
            shard_.close(client, mqtt::Reason::ReceiveMaximumExceeded, kQuota);
            return client.flow();
        }
        // Unreleased messages are held whole: their number alone would let one client keep gigabytes.
        if (!session.receiving.empty() &&
            session.receiving_bytes + packet.payload.size() > shard_.settings().max_queued_bytes) {
            shard_.close(client, mqtt::Reason::QuotaExceeded, kQuota);
            return client.flow();
        }
    }
    const Route& route = routes_.find(packet.topic, shard_.rights().program_of(session));
    if (!policy::mask_allows(route.allowed, packet.qos, packet.retain)) return deny(client, packet);

    shard_.counters().payload_bytes_received += packet.payload.size();
    if (packet.retain && !packet.payload.empty() &&
        shard_.mesh().quotas().retained_full(packet.topic.size() + packet.payload.size(),
                                             shard_.settings().quotas)) {
        return over_quota(client, packet);
    }
    MessageRef message = make(session, packet);
    if (packet.qos == 0) {
        send(std::move(message), {.client = client.id}, route.reach);
        return client.flow();
    }
    if (packet.qos == 2) {
        record(store::RecordKind::Receive, message, session.key, packet.packet_id, 0);
        session.receiving_bytes += message->bytes();
        session.receiving.emplace(packet.packet_id, std::move(message));
        answer_later(client, mqtt::PacketType::Pubrec, packet.packet_id, mqtt::Reason::Success);
        return client.flow();
    }
    const Sender sender{client.id, packet.packet_id, Sender::Owed::Puback};
    if (route.reach.durable == 0 && !packet.retain && uncommitted_.empty()) {
        send(std::move(message), sender, route.reach);  // nobody durable: no record, nothing to queue behind
        return client.flow();
    }
    if (route.reach.durable != 0 || packet.retain) {
        record(store::RecordKind::Publish, message, session.key, packet.packet_id, route.reach.any);
    }
    after_commit(
        [this, message = std::move(message), sender]() mutable { send(std::move(message), sender); });
    return client.flow();
}

mqtt::Flow Ingress::on_pubrel(Client& client, const mqtt::Ack& packet) {
    Session& session = *client.session;
    const auto found = session.receiving.find(packet.packet_id);
    if (found == session.receiving.end()) {
        // Released before, or never known. Behind the gate: the release may still be on its way to the store.
        answer_later(client, mqtt::PacketType::Pubcomp, packet.packet_id,
                     mqtt::Reason::PacketIdentifierNotFound);
        return client.flow();
    }
    MessageRef message = std::move(found->second);
    session.receiving.erase(found);
    session.receiving_bytes -= message->bytes();
    // Rights are asked again: between PUBLISH and PUBREL they may have been taken away (data-path 9).
    const policy::Program& program = shard_.rights().program_of(session);
    const Route& route = routes_.find(message->topic(), program);
    const bool allowed = shard_.rights().author_may(*message) &&
                         policy::mask_allows(route.allowed, message->qos, message->retain);
    const std::uint64_t destinations = allowed ? route.reach.any : 0;
    record(store::RecordKind::Release, message, session.key, packet.packet_id, destinations);
    const Sender sender{client.id, packet.packet_id, Sender::Owed::Pubcomp};
    if (!allowed) {
        ++shard_.counters().publishes_denied;
        after_commit([this, sender] { finish(sender); });
        return client.flow();
    }
    after_commit(
        [this, message = std::move(message), sender]() mutable { send(std::move(message), sender); });
    return client.flow();
}

mqtt::Flow Ingress::deny(Client& client, const mqtt::Publish& packet) {
    ++shard_.counters().publishes_denied;
    client.spend(kDenialUnits);
    const policy::Program& program = shard_.rights().program_of(*client.session);
    const policy::Request request{
        .act = policy::Act::Publish, .topic = packet.topic, .qos = packet.qos, .retain = packet.retain};
    const std::string id = shard_.rights().denied(client, program, request, policy::decide(program, request));
    const std::string reason = "not authorized, decision " + id;
    const bool v5 = client.protocol.level() == mqtt::Level::V5;
    // 3.1.1 has no way to say no to a PUBLISH but to close (policy 3, MQTT311 3.3.5).
    const bool end =
        !v5 || shard_.epoch()->listeners[client.listener].denied_publish == DeniedPublish::Disconnect;
    if (v5 && packet.qos != 0) {
        const auto type = packet.qos == 1 ? mqtt::PacketType::Puback : mqtt::PacketType::Pubrec;
        if (end) {
            answer(client, type, packet.packet_id, mqtt::Reason::NotAuthorized, reason);
        } else {
            // Behind the acknowledgements of what came before it [MQTT-4.6.0-2].
            answer_later(client, type, packet.packet_id, mqtt::Reason::NotAuthorized, reason);
        }
    }
    if (end) shard_.close(client, mqtt::Reason::NotAuthorized, kDenied);
    return client.flow();
}

mqtt::Flow Ingress::over_quota(Client& client, const mqtt::Publish& packet) {
    ++shard_.counters().publishes_over_quota;
    shard_.door().tell_quota(client, "max_retained");
    if (client.protocol.level() != mqtt::Level::V5) {
        shard_.close(client, mqtt::Reason::QuotaExceeded, kQuota);  // no way to say it [MQTT311 3.3.5]
    } else if (packet.qos != 0) {
        const auto type = packet.qos == 1 ? mqtt::PacketType::Puback : mqtt::PacketType::Pubrec;
        answer_later(client, type, packet.packet_id, mqtt::Reason::QuotaExceeded);
    }
    return client.flow();
}

bool Ingress::offer_own(const MessageRef& message) {
    bool taken = true;
    const auto offer = [&](ShardIndex to, LaneEntry::Kind kind) {
        const LaneEntry entry{.kind = kind, .message = message.share(), .bytes = lane_bytes(*message)};
        if (publish_[to]->try_now(entry)) return;
        Message::release(entry.message);
        taken = false;
    };
    message.writable().retained_number = shard_.mesh().next_retained_number();
    const ShardIndex owner = shard_.mesh().shard_of(message->topic());
    if (owner == shard_.index()) {
        shard_.retained().store(message);
    } else {
        offer(owner, LaneEntry::Kind::Retain);
        if (!taken) return false;  // never delivered before it is kept (data-path 8)
    }
    const Reach reach = routes_.reach(message->topic(), 0);
    for (ShardIndex to = 0; to < shard_.mesh().shards(); ++to) {
        if ((reach.any >> to & 1) != 0 && to != shard_.index()) offer(to, LaneEntry::Kind::Deliver);
    }
    if (reach.any >> shard_.index() & 1) shard_.delivery().deliver(message);
    return taken;
}

MessageRef Ingress::make(const Session& session, const mqtt::Publish& packet) {
    const auto& properties = packet.properties;
    MessageRef message = MessageRef::created(Message::create(
        {.topic = packet.topic,
         .payload = packet.payload,
         .packet = shard_.packet_of(packet.payload),
         .forward_bytes = properties.forward.size(),
         .author = session.authority,
         .policy_version = shard_.epoch()->policy_version(),
         .publisher = session.serial,
         .expires = properties.expiry_s ? shard_.now() + std::chrono::seconds(*properties.expiry_s) : kNever,
         .qos = packet.qos,
         .retain = packet.retain}));
    properties.forward.copy_to(message.writable().forward_room());
    return message;
}

void Ingress::publish_will(Session& session, std::unique_ptr<Will> will) {
    const policy::Program& program = shard_.rights().program_of(session);
    const policy::Request request{.act = policy::Act::Publish,
                                  .topic = will->topic,
                                  .qos = will->qos,
                                  .retain = will->retain,
                                  .via = policy::Via::Will};
    const policy::Decision decision = policy::decide(program, request);
    if (!decision.allowed()) {
        ++shard_.counters().wills_withheld;
        shard_.rights().denied_will(session.client_id, {}, program, request, decision);
        return;
    }
    MessageRef message = MessageRef::created(Message::create(
        {.topic = will->topic,
         .payload = std::as_bytes(std::span(will->payload)),
         .forward_bytes = will->forward.size(),
         .author = session.authority,
         .policy_version = shard_.epoch()->policy_version(),
         .publisher = session.serial,
         .expires =
             will->expiry_s == 0xFFFFFFFF ? kNever : shard_.now() + std::chrono::seconds(will->expiry_s),
         .qos = will->qos,
         .retain = will->retain,
         .will = true}));
    std::memcpy(message.writable().forward_room(), will->forward.data(), will->forward.size());
    const Reach reach = routes_.reach(will->topic, 0);
    if (will->qos != 0 && (reach.durable != 0 || will->retain)) {
        record(store::RecordKind::Will, message, session.key, 0, reach.any);
    }
    after_commit([this, message = std::move(message), will = std::move(will)]() mutable {
        send(std::move(message), {}, std::move(will));
    });
}

void Ingress::record(store::RecordKind kind, const MessageRef& message, std::string_view key,
                     std::uint16_t packet_id, std::uint64_t destinations) {
    shard_.append({.kind = kind,
                   .key = key,
                   .topic = message->topic(),
                   .body = text(message->payload()),
                   .properties = text(message->forward()),
                   .authority = message->author.get(),
                   .policy_version = message->policy_version,
                   .destinations = destinations,
                   .packet_id = packet_id,
                   .qos = message->qos,
                   .retain = message->retain});
}

void Ingress::after_commit(std::move_only_function<void()> then) {
    uncommitted_.push_back({shard_.last_lsn(), std::move(then)});
}

void Ingress::commit() {
    // Everything in LSN order and past its own commit; what follows a record in this queue waits with it, so
    // that nothing of one publisher overtakes (data-path 9).
    committed_ = shard_.store().gate();
    while (!uncommitted_.empty() && uncommitted_.front().gate <= committed_) {
        auto then = std::move(uncommitted_.front().then);
        uncommitted_.pop_front();
        then();
    }
}

void Ingress::send(MessageRef message, const Sender& sender, const Reach& reach) {
    if (message->retain || !incomplete_.empty()) {
        return send(std::move(message), sender, std::unique_ptr<Will>());
    }
    route(nullptr, message, sender, reach);
}

void Ingress::send(MessageRef message, const Sender& sender, std::unique_ptr<Will> will) {
    const auto before = incomplete_.find(message->publisher);
    Parcel* parcel = nullptr;
    if (will || before != incomplete_.end()) {
        parcel = stash(message, sender);
        parcel->will = std::move(will);
    }
    if (before == incomplete_.end()) return dispatch(parcel, message, sender);
    before->second->behind.push_back([this, parcel] { dispatch(parcel, parcel->message, parcel->sender); });
}

void Ingress::dispatch(Parcel* parcel, const MessageRef& message, const Sender& sender) {
    if (message->retain) {
        message.writable().retained_number = shard_.mesh().next_retained_number();
        const ShardIndex owner = shard_.mesh().shard_of(message->topic());
        if (owner == shard_.index()) {
            shard_.retained().store(message);
        } else {
            const LaneEntry entry{
                .kind = LaneEntry::Kind::Retain, .message = message.share(), .bytes = lane_bytes(*message)};
            if (!publish_[owner]->try_now(entry)) {
                if (!parcel) parcel = stash(message, sender);
                parcel->owed = 1;
                incomplete_[message->publisher] = parcel;
                publish_[owner]->wait(entry, parcel);
                return;  // the route is walked once the owner's lane has it
            }
        }
    }
    route(parcel, message, sender, reach_of(*message));
}

Reach Ingress::reach_of(const Message& message) {
    return routes_.reach(message.topic(), message.will ? 0 : message.author->number());
}

void Ingress::route(Parcel* parcel, const MessageRef& message, const Sender& sender, const Reach& reach) {
    if (parcel) parcel->routed = true;
    for (ShardIndex to = 0; to < shard_.mesh().shards(); ++to) {
        if ((reach.any >> to & 1) == 0 || to == shard_.index()) continue;
        const LaneEntry entry{
            .kind = LaneEntry::Kind::Deliver, .message = message.share(), .bytes = lane_bytes(*message)};
        if (publish_[to]->try_now(entry)) continue;
        if (!parcel) {
            parcel = stash(message, sender);
            parcel->routed = true;
        }
        ++parcel->owed;
        publish_[to]->wait(entry, parcel);
    }
    if (reach.any >> shard_.index() & 1) {
        shard_.delivery().deliver(message);
        if (!shard_.groups().empty()) parcel = share(parcel, message, sender);
    }
    if (!parcel) return finish(sender);
    if (parcel->owed == 0) return complete(parcel);
    incomplete_[message->publisher] = parcel;
}

Parcel* Ingress::share(Parcel* parcel, const MessageRef& message, const Sender& sender) {
    Sharing sharing{parcel, message, sender};
    sharing_ = &sharing;
    shard_.groups().deliver(message);
    sharing_ = nullptr;
    return sharing.parcel;
}

void Ingress::push_handoff(ShardIndex to, std::unique_ptr<Handoff> handoff) {
    const std::uint32_t bytes = lane_bytes(*handoff->message);
    const LaneEntry entry{.kind = LaneEntry::Kind::Handoff, .handoff = handoff.release(), .bytes = bytes};
    if (forward_[to]->try_now(entry)) return;
    Parcel* waiter = &lanes_;
    if (sharing_) {
        if (!sharing_->parcel) {
            sharing_->parcel = stash(sharing_->message, sharing_->sender);
            sharing_->parcel->routed = true;
        }
        waiter = sharing_->parcel;
    }
    ++waiter->owed;
    forward_[to]->wait(entry, waiter);
}

Parcel* Ingress::stash(const MessageRef& message, const Sender& sender) {
    auto made = std::make_unique<Parcel>();
    Parcel* parcel = made.get();
    parcel->number = ++last_parcel_;
    parcels_.emplace(parcel->number, std::move(made));
    parcel->message = message;
    parcel->sender = sender;
    if (Client* client = shard_.find_client(sender.client)) {
        ++client->stashed;
        shard_.suspend(*client, kSuspendLane);
    }
    return parcel;
}

void Ingress::pushed(Parcel* parcel) {
    if (--parcel->owed != 0) return;
    if (parcel->routed) return complete(parcel);
    route(parcel, parcel->message, parcel->sender, reach_of(*parcel->message));
}

void Ingress::complete(Parcel* parcel) {
    const auto done = parcels_.extract(parcel->number);
    const Sender& sender = done.mapped()->sender;
    finish(sender);
    const std::uint64_t publisher = parcel->message->publisher;
    if (const auto mine = incomplete_.find(publisher); mine != incomplete_.end() && mine->second == parcel) {
        incomplete_.erase(mine);
    }
    for (auto& next : parcel->behind) {
        // One of them may have to wait too: the rest then stands behind that one.
        const auto again = incomplete_.find(publisher);
        if (again != incomplete_.end()) {
            again->second->behind.push_back(std::move(next));
        } else {
            next();
        }
    }
    Client* client = shard_.find_client(sender.client);
    if (client && --client->stashed == 0) shard_.resume(*client, kSuspendLane);
}

void Ingress::finish(const Sender& sender) {
    if (sender.owed == Sender::Owed::Nothing) return;
    Client* client = shard_.find_client(sender.client);
    if (!client || client->phase != Client::Phase::Online) return;
    const auto type =
        sender.owed == Sender::Owed::Puback ? mqtt::PacketType::Puback : mqtt::PacketType::Pubcomp;
    answer(*client, type, sender.packet_id, mqtt::Reason::Success);
}

void Ingress::answer(Client& client, mqtt::PacketType type, std::uint16_t packet_id, mqtt::Reason reason,
                     std::string_view reason_string) {
    mqtt::encode_ack(
        client.control, client.protocol.peer(),
        {.type = type, .packet_id = packet_id, .reason = reason, .reason_string = reason_string});
    shard_.mark_dirty(client);
}

void Ingress::answer_later(const Client& client, mqtt::PacketType type, std::uint16_t packet_id,
                           mqtt::Reason reason, std::string reason_string) {
    auto say = [this, id = client.id, type, packet_id, reason, text = std::move(reason_string)] {
        Client* asker = shard_.find_client(id);
        if (asker && asker->phase == Client::Phase::Online) answer(*asker, type, packet_id, reason, text);
    };
    after_commit([this, publisher = client.session->serial, say = std::move(say)]() mutable {
        const auto before = incomplete_.find(publisher);
        if (before == incomplete_.end()) return say();
        before->second->behind.push_back(std::move(say));
    });
}

void Ingress::settle() {
    for (auto& outlet : publish_)
        outlet->settle([this](Parcel* parcel) { pushed(parcel); });
    for (auto& outlet : forward_)
        outlet->settle([this](Parcel* parcel) { parcel == &lanes_ ? void(--lanes_.owed) : pushed(parcel); });
}

void Ingress::push_mark(ShardIndex owner, std::uint64_t round) {
    publish_[owner]->push({.kind = LaneEntry::Kind::Mark, .round = round});
}

void Ingress::push_page(ShardIndex to, std::unique_ptr<RetainedPage> page) {
    std::uint32_t bytes = 0;
    for (const Message* message : page->messages)
        bytes += lane_bytes(*message);
    forward_[to]->push({.kind = LaneEntry::Kind::RetainedPage, .page = page.release(), .bytes = bytes});
}

void Ingress::notify() {
    for (ShardIndex to = 0; to < shard_.mesh().shards(); ++to) {
        const bool publish = publish_[to]->take_pushed();
        const bool forward = forward_[to]->take_pushed();
        if (publish || forward) shard_.mesh().rouse(to);
    }
}

bool Ingress::waiting() const noexcept {
    for (const auto& outlet : publish_) {
        if (outlet->waiting()) return true;
    }
    for (const auto& outlet : forward_) {
        if (outlet->waiting()) return true;
    }
    return false;
}

}  // namespace latchkey::broker
