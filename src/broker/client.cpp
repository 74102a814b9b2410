// See client.h. Packets go to the part of the shard that handles them; nothing is decided here.
// SPDX-License-Identifier: Apache-2.0
#include "broker/client.h"

#include "base/log.h"
#include "broker/errors.h"
#include "broker/shard.h"

namespace latchkey::broker {

Client::Client(Shard& home, std::unique_ptr<net::Transport> stream, std::uint32_t listener_index,
               const mqtt::Limits& limits)
    : shard(home), transport(std::move(stream)), protocol(limits), listener(listener_index) {
    timer.client = this;
}

Client::~Client() = default;

void Client::spend(std::uint32_t units) noexcept {
    spent += units;
    if (!shard.spend(units)) spent = std::max(spent, kParseBudget);
}

mqtt::Flow Client::on_connect(const mqtt::Connect& packet) {
    ++shard.counters().packets_received;
    return shard.logins().on_connect(*this, packet);
}

mqtt::Flow Client::on_publish(const mqtt::Publish& packet) {
    ++shard.counters().packets_received;
    return shard.ingress().on_publish(*this, packet);
}

mqtt::Flow Client::on_ack(const mqtt::Ack& packet) {
    ++shard.counters().packets_received;
    if (packet.type == mqtt::PacketType::Pubrel) return shard.ingress().on_pubrel(*this, packet);
    return shard.delivery().on_ack(*this, packet);
}

mqtt::Flow Client::on_subscribe(const mqtt::Subscribe& packet) {
    ++shard.counters().packets_received;
    shard.requests().on_subscribe(*this, packet);
    return flow();
}

mqtt::Flow Client::on_unsubscribe(const mqtt::Unsubscribe& packet) {
    ++shard.counters().packets_received;
    shard.requests().on_unsubscribe(*this, packet);
    return flow();
}

mqtt::Flow Client::on_pingreq() {
    ++shard.counters().packets_received;
    mqtt::encode_pingresp(control);
    shard.mark_dirty(*this);
    return flow();
}

mqtt::Flow Client::on_disconnect(const mqtt::Disconnect& packet) {
    ++shard.counters().packets_received;
    if (packet.session_expiry_s && session) {
        // Zero to non-zero was refused by the decoder's state machine [MQTT-3.14.2-2].
        session->expiry_s = std::min(*packet.session_expiry_s, shard.settings().max_session_expiry_s);
    }
    shard.departed(*this, packet.reason == mqtt::Reason::NormalDisconnection);
    return mqtt::Flow::Stop;
}

mqtt::Flow Client::on_auth(const mqtt::Auth& packet) {
    return login ? shard.logins().on_auth(*this, packet) : shard.reauths().on_auth(*this, packet);
}

void Client::on_protocol_error(mqtt::Reason reason, std::string_view detail) {
    log::event(log::Level::Info, "protocol_error",
               {log::field("client", session ? std::string_view(session->client_id) : std::string_view()),
                log::field("address", transport->peer().remote.text()),
                log::field("reason", mqtt::reason_name(reason)), log::field("detail", detail)});
    mqtt::encode_error(control, protocol, reason, detail);
    shard.end_after_output(*this, kProtocol);
}

}  // namespace latchkey::broker
