// Client-side encoding: CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/client_encoder.h"

#include "mqtt/encoder_support.h"

namespace latchkey::mqtt {
namespace {

std::uint8_t connect_flags(const ConnectOut& out) noexcept {
    unsigned flags = out.clean_start ? 0x02u : 0u;
    if (out.user_name) flags |= 0x80u;
    if (out.password) flags |= 0x40u;
    if (out.will) flags |= 0x04u | (out.will->qos * 8u) | (out.will->retain ? 0x20u : 0u);
    return static_cast<std::uint8_t>(flags);
}

template <class Sink>
void put_connect_properties(Sink& sink, const ConnectOut& out, const Optional& keep) {
    put_u32(sink, PropertyId::SessionExpiryInterval, out.session_expiry_s);
    put_u16(sink, PropertyId::ReceiveMaximum, out.receive_maximum);
    put_u32(sink, PropertyId::MaximumPacketSize, out.maximum_packet_size);
    if (out.topic_alias_maximum != 0) {
        put_u16(sink, PropertyId::TopicAliasMaximum, std::optional(out.topic_alias_maximum));
    }
    put_flag(sink, PropertyId::RequestResponseInformation, out.request_response_information);
    put_flag(sink, PropertyId::RequestProblemInformation, out.request_problem_information);
    put_optional_text(sink, PropertyId::AuthenticationMethod, out.auth_method);
    put_binary(sink, PropertyId::AuthenticationData, out.auth_data);
    if (keep.user) put_users(sink, out.user);
}

template <class Sink>
void put_will(Sink& sink, const WillOut& will, Level level) {
    if (level == Level::V5) {
        const auto properties = [&](auto& into) {
            put_u32(into, PropertyId::WillDelayInterval, will.delay_s);
            put_u32(into, PropertyId::MessageExpiryInterval, will.expiry_s);
            into.raw(will.forward);
        };
        Counter counter;
        properties(counter);
        sink.varint(counter.size());
        properties(sink);
    }
    sink.text(will.topic);
    sink.binary(will.payload);
}

}  // namespace

std::size_t append_forward_properties(Buffer& buffer, const MessagePropertiesOut& out) {
    const auto properties = [&](auto& sink) {
        put_u8(sink, PropertyId::PayloadFormatIndicator, out.payload_format);
        put_text(sink, PropertyId::ContentType, out.content_type);
        put_text(sink, PropertyId::ResponseTopic, out.response_topic);
        put_binary(sink, PropertyId::CorrelationData, out.correlation_data);
        put_users(sink, out.user);
    };
    Counter counter;
    properties(counter);
    Writer writer(buffer.append(counter.size()));
    properties(writer);
    return counter.size();
}

std::size_t encode_connect(Buffer& buffer, const ConnectOut& out) {
    const auto head = [&](auto& sink) {
        sink.text(out.level == Level::V31 ? "MQIsdp" : "MQTT");
        sink.u8(static_cast<std::uint8_t>(out.level));
        sink.u8(connect_flags(out));
        sink.u16(out.keep_alive_s);
    };
    const auto properties = [&](auto& sink, const Optional& keep) {
        put_connect_properties(sink, out, keep);
    };
    const auto payload = [&](auto& sink) {
        sink.text(out.client_id);
        if (out.will) put_will(sink, *out.will, out.level);
        if (out.user_name) sink.text(*out.user_name);
        if (out.password) sink.text(*out.password);
    };
    const Peer peer{out.level, true, 0xFFFFFFFF};  // its limits are not known yet
    return append_packet(buffer, peer, 0x10, head, properties, payload, Optional{});
}

std::size_t encode_subscribe(Buffer& buffer, const Peer& peer, const SubscribeOut& out) {
    const auto head = [&](auto& sink) { sink.u16(out.packet_id); };
    const auto properties = [&](auto& sink, const Optional& keep) {
        if (out.subscription_id != 0) {
            sink.u8(static_cast<std::uint8_t>(PropertyId::SubscriptionIdentifier));
            sink.varint(out.subscription_id);
        }
        if (keep.user) put_users(sink, out.user);
    };
    const auto payload = [&](auto& sink) {
        for (const SubscribeFilter& filter : out.filters) {
            sink.text(filter.filter);
            unsigned options = filter.qos;
            if (peer.level == Level::V5) {
                options |= (filter.no_local ? 0x04u : 0u) | (filter.retain_as_published ? 0x08u : 0u) |
                           (filter.retain_handling * 16u);
            }
            sink.u8(static_cast<std::uint8_t>(options));
        }
    };
    return append_packet(buffer, peer, 0x82, head, properties, payload, Optional{});
}

std::size_t encode_unsubscribe(Buffer& buffer, const Peer& peer, const UnsubscribeOut& out) {
    const auto head = [&](auto& sink) { sink.u16(out.packet_id); };
    const auto properties = [&](auto& sink, const Optional& keep) {
        if (keep.user) put_users(sink, out.user);
    };
    const auto payload = [&](auto& sink) {
        for (const std::string_view filter : out.filters)
            sink.text(filter);
    };
    return append_packet(buffer, peer, 0xA2, head, properties, payload, Optional{});
}

std::size_t encode_pingreq(Buffer& buffer) {
    Writer writer(buffer.append(2));
    writer.u8(0xC0);
    writer.u8(0);
    return 2;
}

}  // namespace latchkey::mqtt
