// See delivery.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/delivery.h"

#include <algorithm>
#include <array>

#include <sys/uio.h>

#include "broker/errors.h"
#include "broker/shard.h"

namespace latchkey::broker {

namespace {

constexpr int kBatchesPerTurn = 4;           ///< then others get their turn
constexpr std::uint16_t kTopicAliases = 32;  ///< used towards one client, if it takes that many

/// What a list of `count` subscription identifiers takes, its place included.
std::size_t list_bytes(std::size_t count) {
    return 96 + sizeof(std::uint32_t) * count;
}

std::uint32_t low_half(std::uint64_t version) {
    return static_cast<std::uint32_t>(version);
}

std::optional<std::string_view> share_name(const Session& session, const QueueEntry& entry) {
    if (entry.share == 0) return std::nullopt;
    return session.memberships->by_key.at(entry.share).share_name;
}

}  // namespace

void Delivery::deliver(const MessageRef& message) {
    ++stamp_;
    shard_.subscriptions().match(message->topic(), [&](Subscription& subscription) {
        Session& session = *subscription.session;
        if (subscription.no_local && message->publisher == session.serial) return;
        const std::uint8_t qos = std::min(subscription.qos, message->qos);
        const bool retain = subscription.retain_as_published && message->retain;
        if (!session.pulls.empty() && session.pages_asked != 0 && message->retained_number != 0) {
            // Seen live since a page was asked for: a scanned copy that is not newer is dropped (data-path
            // 8).
            std::uint64_t& highest = session.live_numbers[std::string(message->topic())];
            highest = std::max(highest, message->retained_number);
        }
        if (session.match_stamp == stamp_) return merge(session, subscription, qos, retain);
        if (!session.connected()) {
            if (message->qos == 0 || !session.durable()) return;
            if (qos == 0) away_.push_back(&session);
        }
        if (!has_room(session, *message)) {
            ++shard_.counters().deliveries_dropped;
            return;
        }
        enqueue(session, {.message = message,
                          .subscription_ids = subscription.id,
                          .qos = qos,
                          .granted = subscription.qos,
                          .retain = retain});
        session.match_stamp = stamp_;
    });
    // For who is away nothing is kept at QoS 0; but the identifier of such a filter goes with the copy of
    // another.
    for (Session* session : std::exchange(away_, {})) {
        if (session->waiting.back().qos != 0) continue;
        free_ids(*session, take_waiting_back(*session));
        shard_.mesh().quotas().session_offline(*session);
    }
}

void Delivery::deliver_retained(Session& session, const Pull& pull, const MessageRef& message) {
    if (!has_room(session, *message)) {
        ++shard_.counters().deliveries_dropped;
        return;
    }
    enqueue(session, {.message = message,
                      .subscription_ids = pull.subscription_id,
                      .qos = std::min(pull.qos, message->qos),
                      .granted = pull.qos,
                      .retain = true});
}

bool Delivery::deliver_shared(Session& session, std::uint16_t share, const Subscription& subscription,
                              const MessageRef& message, std::vector<std::uint32_t>& visited) {
    if (!has_room(session, *message)) return false;
    QueueEntry entry{.message = message,
                     .share = share,
                     .qos = std::min(subscription.qos, message->qos),
                     .granted = subscription.qos,
                     .retain = subscription.retain_as_published && message->retain};
    if (!visited.empty()) {
        entry.subscription_ids = session.next_id_list++;
        entry.many_ids = true;
        session.waiting_bytes += list_bytes(visited.size());
        session.id_lists[entry.subscription_ids] = std::exchange(visited, {});
    }
    enqueue(session, std::move(entry));
    return true;
}

bool Delivery::has_room(const Session& session, const Message& message) const {
    const Settings& settings = shard_.settings();
    return session.waiting.size() < settings.max_queued_messages &&
           (session.waiting_bytes == 0 ||
            session.waiting_bytes + message.bytes() <= settings.max_queued_bytes) &&
           (session.connected() || shard_.mesh().quotas().has_room_offline(message.bytes(), settings.quotas));
}

void Delivery::enqueue(Session& session, QueueEntry entry) {
    entry.judged = low_half(session.swept_version);
    session.waiting_bytes += entry.message->bytes();
    if (!session.connected()) shard_.mesh().quotas().queued_offline(session, entry.message->bytes());
    session.waiting.push_back(std::move(entry));
    if (Client* client = shard_.find_client(session.connection)) shard_.mark_dirty(*client);
}

void Delivery::merge(Session& session, const Subscription& subscription, std::uint8_t qos, bool retain) {
    // One copy at the highest granted QoS with all identifiers. MQTT5 3.3.4 [MQTT-3.3.4-2..5]
    QueueEntry& entry = session.waiting.back();
    entry.qos = std::max(entry.qos, qos);
    entry.granted = std::max(entry.granted, subscription.qos);
    entry.retain = entry.retain || retain;
    const std::uint32_t id = subscription.id;
    if (id == 0) return;
    if (entry.subscription_ids == 0) {
        entry.subscription_ids = id;
        return;
    }
    if (!entry.many_ids) {
        const std::uint32_t first = entry.subscription_ids;
        entry.subscription_ids = session.next_id_list++;
        entry.many_ids = true;
        session.id_lists[entry.subscription_ids].push_back(first);
        session.waiting_bytes += list_bytes(1);
    }
    session.waiting_bytes += sizeof(std::uint32_t);  // see list_bytes()
    session.id_lists[entry.subscription_ids].push_back(id);
}

void Delivery::free_ids(Session& session, const QueueEntry& entry) {
    if (entry.share != 0) shard_.shares().forget(session, entry);
    if (!entry.many_ids) return;
    const auto list = session.id_lists.find(entry.subscription_ids);
    if (list == session.id_lists.end()) return;
    session.waiting_bytes -= list_bytes(list->second.size());
    session.id_lists.erase(list);
}

QueueEntry Delivery::take_waiting_back(Session& session) {
    QueueEntry entry = std::move(session.waiting.back());
    session.waiting_bytes -= entry.message->bytes();
    session.waiting.pop_back();
    return entry;
}

QueueEntry Delivery::take_waiting_front(Session& session) {
    QueueEntry entry = std::move(session.waiting.front());
    session.waiting_bytes -= entry.message->bytes();
    session.waiting.pop_front();
    return entry;
}

void Delivery::forget_message(Session& session, QueueEntry& entry) {
    if (entry.message) session.waiting_bytes -= entry.message->bytes();
    entry.message = {};
}

void Delivery::distrust(Session& session) {
    // Half a version that no policy has: the rest of the check is done entry by entry, at encode.
    const std::uint32_t never = ~low_half(shard_.epoch()->policy_version());
    for (std::uint32_t i = 0; i < session.waiting.size(); ++i)
        session.waiting[i].judged = never;
    for (std::uint32_t i = 0; i < session.inflight.size(); ++i)
        session.inflight[i].judged = never;
}

Delivery::Fate Delivery::judge(Session& session, const QueueEntry& entry) {
    const Message& message = *entry.message;
    Rights& rights = shard_.rights();
    if (rights.from_the_future(message)) return Fate::Wait;
    const bool receiver_known =
        entry.judged == low_half(shard_.epoch()->policy_version()) && !session.authority->revoked();
    if (!receiver_known &&
        !rights.may_receive(session, message.topic(), entry.granted, share_name(session, entry))) {
        ++shard_.counters().deliveries_withheld;
        if (entry.share != 0) shard_.shares().pass_on(session, entry);
        return Fate::Drop;
    }
    if (!rights.author_may(message)) {
        ++shard_.counters().deliveries_withheld;
        return Fate::Drop;
    }
    // A QoS 2 message whose bytes have left is completed even when it expires meanwhile.
    if (message.expires <= shard_.now() && !entry.sent) {
        ++shard_.counters().deliveries_expired;
        return Fate::Drop;
    }
    return Fate::Send;
}

void Delivery::erase_inflight(Session& session, std::uint32_t index) {
    QueueEntry& entry = session.inflight[index];
    if (!entry.parked) --session.in_window;
    free_ids(session, entry);
    forget_message(session, entry);
    session.inflight.erase(index);
    if (index < session.send_from) --session.send_from;
}

void Delivery::withdraw_inflight(Session& session, std::uint32_t index) {
    QueueEntry& entry = session.inflight[index];
    if (!(entry.sent && entry.qos == 2)) return erase_inflight(session, index);
    // The receiver may hold this id: were it used again, it would take the next message for a duplicate
    // (data-path 9).
    free_ids(session, entry);
    forget_message(session, entry);
    entry.many_ids = false;
    entry.share = 0;
    entry.parked = true;
    --session.in_window;
}

mqtt::Flow Delivery::on_ack(Client& client, const mqtt::Ack& packet) {
    Session& session = *client.session;
    std::uint32_t index = 0;
    QueueEntry* entry = session.find_inflight(packet.packet_id, &index);
    const bool known = entry != nullptr && index < session.send_from;
    switch (packet.type) {
        case mqtt::PacketType::Puback:
            if (known && entry->qos == 1) erase_inflight(session, index);
            break;
        case mqtt::PacketType::Pubrec: {
            if (mqtt::is_error(packet.reason)) {
                if (known && entry->qos == 2) erase_inflight(session, index);
                break;
            }
            const bool ours = known && entry->qos == 2;
            if (ours) {
                forget_message(session, *entry);
                entry->released = true;
                if (session.durable()) {
                    shard_.append({.kind = store::RecordKind::Outgoing,
                                   .key = session.key,
                                   .packet_id = packet.packet_id});
                }
            }
            shard_.after_commit([this, id = client.id, packet_id = packet.packet_id, ours] {
                Client* answered = shard_.find_client(id);
                if (!answered || answered->phase != Client::Phase::Online) return;
                mqtt::encode_ack(
                    answered->control, answered->protocol.peer(),
                    {.type = mqtt::PacketType::Pubrel,
                     .packet_id = packet_id,
                     .reason = ours ? mqtt::Reason::Success : mqtt::Reason::PacketIdentifierNotFound});
                shard_.mark_dirty(*answered);
            });
            break;
        }
        case mqtt::PacketType::Pubcomp:
            if (known && (entry->released || entry->parked)) erase_inflight(session, index);
            break;
        default:
            break;
    }
    shard_.mark_dirty(client);
    return client.flow();
}

void Delivery::resend(Client& client) {
    client.session->send_from = 0;
    shard_.mark_dirty(client);
}

bool Delivery::encode(Client& client, const QueueEntry& entry, Output::Packet& packet) {
    packet.begin = output_.scratch.size();
    if (entry.released) {
        return mqtt::encode_ack(output_.scratch, client.protocol.peer(),
                                {.type = mqtt::PacketType::Pubrel, .packet_id = entry.packet_id}) != 0;
    }
    const Message& message = *entry.message;
    std::span<const std::uint32_t> ids;
    std::uint32_t one = entry.subscription_ids;
    if (entry.share != 0) one = client.session->memberships->by_key[entry.share].subscription_id;
    if (entry.many_ids && entry.share == 0) {
        ids = client.session->id_lists[entry.subscription_ids];
    } else if (one != 0) {
        ids = {&one, 1};
    }
    shard_.counters().payload_bytes_sent += message.payload().size();
    std::optional<std::uint32_t> expiry;
    if (message.expires != kNever) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(message.expires - shard_.now()).count();
        expiry = static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0));
    }
    const mqtt::OutboundAlias alias = client.protocol.outbound_alias(message.topic(), kTopicAliases);
    if (!alias.known) packet.new_alias = alias.alias;
    const mqtt::PublishOut out{.topic = message.topic(),
                               .payload = message.payload(),
                               .forward = message.forward(),
                               .subscription_ids = ids,
                               .expiry_s = expiry,
                               .packet_id = entry.packet_id,
                               .qos = entry.qos,
                               .retain = entry.retain,
                               .dup = entry.sent,
                               .alias = alias};
    std::size_t size = 0;
    if (message.payload().size() >= kByReferenceBytes) {
        size = mqtt::encode_publish_head(output_.scratch, client.protocol.peer(), out);
        packet.payload = entry.message;
    } else {
        size = mqtt::encode_publish(output_.scratch, client.protocol.peer(), out);
    }
    if (size != 0) return true;
    client.protocol.forget_outbound_alias(packet.new_alias);
    ++shard_.counters().deliveries_dropped;  // larger than the receiver takes [MQTT-3.1.2-25]
    return false;
}

bool Delivery::fill_inflight(Client& client) {
    Session& session = *client.session;
    while (session.send_from < session.inflight.size() && !output_.full()) {
        QueueEntry& entry = session.inflight[session.send_from];
        // A parked id whose PUBREC came is owed its PUBREL on every connection, or it would never be free.
        if (entry.parked && !entry.released) {
            ++session.send_from;
            continue;
        }
        if (!entry.released) {
            if (session.in_window > window_of(session) && on_wire(session) >= window_of(session))
                return false;
            const Fate fate = judge(session, entry);
            if (fate == Fate::Wait) {
                waiting_for_epoch_.push_back(client.id);
                return false;
            }
            if (fate == Fate::Drop) {
                withdraw_inflight(session, session.send_from);
                continue;
            }
        }
        Output::Packet packet;
        if (!encode(client, entry, packet)) {
            if (entry.share != 0) shard_.shares().pass_on(session, entry);
            withdraw_inflight(session, session.send_from);
            continue;
        }
        ++session.send_from;
        packet.entry.packet_id = entry.packet_id;
        output_.add(std::move(packet));
    }
    return session.send_from == session.inflight.size();
}

std::uint32_t Delivery::window_of(const Session& session) const {
    return std::min<std::uint32_t>(session.window, shard_.settings().max_inflight);
}

std::uint32_t Delivery::on_wire(Session& session) {
    // Only a resumed session whose client takes less than before has more in flight than its window.
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < session.send_from; ++i)
        count += session.inflight[i].parked ? 0U : 1U;
    return count;
}

bool Delivery::enter_window(Client& client) {
    Session& session = *client.session;
    if (session.in_window >= window_of(session)) return false;
    const std::uint16_t id = session.take_packet_id();
    if (id == 0) return false;
    QueueEntry entry = take_waiting_front(session);
    entry.packet_id = id;
    const bool recorded = entry.qos == 2 && session.durable();
    if (recorded) {
        shard_.append({.kind = store::RecordKind::Outgoing,
                       .key = session.key,
                       .topic = entry.message->topic(),
                       .packet_id = id,
                       .qos = 2});
        session.outgoing_gate = shard_.last_lsn();
    }
    session.waiting_bytes += entry.message->bytes();  // still held, so still counted
    session.push_inflight(std::move(entry));
    ++session.in_window;
    return true;
}

bool Delivery::fill_waiting(Client& client) {
    Session& session = *client.session;
    // One batch of packet ids per commit: were more added while one is under way, its gate would run ahead.
    const bool full = gated(session);
    while (!session.waiting.empty() && !output_.full()) {
        QueueEntry& front = session.waiting.front();
        const Fate fate = judge(session, front);
        if (fate == Fate::Wait) {
            waiting_for_epoch_.push_back(client.id);
            return false;
        }
        if (fate == Fate::Drop) {
            free_ids(session, take_waiting_front(session));
            continue;
        }
        if (front.qos != 0) {
            if (full || !enter_window(client)) return false;
            // Its bytes are encoded past the gate of its packet id; QoS 0 behind it is not held up.
            if (!gated(session) && !fill_inflight(client)) return false;
            continue;
        }
        Output::Packet packet;
        const bool fits = encode(client, front, packet);
        packet.entry = take_waiting_front(session);
        if (!fits) {
            if (packet.entry.share != 0) shard_.shares().pass_on(session, packet.entry);
            free_ids(session, packet.entry);
            continue;
        }
        output_.add(std::move(packet));
    }
    return session.waiting.empty();
}

bool Delivery::gated(const Session& session) const {
    return session.outgoing_gate > shard_.ingress().committed();
}

void Delivery::wait_for_gate(Client& client) {
    if (!gated(*client.session) || client.waits_for_gate) return;
    client.waits_for_gate = true;
    shard_.after_commit([this, id = client.id] {
        Client* waiting = shard_.find_client(id);
        if (!waiting) return;
        waiting->waits_for_gate = false;
        shard_.mark_dirty(*waiting);
    });
}

bool Delivery::flush(Client& client) {
    for (int batch = 0; batch < kBatchesPerTurn; ++batch) {
        bool all = true;
        const bool held = !client.leftover.empty();  // what begins after it is encoded once it has left
        if (!held && client.phase == Client::Phase::Online && !client.login) {
            all = (gated(*client.session) || fill_inflight(client)) && fill_waiting(client);
            wait_for_gate(client);
        }
        if (output_.empty() && !client.has_output()) return false;
        const bool full = output_.full();
        const bool taken = write(client);
        output_.clear();
        if (!taken) return false;
        if (held || !client.leftover.empty()) continue;
        if (all || !full) return false;
    }
    return true;
}

bool Delivery::write(Client& client) {
    const net::IoResult result = client.transport->write(output_.gather(client.leftover, client.control));
    if (result.status == net::IoStatus::Failed) {
        forget_encoded(client);
        shard_.drop(client, kTransport);
        return false;
    }
    const std::size_t taken = result.status == net::IoStatus::Ok ? output_.offered() : result.bytes;
    shard_.counters().bytes_sent += taken;
    keep_rest(client, taken, result.held);
    // Also when nothing was begun: what went back to the queue waits for room too.
    client.want_write = result.status == net::IoStatus::WantWrite;
    return result.status == net::IoStatus::Ok;
}

void Delivery::forget_encoded(Client& client) {
    if (!client.session) return;
    for (const Output::Packet& packet : output_.packets()) {
        if (packet.entry.packet_id == 0) {
            free_ids(*client.session, packet.entry);
        } else if (QueueEntry* entry = client.session->find_inflight(packet.entry.packet_id)) {
            // Some of it may have left before the rest failed: a QoS 2 message that did must not be given to
            // another member [MQTT-4.8.2-5].
            entry->sent = true;
        }
    }
}

void Delivery::keep_rest(Client& client, std::size_t taken, std::size_t held) {
    // A sealed TLS record or an announced WebSocket frame must be offered again unchanged: it counts as
    // begun.
    const std::size_t begun = std::min(output_.offered(), taken + held);
    Output::Outcome outcome = output_.after_write(taken, begun);
    Session* session = client.session;
    const std::span<Output::Packet> packets = output_.packets();
    for (std::size_t i = packets.size(); i-- > 0;) {
        Output::Packet& packet = packets[i];
        const bool left = i < outcome.packets_left;
        if (!left) client.protocol.forget_outbound_alias(packet.new_alias);
        if (packet.entry.packet_id != 0) {
            if (left) {
                if (QueueEntry* sent = session->find_inflight(packet.entry.packet_id)) sent->sent = true;
            } else if (std::uint32_t at = 0; session->find_inflight(packet.entry.packet_id, &at)) {
                // Not one less: parked entries between the packets were passed over.
                session->send_from = std::min(session->send_from, at);
            }
        } else if (left) {
            free_ids(*session, packet.entry);
        } else {
            session->waiting_bytes += packet.entry.message->bytes();
            session->waiting.push_front(std::move(packet.entry));
        }
        if (left) ++shard_.counters().publishes_sent, ++shard_.counters().packets_sent;
    }
    client.leftover = std::move(outcome.rest);
    if (output_.offers_control()) client.control.shrink(512);
}

}  // namespace latchkey::broker
