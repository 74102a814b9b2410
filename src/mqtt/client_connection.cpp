// The client side's protocol state: CONNACK first, then everything but what only clients send.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/client_connection.h"

#include "base/result.h"
#include "mqtt/decoder.h"

namespace latchkey::mqtt {

Consumed ClientConnection::on_bytes(Bytes in, ClientHandler& handler) {
    Consumed out;
    for (;;) {
        if (closed_) {
            out.state = Consumed::State::Closed;
            return out;
        }
        const Bytes rest = in.subspan(out.bytes);
        if (rest.empty()) return out;
        if (Checked ok = check_first_byte(std::to_integer<std::uint8_t>(rest[0]), peer_.level); !ok) {
            fail(handler, ok.error().reason, ok.error().detail);
            continue;
        }
        auto frame = read_frame(rest, limits_.max_packet_bytes);
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
        if (dispatch(frame->type, frame->flags, body, handler) == Flow::Stop && !closed_) {
            out.state = Consumed::State::Stopped;
            return out;
        }
    }
}

Flow ClientConnection::fail(ClientHandler& handler, Reason reason, std::string_view detail) {
    closed_ = true;
    handler.on_protocol_error(reason, detail);
    return Flow::Stop;
}

Flow ClientConnection::dispatch(PacketType type, std::uint8_t flags, Bytes body, ClientHandler& handler) {
    const Rules rules{peer_.level, Sender::Server, limits_.max_user_properties};
    const bool opening = type == PacketType::Connack || type == PacketType::Auth;
    if (!connected_ && !opening) return fail(handler, Reason::ProtocolError, "packet before CONNACK");
    switch (type) {
        case PacketType::Connack:
            return take_connack(body, handler);
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
        case PacketType::Suback:
        case PacketType::Unsuback: {
            Suback packet;
            if (Checked ok = decode_suback(type, body, rules, packet); !ok) {
                return fail(handler, ok.error().reason, ok.error().detail);
            }
            return handler.on_suback(packet);
        }
        case PacketType::Pingresp: {
            if (Checked ok = decode_ping(body); !ok)
                return fail(handler, ok.error().reason, ok.error().detail);
            return handler.on_pingresp();
        }
        case PacketType::Disconnect: {
            if (peer_.level != Level::V5)
                return fail(handler, Reason::ProtocolError, "DISCONNECT from a 3.x server");
            Disconnect packet;
            if (Checked ok = decode_disconnect(body, rules, packet); !ok) {
                return fail(handler, ok.error().reason, ok.error().detail);
            }
            closed_ = true;
            LK_IGNORE(handler.on_disconnect(packet), "nothing follows a DISCONNECT");
            return Flow::Stop;
        }
        case PacketType::Auth: {
            Auth packet;
            if (Checked ok = decode_auth(body, rules, packet); !ok) {
                return fail(handler, ok.error().reason, ok.error().detail);
            }
            return handler.on_auth(packet);
        }
        case PacketType::Reserved:
        case PacketType::Connect:
        case PacketType::Subscribe:
        case PacketType::Unsubscribe:
        case PacketType::Pingreq:
            break;
    }
    return fail(handler, Reason::ProtocolError, "packet that only a client sends");
}

Flow ClientConnection::take_connack(Bytes body, ClientHandler& handler) {
    if (connected_) return fail(handler, Reason::ProtocolError, "second CONNACK");
    Connack packet;
    const Rules rules{peer_.level, Sender::Server, limits_.max_user_properties};
    if (Checked ok = decode_connack(body, rules, packet); !ok) {
        return fail(handler, ok.error().reason, ok.error().detail);
    }
    connected_ = packet.return_code == 0;
    peer_.max_packet_bytes = packet.maximum_packet_size;
    if (!connected_) closed_ = true;
    return handler.on_connack(packet);
}

Flow ClientConnection::take_publish(std::uint8_t flags, Bytes body, ClientHandler& handler) {
    Publish packet;
    const Rules rules{peer_.level, Sender::Server, limits_.max_user_properties};
    if (Checked ok = decode_publish(flags, body, rules, packet); !ok) {
        return fail(handler, ok.error().reason, ok.error().detail);
    }
    if (packet.topic_alias == 0) return handler.on_publish(packet);
    if (packet.topic_alias > limits_.topic_alias_maximum) {
        return fail(handler, Reason::TopicAliasInvalid, "topic alias above the announced maximum");
    }
    if (aliases_.size() < packet.topic_alias) aliases_.resize(packet.topic_alias);
    std::string& topic = aliases_[packet.topic_alias - 1u];
    if (!packet.topic.empty()) {
        topic.assign(packet.topic);
    } else if (topic.empty()) {
        return fail(handler, Reason::ProtocolError, "topic alias that was never set");
    }
    packet.topic = topic;
    return handler.on_publish(packet);
}

}  // namespace latchkey::mqtt
