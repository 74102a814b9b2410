// Encodes what a client sends; PUBLISH, acknowledgements, DISCONNECT and AUTH are in encoder.h, the same for
// both. Used by our own client commands and by the tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mqtt/encoder.h"

namespace latchkey::mqtt {

/// The properties that a message's author sets and every receiver sees.
struct MessagePropertiesOut {
    std::optional<std::uint8_t> payload_format;
    std::string_view content_type;
    std::string_view response_topic;
    std::optional<Bytes> correlation_data;
    std::span<const UserProperty> user;
};
/// Appends them as PublishOut::forward and WillOut::forward want them.
std::size_t append_forward_properties(Buffer& buffer, const MessagePropertiesOut& out);

struct WillOut {
    std::string_view topic;
    Bytes payload;
    std::uint8_t qos = 0;
    bool retain = false;
    std::optional<std::uint32_t> delay_s;
    std::optional<std::uint32_t> expiry_s;
    Bytes forward;
};

/// What a level lacks is not sent. @spec MQTT5 3.1, MQTT311 3.1
struct ConnectOut {
    Level level = Level::V5;
    bool clean_start = true;
    std::uint16_t keep_alive_s = 60;
    std::string_view client_id;
    std::optional<std::string_view> user_name;
    std::optional<std::string_view> password;  ///< from Secret::expose; the buffer then holds a credential
    std::optional<WillOut> will;
    std::optional<std::uint32_t> session_expiry_s;
    std::optional<std::uint16_t> receive_maximum;
    std::optional<std::uint32_t> maximum_packet_size;
    std::uint16_t topic_alias_maximum = 0;
    std::optional<bool> request_response_information;
    std::optional<bool> request_problem_information;
    std::optional<std::string_view> auth_method;
    std::optional<Bytes> auth_data;
    std::span<const UserProperty> user;
};
std::size_t encode_connect(Buffer& buffer, const ConnectOut& out);

struct SubscribeOut {
    std::uint16_t packet_id = 0;
    std::uint32_t subscription_id = 0;  ///< 0: none
    std::span<const SubscribeFilter> filters;
    std::span<const UserProperty> user;
};
std::size_t encode_subscribe(Buffer& buffer, const Peer& peer, const SubscribeOut& out);

struct UnsubscribeOut {
    std::uint16_t packet_id = 0;
    std::span<const std::string_view> filters;
    std::span<const UserProperty> user;
};
std::size_t encode_unsubscribe(Buffer& buffer, const Peer& peer, const UnsubscribeOut& out);

std::size_t encode_pingreq(Buffer& buffer);

}  // namespace latchkey::mqtt
