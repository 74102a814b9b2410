// Framing, and the packets that both sides send: PUBLISH, acknowledgements, DISCONNECT, AUTH.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/decoder.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "mqtt/decoder_support.h"

namespace latchkey::mqtt {
namespace {

/// Flags a fixed header must have, PUBLISH apart. @spec MQTT5 2.1.3 table 2-2
constexpr std::uint8_t required_flags(PacketType type) noexcept {
    const bool two =
        type == PacketType::Pubrel || type == PacketType::Subscribe || type == PacketType::Unsubscribe;
    return two ? 0x02 : 0x00;
}

template <std::size_t N>
bool is_one_of(const std::array<std::uint8_t, N>& codes, std::uint8_t code) noexcept {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// @spec MQTT5 tables 3-4, 3-5 (PUBACK, PUBREC), 3-6, 3-7 (PUBREL, PUBCOMP), 3-13 (DISCONNECT)
constexpr std::array<std::uint8_t, 9> kPubackReasons = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
constexpr std::array<std::uint8_t, 2> kPubrelReasons = {0x00, 0x92};
constexpr std::array<std::uint8_t, 14> kDisconnectFromClient = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90,
                                                                0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
constexpr std::array<std::uint8_t, 28> kDisconnectFromServer = {
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
    0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2};

Checked take_publish_properties(Reader& reader, const Rules& rules, Publish& packet) noexcept {
    Bytes block;
    if (Checked checked = take_block(reader, rules.level, block); !checked) return checked;
    if (block.empty()) return {};
    const BlockKind kind =
        rules.sender == Sender::Client ? BlockKind::PublishFromClient : BlockKind::PublishFromServer;
    PropertyCursor cursor(block, kind, rules.max_user_properties);
    std::size_t forward_bytes = 0;
    while (!cursor.done()) {
        auto property = cursor.next();
        if (!property) return std::unexpected(property.error());
        forward_bytes += take_message_property(*property, packet.properties);
        if (property->id == PropertyId::TopicAlias) {
            packet.topic_alias = static_cast<std::uint16_t>(property->number);
        }
        if (property->id == PropertyId::SubscriptionIdentifier) ++packet.subscription_id_count;
    }
    packet.property_block = block;
    packet.properties.user = cursor.user();
    packet.properties.forward = ForwardProperties(block, forward_bytes);
    return {};
}

}  // namespace

Checked check_first_byte(std::uint8_t first, Level level) noexcept {
    const auto type = static_cast<PacketType>(first >> 4);
    const std::uint8_t flags = first & 0x0F;
    if (type == PacketType::Reserved) return malformed("packet type 0");
    if (type == PacketType::Auth && level != Level::V5) return malformed("packet type 15 below level 5");
    if (type == PacketType::Publish) {
        if ((flags & 0x06) == 0x06) return malformed("QoS 3");           // [MQTT-3.3.1-4]
        if ((flags & 0x0E) == 0x08) return malformed("DUP with QoS 0");  // [MQTT-3.3.1-2]
        return {};
    }
    const std::uint8_t required = required_flags(type);
    // 3.1 (its sections 2.1 and 4.2) repeats PUBREL, SUBSCRIBE and UNSUBSCRIBE with DUP set.
    const std::uint8_t ignored = level == Level::V31 && required != 0 ? 0x08 : 0x00;
    if ((flags & ~ignored) != required) return malformed("reserved flags");  // [MQTT-2.1.3-1]
    return {};
}

std::expected<Frame, Fault> read_frame(Bytes in, std::uint32_t max_packet_bytes) noexcept {
    const auto first = std::to_integer<std::uint8_t>(in[0]);
    Frame frame;
    frame.type = static_cast<PacketType>(first >> 4);
    frame.flags = first & 0x0F;
    std::uint32_t remaining = 0;
    for (std::size_t i = 1;; ++i) {
        if (i == in.size()) {
            frame.total_bytes = std::max<std::size_t>(i + 1, 2);
            return frame;
        }
        const auto next = std::to_integer<std::uint8_t>(in[i]);
        remaining |= static_cast<std::uint32_t>(next & 0x7Fu) << (7 * (i - 1));
        if ((next & 0x80u) == 0) {
            if (next == 0 && i > 1) return malformed("remaining length is not minimal");
            frame.header_bytes = i + 1;
            break;
        }
        if (i == 4) return malformed("remaining length of more than four bytes");
    }
    frame.total_bytes = frame.header_bytes + remaining;
    if (frame.total_bytes > max_packet_bytes) {
        return std::unexpected(Fault{Reason::PacketTooLarge, "packet exceeds the limit"});
    }
    frame.complete = in.size() >= frame.total_bytes;
    return frame;
}

Checked decode_publish(std::uint8_t flags, Bytes body, const Rules& rules, Publish& packet) noexcept {
    Reader reader(body);
    packet.qos = (flags >> 1) & 0x03;
    packet.dup = (flags & 0x08) != 0;
    packet.retain = (flags & 0x01) != 0;
    if (!reader.text(packet.topic)) return malformed("topic name ends beyond the packet");
    if (packet.qos != 0) {
        if (Checked checked = take_packet_id(reader, packet.packet_id); !checked) return checked;
    }
    if (Checked checked = take_publish_properties(reader, rules, packet); !checked) return checked;
    packet.payload = reader.rest();
    if (packet.topic.empty()) {
        // 3.3.2.1: a protocol error unless an alias stands for it.
        if (packet.topic_alias == 0) return violation("empty topic name");
        return {};
    }
    if (!is_topic_name(packet.topic)) {
        if (!is_mqtt_string(packet.topic)) return malformed("topic name is not UTF-8");
        return std::unexpected(
            Fault{Reason::TopicNameInvalid, "wildcard in a topic name"});  // [MQTT-3.3.2-2]
    }
    return {};
}

Checked decode_ack(PacketType type, Bytes body, const Rules& rules, Ack& packet) noexcept {
    Reader reader(body);
    packet.type = type;
    if (Checked checked = take_packet_id(reader, packet.packet_id); !checked) return checked;
    if (reader.empty()) return {};
    if (rules.level != Level::V5) return malformed("bytes behind an acknowledgement");
    std::uint8_t reason = 0;
    if (!reader.u8(reason)) return malformed("reason code");
    const bool first_half = type == PacketType::Puback || type == PacketType::Pubrec;
    if (first_half ? !is_one_of(kPubackReasons, reason) : !is_one_of(kPubrelReasons, reason)) {
        return violation("reason code of another packet type");  // [MQTT-3.4.2-1] and its kin
    }
    packet.reason = static_cast<Reason>(reason);
    if (reader.empty()) return {};
    const auto take = [&](const Property& property) {
        if (property.id == PropertyId::ReasonString) packet.reason_string = property.text;
    };
    if (Checked checked = take_properties(reader, BlockKind::Ack, rules, packet.user, take); !checked)
        return checked;
    if (!reader.empty()) return malformed("bytes behind an acknowledgement");
    return {};
}

Checked decode_ping(Bytes body) noexcept {
    if (!body.empty()) return malformed("bytes behind a ping");
    return {};
}

Checked decode_disconnect(Bytes body, const Rules& rules, Disconnect& packet) noexcept {
    Reader reader(body);
    if (reader.empty()) return {};
    if (rules.level != Level::V5) return malformed("bytes behind DISCONNECT");
    std::uint8_t reason = 0;
    if (!reader.u8(reason)) return malformed("reason code");
    const bool client = rules.sender == Sender::Client;
    if (client ? !is_one_of(kDisconnectFromClient, reason) : !is_one_of(kDisconnectFromServer, reason)) {
        return violation("reason code of another packet type");  // [MQTT-3.14.2-1]
    }
    packet.reason = static_cast<Reason>(reason);
    if (reader.empty()) return {};
    const auto take = [&](const Property& property) {
        if (property.id == PropertyId::SessionExpiryInterval) packet.session_expiry_s = property.number;
        if (property.id == PropertyId::ReasonString) packet.reason_string = property.text;
        if (property.id == PropertyId::ServerReference) packet.server_reference = property.text;
    };
    const BlockKind kind = client ? BlockKind::DisconnectFromClient : BlockKind::DisconnectFromServer;
    if (Checked checked = take_properties(reader, kind, rules, packet.user, take); !checked) return checked;
    if (!reader.empty()) return malformed("bytes behind DISCONNECT");
    return {};
}

Checked decode_auth(Bytes body, const Rules& rules, Auth& packet) noexcept {
    Reader reader(body);
    bool has_method = false;
    if (!reader.empty()) {
        std::uint8_t reason = 0;
        if (!reader.u8(reason)) return malformed("reason code");
        // [MQTT-3.15.2-1]; table 3-15: success is the server's word, re-authenticate the client's.
        const bool client = rules.sender == Sender::Client;
        if (reason != 0x18 && reason != (client ? 0x19 : 0x00))
            return violation("reason code of another sender");
        packet.reason = static_cast<Reason>(reason);
    }
    if (!reader.empty()) {
        const auto take = [&](const Property& property) {
            if (property.id == PropertyId::AuthenticationMethod) {
                packet.method = property.text;
                has_method = true;
            }
            if (property.id == PropertyId::AuthenticationData) packet.data = property.binary;
            if (property.id == PropertyId::ReasonString) packet.reason_string = property.text;
        };
        if (Checked checked = take_properties(reader, BlockKind::Auth, rules, packet.user, take); !checked) {
            return checked;
        }
        if (!reader.empty()) return malformed("bytes behind AUTH");
    }
    // 3.15.2.2.2: omitting it is a protocol error; a server's plain success may be two bytes long (3.15.2.1).
    if (!has_method && !(rules.sender == Sender::Server && body.empty()))
        return violation("AUTH without a method");
    return {};
}

}  // namespace latchkey::mqtt
