// See sim_client.h.
// SPDX-License-Identifier: Apache-2.0
#include "sim/sim_client.h"

#include <algorithm>

namespace latchkey::sim {

namespace {
std::string hex(mqtt::Reason reason) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto value = static_cast<unsigned>(reason);
    return {kDigits[value >> 4], kDigits[value & 15]};
}
std::string text_of(mqtt::Bytes data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}
mqtt::Bytes bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}
}  // namespace

SimClient::SimClient(std::string client_name, std::shared_ptr<Pipe> from_broker,
                     std::shared_ptr<Pipe> to_broker, std::string& trace)
    : name(std::move(client_name)), in_(std::move(from_broker)), out_(std::move(to_broker)), trace_(trace) {}

void SimClient::connect(const ConnectSpec& spec) {
    protocol_ = std::make_unique<mqtt::ClientConnection>(
        spec.level, mqtt::Limits{.max_packet_bytes = 64U << 20, .topic_alias_maximum = spec.topic_aliases});
    mqtt::ConnectOut out{.level = spec.level,
                         .clean_start = spec.clean,
                         .keep_alive_s = spec.keep_alive_s,
                         .client_id = spec.client_id,
                         .user_name = spec.user,
                         .receive_maximum = spec.receive_maximum,
                         .maximum_packet_size = spec.max_packet,
                         .topic_alias_maximum = spec.topic_aliases};
    if (spec.auth_method) {
        out.auth_method = *spec.auth_method;
        out.auth_data = bytes(spec.auth_data);
    }
    if (spec.expiry_s != 0) out.session_expiry_s = spec.expiry_s;
    if (spec.will) {
        out.will = mqtt::WillOut{.topic = spec.will->topic,
                                 .payload = bytes(spec.will->payload),
                                 .qos = spec.will->qos,
                                 .retain = spec.will->retain};
        if (spec.will->delay_s != 0) out.will->delay_s = spec.will->delay_s;
        out.will->expiry_s = spec.will->expiry_s;
    }
    mqtt::Buffer buffer;
    mqtt::encode_connect(buffer, out);
    flush(buffer);
}

std::uint16_t SimClient::publish(std::string_view topic, std::string_view payload, std::uint8_t qos,
                                 bool retain) {
    return publish(PublishSpec{.topic = topic, .payload = payload, .qos = qos, .retain = retain});
}

std::uint16_t SimClient::publish(const PublishSpec& spec) {
    mqtt::Buffer buffer;
    std::uint16_t id = spec.packet_id;
    if (id == 0 && spec.qos != 0) id = next_id();
    mqtt::encode_publish(buffer, protocol_->peer(),
                         {.topic = spec.topic,
                          .payload = bytes(spec.payload),
                          .expiry_s = spec.expiry_s,
                          .packet_id = id,
                          .qos = spec.qos,
                          .retain = spec.retain,
                          .dup = spec.dup,
                          .alias = spec.alias});
    flush(buffer);
    return id;
}

std::uint16_t SimClient::subscribe(std::string_view filter, std::uint8_t qos, std::uint8_t retain_handling,
                                   std::uint32_t id, bool no_local) {
    return subscribe({.filter = filter, .qos = qos, .no_local = no_local, .retain_handling = retain_handling},
                     id);
}

std::uint16_t SimClient::subscribe(const mqtt::SubscribeFilter& one, std::uint32_t id) {
    mqtt::Buffer buffer;
    const std::uint16_t packet_id = next_id();
    mqtt::encode_subscribe(buffer, protocol_->peer(),
                           {.packet_id = packet_id, .subscription_id = id, .filters = {&one, 1}});
    flush(buffer);
    return packet_id;
}

std::uint16_t SimClient::unsubscribe(std::string_view filter) {
    mqtt::Buffer buffer;
    const std::uint16_t packet_id = next_id();
    mqtt::encode_unsubscribe(buffer, protocol_->peer(), {.packet_id = packet_id, .filters = {&filter, 1}});
    flush(buffer);
    return packet_id;
}

void SimClient::ack(mqtt::PacketType type, std::uint16_t packet_id, mqtt::Reason reason) {
    mqtt::Buffer buffer;
    mqtt::encode_ack(buffer, protocol_->peer(), {.type = type, .packet_id = packet_id, .reason = reason});
    flush(buffer);
}

void SimClient::ping() {
    mqtt::Buffer buffer;
    mqtt::encode_pingreq(buffer);
    flush(buffer);
}

void SimClient::auth(mqtt::Reason reason, std::string_view method, std::string_view data) {
    mqtt::Buffer buffer;
    mqtt::encode_auth(buffer, protocol_->peer(), {.reason = reason, .method = method, .data = bytes(data)});
    flush(buffer);
}

void SimClient::disconnect(mqtt::Reason reason) {
    mqtt::Buffer buffer;
    mqtt::encode_disconnect(buffer, protocol_->peer(), {.reason = reason}, true);
    flush(buffer);
    out_->closed = true;
}

void SimClient::disconnect_with_expiry(std::uint32_t seconds) {
    mqtt::Buffer buffer;
    mqtt::encode_disconnect(buffer, protocol_->peer(), {.session_expiry_s = seconds}, true);
    flush(buffer);
    out_->closed = true;
}

void SimClient::cut() {
    out_->closed = true;
}

bool SimClient::pump() {
    if (in_->bytes.empty() || !protocol_) return false;
    const std::size_t n = std::min(read_room, in_->bytes.size());
    if (n == 0) return false;
    bytes_received += n;
    tail_.append(in_->bytes, 0, n);
    in_->bytes.erase(0, n);
    const mqtt::Consumed consumed = protocol_->on_bytes(bytes(tail_), *this);
    tail_.erase(0, consumed.bytes);
    return true;
}

std::vector<std::string> SimClient::payloads() const {
    std::vector<std::string> out;
    for (const Received& one : received)
        out.push_back(one.payload);
    return out;
}

bool SimClient::acked(std::uint16_t packet_id) const {
    return std::ranges::any_of(pubacks, [&](const auto& one) { return one.first == packet_id; });
}

mqtt::Flow SimClient::on_connack(const mqtt::Connack& packet) {
    connack = packet.reason;
    session_present = packet.session_present;
    server_keep_alive_s = packet.server_keep_alive_s;
    session_expiry_s = packet.session_expiry_s;
    if (packet.auth_method) connack_method = *packet.auth_method;
    if (packet.auth_data) connack_data = text_of(*packet.auth_data);
    note("connack " + hex(packet.reason) + (packet.session_present ? " present" : ""));
    return mqtt::Flow::Continue;
}

mqtt::Flow SimClient::on_publish(const mqtt::Publish& packet) {
    Received one{
        .topic = std::string(packet.topic),
        .payload = std::string(reinterpret_cast<const char*>(packet.payload.data()), packet.payload.size()),
        .qos = packet.qos,
        .retain = packet.retain,
        .dup = packet.dup,
        .packet_id = packet.packet_id,
        .ids = {},
        .expiry_s = packet.properties.expiry_s};
    packet.for_each_subscription_id([&](std::uint32_t id) { one.ids.push_back(id); });
    note("publish " + one.topic + "=" + one.payload + " q" + std::to_string(one.qos) +
         (one.retain ? " r" : "") + (one.dup ? " d" : ""));
    received.push_back(std::move(one));
    if (auto_ack && packet.qos == 1) ack(mqtt::PacketType::Puback, packet.packet_id);
    if (auto_ack && packet.qos == 2) ack(mqtt::PacketType::Pubrec, packet.packet_id);
    return mqtt::Flow::Continue;
}

mqtt::Flow SimClient::on_ack(const mqtt::Ack& packet) {
    note(std::string(mqtt::packet_name(packet.type)) + " " + std::to_string(packet.packet_id) + " " +
         hex(packet.reason));
    if (!packet.reason_string.empty()) reason_strings.emplace_back(packet.reason_string);
    switch (packet.type) {
        case mqtt::PacketType::Pubrec:
            pubrecs.emplace_back(packet.packet_id, packet.reason);
            if (auto_ack && !mqtt::is_error(packet.reason)) ack(mqtt::PacketType::Pubrel, packet.packet_id);
            break;
        case mqtt::PacketType::Pubrel:
            if (auto_ack) ack(mqtt::PacketType::Pubcomp, packet.packet_id);
            break;
        default:
            pubacks.emplace_back(packet.packet_id, packet.reason);
            break;
    }
    return mqtt::Flow::Continue;
}

mqtt::Flow SimClient::on_suback(const mqtt::Suback& packet) {
    std::vector<mqtt::Reason> reasons;
    for (const std::byte one : packet.reasons)
        reasons.push_back(static_cast<mqtt::Reason>(one));
    note("suback " + std::to_string(packet.packet_id) + (reasons.empty() ? "" : " " + hex(reasons[0])));
    if (!packet.reason_string.empty()) reason_strings.emplace_back(packet.reason_string);
    subacks.emplace_back(packet.packet_id, std::move(reasons));
    return mqtt::Flow::Continue;
}

mqtt::Flow SimClient::on_pingresp() {
    note("pingresp");
    return mqtt::Flow::Continue;
}

mqtt::Flow SimClient::on_disconnect(const mqtt::Disconnect& packet) {
    disconnected = packet.reason;
    note("disconnect " + hex(packet.reason));
    return mqtt::Flow::Stop;
}

mqtt::Flow SimClient::on_auth(const mqtt::Auth& packet) {
    auths.emplace_back(packet.reason, packet.data ? text_of(*packet.data) : "");
    note("auth " + hex(packet.reason) + " " + auths.back().second);
    return mqtt::Flow::Continue;
}

void SimClient::on_protocol_error(mqtt::Reason reason, std::string_view detail) {
    note("PROTOCOL ERROR " + hex(reason) + " " + std::string(detail));
}

void SimClient::note(std::string text) {
    trace_.append(name).append(" ").append(text).append("\n");
    order.push_back(std::move(text));
}

void SimClient::flush(mqtt::Buffer& buffer) {
    out_->bytes.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
}

std::uint16_t SimClient::next_id() {
    last_id_ = static_cast<std::uint16_t>(last_id_ == 65535 ? 1 : last_id_ + 1);
    return last_id_;
}

}  // namespace latchkey::sim
