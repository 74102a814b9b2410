// Server-side encoding. Each packet is described once by a template that runs with a Counter, then with a
// Writer.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/encoder.h"

#include "mqtt/encoder_support.h"
#include "mqtt/wire.h"

namespace latchkey::mqtt {
namespace {

constexpr std::size_t kMaxText = 65'535;

std::size_t publish_properties_size(const PublishOut& out) noexcept {
    std::size_t size = out.forward.size();
    if (out.expiry_s) size += 5;
    if (out.alias.alias != 0) size += 3;
    for (const std::uint32_t id : out.subscription_ids)
        size += 1 + varint_size(id);
    return size;
}

std::size_t publish_remaining(const Peer& peer, const PublishOut& out, std::size_t properties) noexcept {
    std::size_t size = 2 + (out.alias.known ? 0 : out.topic.size()) + out.payload.size();
    if (out.qos != 0) size += 2;
    if (peer.level == Level::V5) size += varint_size(properties) + properties;
    return size;
}

std::uint8_t publish_first_byte(const PublishOut& out) noexcept {
    return static_cast<std::uint8_t>(0x30u | (out.dup && out.qos != 0 ? 0x08u : 0u) | (out.qos * 2u) |
                                     (out.retain ? 0x01u : 0u));
}

/// @return bytes appended without the payload, 0 if the packet may not be sent
std::size_t append_publish(Buffer& buffer, const Peer& peer, const PublishOut& out, bool with_payload) {
    const std::size_t properties = peer.level == Level::V5 ? publish_properties_size(out) : 0;
    const std::size_t remaining = publish_remaining(peer, out, properties);
    const std::size_t total = 1 + varint_size(remaining) + remaining;
    if (remaining > kMaxRemainingLength || total > peer.max_packet_bytes || out.topic.size() > kMaxText)
        return 0;
    const std::size_t appended = with_payload ? total : total - out.payload.size();
    Writer writer(buffer.append(appended));
    writer.u8(publish_first_byte(out));
    writer.varint(remaining);
    writer.text(out.alias.known ? std::string_view{} : out.topic);
    if (out.qos != 0) writer.u16(out.packet_id);
    if (peer.level == Level::V5) {
        writer.varint(properties);
        if (out.expiry_s) {
            writer.u8(static_cast<std::uint8_t>(PropertyId::MessageExpiryInterval));
            writer.u32(*out.expiry_s);
        }
        if (out.alias.alias != 0) {
            writer.u8(static_cast<std::uint8_t>(PropertyId::TopicAlias));
            writer.u16(out.alias.alias);
        }
        for (const std::uint32_t id : out.subscription_ids) {
            writer.u8(static_cast<std::uint8_t>(PropertyId::SubscriptionIdentifier));
            writer.varint(id);
        }
        writer.raw(out.forward);
    }
    if (with_payload) writer.raw(out.payload);
    return appended;
}

template <class Sink>
void put_connack_properties(Sink& sink, const ConnackOut& out, const Optional& keep) {
    put_u32(sink, PropertyId::SessionExpiryInterval, out.session_expiry_s);
    put_u16(sink, PropertyId::ReceiveMaximum, out.receive_maximum);
    put_u8(sink, PropertyId::MaximumQos, out.maximum_qos);
    put_flag(sink, PropertyId::RetainAvailable, out.retain_available);
    put_u32(sink, PropertyId::MaximumPacketSize, out.maximum_packet_size);
    put_text(sink, PropertyId::AssignedClientIdentifier, out.assigned_client_id);
    if (out.topic_alias_maximum != 0) {
        put_u16(sink, PropertyId::TopicAliasMaximum, std::optional(out.topic_alias_maximum));
    }
    put_flag(sink, PropertyId::WildcardSubscriptionAvailable, out.wildcard_available);
    put_flag(sink, PropertyId::SubscriptionIdentifierAvailable, out.subscription_ids_available);
    put_flag(sink, PropertyId::SharedSubscriptionAvailable, out.shared_available);
    put_u16(sink, PropertyId::ServerKeepAlive, out.server_keep_alive_s);
    put_text(sink, PropertyId::ResponseInformation, out.response_information);
    put_text(sink, PropertyId::ServerReference, out.server_reference);
    put_optional_text(sink, PropertyId::AuthenticationMethod, out.auth_method);
    put_binary(sink, PropertyId::AuthenticationData, out.auth_data);
    put_explanation(sink, out.reason_string, out.user, keep);
}

}  // namespace

std::size_t publish_size(const Peer& peer, const PublishOut& out) noexcept {
    const std::size_t properties = peer.level == Level::V5 ? publish_properties_size(out) : 0;
    const std::size_t remaining = publish_remaining(peer, out, properties);
    return 1 + varint_size(remaining) + remaining;
}

std::size_t encode_publish(Buffer& buffer, const Peer& peer, const PublishOut& out) {
    return append_publish(buffer, peer, out, true);
}

std::size_t encode_publish_head(Buffer& buffer, const Peer& peer, const PublishOut& out) {
    return append_publish(buffer, peer, out, false);
}

std::size_t encode_connack(Buffer& buffer, const Peer& peer, const ConnackOut& out) {
    const bool success = out.reason == Reason::Success;
    const std::uint8_t flags = success && out.session_present && peer.level != Level::V31 ? 1 : 0;
    if (peer.level != Level::V5) {
        const auto code = connack_return_code(out.reason);
        if (!code) return 0;
        Writer writer(buffer.append(4));
        writer.u8(0x20);
        writer.u8(2);
        writer.u8(flags);
        writer.u8(*code);
        return 4;
    }
    const auto head = [&](auto& sink) {
        sink.u8(flags);
        sink.u8(static_cast<std::uint8_t>(out.reason));
    };
    const auto properties = [&](auto& sink, const Optional& keep) {
        put_connack_properties(sink, out, keep);
    };
    return append_packet(buffer, peer, 0x20, head, properties, [](auto&) {}, Optional{true, true});
}

std::size_t encode_ack(Buffer& buffer, const Peer& peer, const AckOut& out) {
    const auto first = static_cast<std::uint8_t>((static_cast<unsigned>(out.type) << 4) |
                                                 (out.type == PacketType::Pubrel ? 0x02u : 0u));
    const Optional keep = explanations(peer);
    const bool explained =
        (keep.reason_string && !out.reason_string.empty()) || (keep.user && !out.user.empty());
    if (peer.level != Level::V5 || (out.reason == Reason::Success && !explained)) {
        if (peer.max_packet_bytes < 4) return 0;
        Writer writer(buffer.append(4));
        writer.u8(first);
        writer.u8(2);
        writer.u16(out.packet_id);
        return 4;
    }
    if (!explained) {
        if (peer.max_packet_bytes < 5) return 0;
        Writer writer(buffer.append(5));
        writer.u8(first);
        writer.u8(3);
        writer.u16(out.packet_id);
        writer.u8(static_cast<std::uint8_t>(out.reason));
        return 5;
    }
    const auto head = [&](auto& sink) {
        sink.u16(out.packet_id);
        sink.u8(static_cast<std::uint8_t>(out.reason));
    };
    const auto properties = [&](auto& sink, const Optional& some) {
        put_explanation(sink, out.reason_string, out.user, some);
    };
    const std::size_t size = append_packet(buffer, peer, first, head, properties, [](auto&) {}, keep, true);
    if (size != 0) return size;
    AckOut bare = out;
    bare.reason_string = {};
    bare.user = {};
    return encode_ack(buffer, peer, bare);
}

std::size_t encode_suback(Buffer& buffer, const Peer& peer, const SubackOut& out) {
    const auto first = static_cast<std::uint8_t>(static_cast<unsigned>(out.type) << 4);
    const auto head = [&](auto& sink) { sink.u16(out.packet_id); };
    const auto properties = [&](auto& sink, const Optional& keep) {
        put_explanation(sink, out.reason_string, out.user, keep);
    };
    const auto payload = [&](auto& sink) {
        if (peer.level != Level::V5 && out.type == PacketType::Unsuback) return;
        for (const Reason reason : out.reasons) {
            const bool plain = peer.level != Level::V5 && is_error(reason);
            sink.u8(static_cast<std::uint8_t>(plain ? Reason::UnspecifiedError : reason));
        }
    };
    return append_packet(buffer, peer, first, head, properties, payload, explanations(peer));
}

std::size_t encode_pingresp(Buffer& buffer) {
    Writer writer(buffer.append(2));
    writer.u8(0xD0);
    writer.u8(0);
    return 2;
}

std::size_t encode_disconnect(Buffer& buffer, const Peer& peer, const DisconnectOut& out, bool from_client) {
    const auto bare = [&](std::uint8_t size) -> std::size_t {
        if (peer.max_packet_bytes < 2u + size) return 0;
        Writer writer(buffer.append(2u + size));
        writer.u8(0xE0);
        writer.u8(size);
        if (size == 1) writer.u8(static_cast<std::uint8_t>(out.reason));
        return 2u + size;
    };
    if (peer.level != Level::V5) return from_client ? bare(0) : 0;
    const bool properties_needed = out.session_expiry_s || !out.server_reference.empty() ||
                                   !out.reason_string.empty() || !out.user.empty();
    if (!properties_needed) return bare(out.reason == Reason::NormalDisconnection ? 0 : 1);
    const auto head = [&](auto& sink) { sink.u8(static_cast<std::uint8_t>(out.reason)); };
    const auto properties = [&](auto& sink, const Optional& keep) {
        put_u32(sink, PropertyId::SessionExpiryInterval, out.session_expiry_s);
        put_text(sink, PropertyId::ServerReference, out.server_reference);
        put_explanation(sink, out.reason_string, out.user, keep);
    };
    const std::size_t size =
        append_packet(buffer, peer, 0xE0, head, properties, [](auto&) {}, Optional{true, true}, true);
    return size != 0 ? size : bare(1);
}

std::size_t encode_auth(Buffer& buffer, const Peer& peer, const AuthOut& out) {
    if (peer.level != Level::V5) return 0;
    const auto head = [&](auto& sink) { sink.u8(static_cast<std::uint8_t>(out.reason)); };
    const auto properties = [&](auto& sink, const Optional& keep) {
        put_optional_text(sink, PropertyId::AuthenticationMethod, std::optional(out.method));
        put_binary(sink, PropertyId::AuthenticationData, out.data);
        put_explanation(sink, out.reason_string, out.user, keep);
    };
    return append_packet(buffer, peer, 0xF0, head, properties, [](auto&) {}, explanations(peer));
}

std::size_t encode_error(Buffer& buffer, const Connection& connection, Reason reason,
                         std::string_view detail) {
    switch (connection.error_answer(reason)) {
        case Connection::ErrorAnswer::None:
            return 0;
        case Connection::ErrorAnswer::Connack: {
            ConnackOut out;
            out.reason = reason;
            out.reason_string = detail;
            return encode_connack(buffer, connection.peer(), out);
        }
        case Connection::ErrorAnswer::Disconnect: {
            DisconnectOut out;
            out.reason = reason;
            out.reason_string = detail;
            return encode_disconnect(buffer, connection.peer(), out);
        }
    }
    return 0;
}

std::size_t count_packets(Bytes encoded) noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; at < encoded.size(); ++count) {
        std::size_t length = 0;
        unsigned shift = 0;
        while (++at < encoded.size()) {
            const auto digit = std::to_integer<std::size_t>(encoded[at]);
            length |= (digit & 0x7F) << shift;
            shift += 7;
            if ((digit & 0x80) == 0) break;
        }
        at += 1 + length;
    }
    return count;
}

}  // namespace latchkey::mqtt
