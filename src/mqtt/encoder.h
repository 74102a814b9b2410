// Encodes control packets onto the end of a Buffer. A packet is written whole or not at all: each function
// returns the bytes appended, and 0 when the receiver's Maximum Packet Size forbids even the shortest form.
// Reason strings and user properties are left out first [MQTT-3.4.2-2 and its kin], and for receivers below
// level 5 everything those versions lack. Server side here; what a client sends stands in client_encoder.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mqtt/buffer.h"
#include "mqtt/connection.h"
#include "mqtt/packet.h"

namespace latchkey::mqtt {

/// Longest Remaining Length, and with it the longest packet. @spec MQTT5 1.5.5, 2.1.4
inline constexpr std::uint32_t kMaxRemainingLength = 268'435'455;

/// A message for one receiver.
struct PublishOut {
    std::string_view topic;
    Bytes payload;
    Bytes forward;  ///< as ForwardProperties::copy_to wrote it; not sent below level 5
    std::span<const std::uint32_t> subscription_ids;  ///< each 1 to 268,435,455
    std::optional<std::uint32_t> expiry_s;            ///< what remains
    std::uint16_t packet_id = 0;                      ///< for QoS 1 and 2
    std::uint8_t qos = 0;
    bool retain = false;
    bool dup = false;
    OutboundAlias alias;  ///< `known`: the topic is not sent
};

/// Size of the whole packet, fixed header included; whether it may be sent is `<= peer.max_packet_bytes` and
/// `<= kMaxRemainingLength + 5`.
std::size_t publish_size(const Peer& peer, const PublishOut& out) noexcept;
/// @return bytes appended, 0 if too large for the peer [MQTT-3.1.2-24]
std::size_t encode_publish(Buffer& buffer, const Peer& peer, const PublishOut& out);
/// As encode_publish, without the payload's bytes, which the caller writes from where they are (writev).
std::size_t encode_publish_head(Buffer& buffer, const Peer& peer, const PublishOut& out);

struct ConnackOut {
    Reason reason = Reason::Success;
    bool session_present = false;  ///< forced to 0 with an error [MQTT-3.2.2-6]
    std::optional<std::uint32_t> session_expiry_s;
    std::optional<std::uint16_t> receive_maximum;
    std::optional<std::uint8_t> maximum_qos;  ///< 0 or 1; absent for 2
    std::optional<bool> retain_available;
    std::optional<std::uint32_t> maximum_packet_size;
    std::string_view assigned_client_id;
    std::uint16_t topic_alias_maximum = 0;
    std::string_view reason_string;
    std::span<const UserProperty> user;
    std::optional<bool> wildcard_available;
    std::optional<bool> subscription_ids_available;
    std::optional<bool> shared_available;
    std::optional<std::uint16_t> server_keep_alive_s;
    std::string_view response_information;
    std::string_view server_reference;
    std::optional<std::string_view> auth_method;
    std::optional<Bytes> auth_data;
};
/// @return bytes appended; 0 also when a 3.x peer has no return code for the reason: then only close.
std::size_t encode_connack(Buffer& buffer, const Peer& peer, const ConnackOut& out);

/// PUBACK, PUBREC, PUBREL, PUBCOMP; also what a client sends.
struct AckOut {
    PacketType type = PacketType::Puback;
    std::uint16_t packet_id = 0;
    Reason reason = Reason::Success;
    std::string_view reason_string;
    std::span<const UserProperty> user;
};
std::size_t encode_ack(Buffer& buffer, const Peer& peer, const AckOut& out);

/// SUBACK (for 3.x each error becomes 0x80) and UNSUBACK (for 3.x without reasons).
struct SubackOut {
    PacketType type = PacketType::Suback;
    std::uint16_t packet_id = 0;
    std::span<const Reason> reasons;
    std::string_view reason_string;
    std::span<const UserProperty> user;
};
std::size_t encode_suback(Buffer& buffer, const Peer& peer, const SubackOut& out);

std::size_t encode_pingresp(Buffer& buffer);

struct DisconnectOut {
    Reason reason = Reason::NormalDisconnection;
    std::optional<std::uint32_t> session_expiry_s;  ///< client side only
    std::string_view reason_string;
    std::string_view server_reference;
    std::span<const UserProperty> user;
};
/// @return 0 for a 3.x peer when `from_client` is false: a server of those versions only closes.
std::size_t encode_disconnect(Buffer& buffer, const Peer& peer, const DisconnectOut& out,
                              bool from_client = false);

struct AuthOut {
    Reason reason = Reason::ContinueAuthentication;
    std::string_view method;
    std::optional<Bytes> data;
    std::string_view reason_string;
    std::span<const UserProperty> user;
};
/// @return 0 below level 5.
std::size_t encode_auth(Buffer& buffer, const Peer& peer, const AuthOut& out);

/// The answer to a protocol error, as Connection::error_answer allows: CONNACK, DISCONNECT or nothing.
std::size_t encode_error(Buffer& buffer, const Connection& connection, Reason reason,
                         std::string_view detail);

/// How many whole packets stand in what the functions above wrote. @cost one look at each fixed header
std::size_t count_packets(Bytes encoded) noexcept;

}  // namespace latchkey::mqtt
