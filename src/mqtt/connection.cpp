// The server side's protocol state: framing loop, order of packets, topic aliases, what may be answered.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/connection.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "mqtt/decoder.h"

namespace latchkey::mqtt {

/// What most connections never need. Lives on the global heap: it moves between shards.
struct Connection::Extras {
    std::vector<std::string> inbound;   ///< by alias - 1; empty: not set
    std::vector<std::string> outbound;  ///< by alias - 1; empty: free
    std::size_t inbound_bytes = 0;      ///< topics in `inbound`
    std::string auth_method;
    bool has_auth_method = false;
};

namespace {

/// Topics that one connection may have us remember: aliases of long topics would be memory for nothing.
constexpr std::size_t kMaxAliasBytes = 64 * 1024;
/// Of a topic that we name: a publisher of long topics must not fill the tables of all their subscribers.
constexpr std::size_t kMaxAliasTopic = 1024;

/// What an unexpected first byte usually means; said in the log in place of "malformed".
std::string_view foreign_protocol(Bytes in) noexcept {
    const auto at = [&](std::size_t i) { return i < in.size() ? std::to_integer<int>(in[i]) : -1; };
    if (at(0) == 0x16 && (at(1) == 0x03 || at(1) == -1)) return "TLS on a plain listener";
    if (at(0) == 'P' && at(1) == 'R' && at(2) == 'O') return "PROXY protocol where none is expected";
    for (const std::string_view method : {"GET ", "POST", "PUT ", "HEAD", "OPTI", "CONN"}) {
        bool equal = in.size() >= 2;
        for (std::size_t i = 0; i < std::min(method.size(), in.size()); ++i)
            equal = equal && at(i) == method[i];
        if (equal) return "HTTP on an MQTT listener";
    }
    return {};
}

}  // namespace

Connection::Connection(const Limits& limits) noexcept
    : max_packet_bytes_(limits.max_packet_bytes),
      max_connect_bytes_(limits.max_connect_bytes),
      inbound_alias_maximum_(limits.topic_alias_maximum),
      max_user_properties_(limits.max_user_properties) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Connection::Extras& Connection::extras() {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
}

void Connection::accepted(std::uint16_t topic_alias_maximum) noexcept {
    inbound_alias_maximum_ = std::min(inbound_alias_maximum_, topic_alias_maximum);
    accepted();
}

void Connection::accepted() noexcept {
    if (state_ != State::Connecting) return;
    state_ = State::Connected;
    answered_ = true;
}

void Connection::set_limits(const Limits& limits) noexcept {
    max_packet_bytes_ = limits.max_packet_bytes;
    max_connect_bytes_ = limits.max_connect_bytes;
    max_user_properties_ = limits.max_user_properties;
    // What a CONNACK has announced stays true for the life of the connection.
    if (!answered_) inbound_alias_maximum_ = limits.topic_alias_maximum;
}

void Connection::reauthenticated() noexcept {
    reauthenticating_ = false;
}

Connection::ErrorAnswer Connection::error_answer(Reason reason) const noexcept {
    if (!level_known_) return ErrorAnswer::None;
    const bool modern = peer_.level == Level::V5;
    if (answered_) return modern ? ErrorAnswer::Disconnect : ErrorAnswer::None;
    // 3.x: a return code where one exists; what is malformed gets no answer (MQTT311 4.8).
    return modern || connack_return_code(reason) ? ErrorAnswer::Connack : ErrorAnswer::None;
}

Consumed Connection::on_bytes(Bytes in, Handler& handler) {
    Consumed out;
    for (;;) {
        if (state_ == State::Closed) {
            out.state = Consumed::State::Closed;
            return out;
        }
        if (state_ == State::Connecting && !(extras_ && extras_->has_auth_method)) {
            out.state = Consumed::State::Waiting;
            return out;
        }
        const Bytes rest = in.subspan(out.bytes);
        if (rest.empty()) return out;
        const bool first = state_ == State::ExpectConnect;
        const std::uint32_t limit =
            answered_ ? max_packet_bytes_ : std::min(max_connect_bytes_, max_packet_bytes_);
        // The first byte alone can end a connection, before a length is believed (E-07).
        const auto first_byte = std::to_integer<std::uint8_t>(rest[0]);
        if (Checked ok = check_first_byte(first_byte, peer_.level); !ok) {
            const std::string_view foreign = first ? foreign_protocol(rest) : std::string_view{};
            fail(handler, ok.error().reason, foreign.empty() ? ok.error().detail : foreign);
            continue;
        }
        if (!may_come(static_cast<PacketType>(first_byte >> 4), rest, handler)) continue;
        auto frame = read_frame(rest, limit);
        if (!frame) {
            fail(handler, frame.error().reason, frame.error().detail);
            continue;
        }
        if (!frame->complete) {
            out.need = frame->total_bytes;
            return out;
        }
        const Bytes body = rest.subspan(frame->header_bytes, frame->total_bytes - frame->header_bytes);
        out.bytes += frame->total_bytes;
        if (dispatch(frame->type, frame->flags, body, handler) == Flow::Stop && state_ != State::Closed) {
            out.state = Consumed::State::Stopped;
            return out;
        }
    }
}

bool Connection::may_come(PacketType type, Bytes rest, Handler& handler) {
    if (state_ == State::ExpectConnect) {
        if (type == PacketType::Connect) return true;
        const std::string_view foreign = foreign_protocol(rest);
        // [MQTT-3.1.0-1]
        fail(handler, Reason::ProtocolError, foreign.empty() ? "first packet is not CONNECT" : foreign);
        return false;
    }
    if (type == PacketType::Connect) {
        fail(handler, Reason::ProtocolError, "second CONNECT");  // [MQTT-3.1.0-2]
        return false;
    }
    if (type == PacketType::Connack || type == PacketType::Suback || type == PacketType::Unsuback ||
        type == PacketType::Pingresp) {
        fail(handler, Reason::ProtocolError, "packet that only a server sends");
        return false;
    }
    // [MQTT-3.1.2-30]: while authentication is under way nothing but AUTH and DISCONNECT.
    if (state_ == State::Connecting && type != PacketType::Auth && type != PacketType::Disconnect) {
        fail(handler, Reason::ProtocolError, "packet before CONNACK during authentication");
        return false;
    }
    return true;
}

Flow Connection::fail(Handler& handler, Reason reason, std::string_view detail) {
    state_ = State::Closed;
    handler.on_protocol_error(reason, detail);
    return Flow::Stop;
}

Flow Connection::dispatch(PacketType type, std::uint8_t flags, Bytes body, Handler& handler) {
    const Rules rules{peer_.level, Sender::Client, max_user_properties_};
    switch (type) {
        case PacketType::Connect:
            return take_connect(body, handler);
        case PacketType::Publish:
            return take_publish(flags, body, handler);
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp: {
            Ack packet;
            if (Checked ok = decode_ack(type, body, rules, packet); !ok) {
                return fail(handler, ok.error().reason, ok.error().detail);
            }
            return handler.on_ack(packet);
        }
        case PacketType::Subscribe: {
            Subscribe packet;
            if (Checked ok = decode_subscribe(body, rules, packet); !ok) {
                return fail(handler, ok.error().reason, ok.error().detail);
            }
            return handler.on_subscribe(packet);
        }
        case PacketType::Unsubscribe: {
            Unsubscribe packet;
            if (Checked ok = decode_unsubscribe(body, rules, packet); !ok) {
                return fail(handler, ok.error().reason, ok.error().detail);
            }
            return handler.on_unsubscribe(packet);
        }
        case PacketType::Pingreq: {
            if (Checked ok = decode_ping(body); !ok)
                return fail(handler, ok.error().reason, ok.error().detail);
            return handler.on_pingreq();
        }
        case PacketType::Disconnect:
            return take_disconnect(body, handler);
        case PacketType::Auth:
            return take_auth(body, handler);
        case PacketType::Reserved:
        case PacketType::Connack:
        case PacketType::Suback:
        case PacketType::Unsuback:
        case PacketType::Pingresp:
            break;
    }
    return fail(handler, Reason::ProtocolError, "packet that only a server sends");
}

Flow Connection::take_connect(Bytes body, Handler& handler) {
    Connect packet;
    ConnectVersion version;
    const Rules rules{Level::V5, Sender::Client, max_user_properties_};
    const Checked ok = decode_connect(body, rules, packet, version);
    level_known_ = version.known;
    if (version.known) peer_.level = version.level;
    if (!ok) return fail(handler, ok.error().reason, ok.error().detail);
    peer_.problem_information = packet.request_problem_information;
    peer_.max_packet_bytes = packet.maximum_packet_size;
    outbound_alias_maximum_ = packet.topic_alias_maximum;
    session_expires_at_once_ = packet.session_expiry_s == 0;
    if (packet.auth_method) {
        extras().auth_method = *packet.auth_method;
        extras_->has_auth_method = true;
    }
    state_ = State::Connecting;
    return handler.on_connect(packet);
}

Flow Connection::take_publish(std::uint8_t flags, Bytes body, Handler& handler) {
    Publish packet;
    const Rules rules{peer_.level, Sender::Client, max_user_properties_};
    if (Checked ok = decode_publish(flags, body, rules, packet); !ok) {
        return fail(handler, ok.error().reason, ok.error().detail);
    }
    if (packet.topic_alias == 0) return handler.on_publish(packet);
    if (packet.topic_alias > inbound_alias_maximum_) {  // [MQTT-3.3.2-9]
        return fail(handler, Reason::TopicAliasInvalid, "topic alias above the announced maximum");
    }
    auto& table = extras().inbound;
    const std::size_t slot = packet.topic_alias - 1u;
    if (packet.topic.empty()) {
        if (slot >= table.size() || table[slot].empty()) {
            return fail(handler, Reason::ProtocolError, "topic alias that was never set");
        }
        packet.topic = table[slot];
    } else {
        if (slot >= table.size()) table.resize(slot + 1);
        std::size_t& used = extras_->inbound_bytes;
        used = used - table[slot].size() + packet.topic.size();
        if (used > kMaxAliasBytes) {
            return fail(handler, Reason::QuotaExceeded, "topic aliases of too many bytes");
        }
        table[slot].assign(packet.topic);  // [MQTT-3.3.2-12]
    }
    return handler.on_publish(packet);
}

Flow Connection::take_disconnect(Bytes body, Handler& handler) {
    Disconnect packet;
    const Rules rules{peer_.level, Sender::Client, max_user_properties_};
    if (Checked ok = decode_disconnect(body, rules, packet); !ok) {
        return fail(handler, ok.error().reason, ok.error().detail);
    }
    // 3.14.2.2.2: who said 0 in CONNECT cannot ask for a session now.
    if (session_expires_at_once_ && packet.session_expiry_s.value_or(0) != 0) {
        return fail(handler, Reason::ProtocolError, "session expiry raised from 0");
    }
    state_ = State::Closed;  // [MQTT-3.14.4-1]
    LK_IGNORE(handler.on_disconnect(packet), "nothing follows a DISCONNECT");
    return Flow::Stop;
}

Flow Connection::take_auth(Bytes body, Handler& handler) {
    Auth packet;
    const Rules rules{peer_.level, Sender::Client, max_user_properties_};
    if (Checked ok = decode_auth(body, rules, packet); !ok) {
        return fail(handler, ok.error().reason, ok.error().detail);
    }
    if (!extras_ || !extras_->has_auth_method) {  // [MQTT-4.12.0-7]
        return fail(handler, Reason::ProtocolError, "AUTH without a method in CONNECT");
    }
    if (packet.method != extras_->auth_method) {  // [MQTT-4.12.0-5], [MQTT-4.12.1-1]
        return fail(handler, Reason::ProtocolError, "another authentication method than in CONNECT");
    }
    const bool starts = packet.reason == Reason::ReAuthenticate;
    const bool under_way = state_ == State::Connecting || reauthenticating_;
    if (starts == under_way) {
        return fail(
            handler, Reason::ProtocolError,
            starts ? "re-authentication during authentication" : "AUTH while no authentication is under way");
    }
    reauthenticating_ = state_ == State::Connected;
    return handler.on_auth(packet);
}

OutboundAlias Connection::outbound_alias(std::string_view topic, std::uint16_t cap) {
    const std::size_t most = std::min(cap, outbound_alias_maximum_);
    if (most == 0 || topic.empty() || topic.size() > kMaxAliasTopic) return {};
    auto& table = extras().outbound;
    std::size_t free = table.size();
    for (std::size_t slot = 0; slot < table.size(); ++slot) {
        if (table[slot] == topic) return {static_cast<std::uint16_t>(slot + 1), true};
        if (table[slot].empty()) free = std::min(free, slot);
    }
    if (free >= most) return {};
    if (free == table.size()) table.emplace_back();
    table[free].assign(topic);
    return {static_cast<std::uint16_t>(free + 1), false};
}

void Connection::forget_outbound_alias(std::uint16_t alias) noexcept {
    if (!extras_ || alias == 0 || alias > extras_->outbound.size()) return;
    extras_->outbound[alias - 1u].clear();
}

std::size_t Connection::heap_bytes() const noexcept {
    if (!extras_) return 0;
    std::size_t bytes = sizeof(Extras) + extras_->auth_method.capacity();
    for (const auto* table : {&extras_->inbound, &extras_->outbound}) {
        bytes += table->capacity() * sizeof(std::string);
        for (const std::string& topic : *table)
            bytes += topic.capacity();
    }
    return bytes;
}

}  // namespace latchkey::mqtt
