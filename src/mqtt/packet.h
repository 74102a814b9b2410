// The control packets as views: what the decoder hands to a handler. Every view points into the bytes given
// to Connection::on_bytes (a topic that came as an alias: into its alias table) and is dead once the callback
// returns. Implements MQTT 5.0, 3.1.1 and 3.1; fields that a version lacks hold the value that its absence
// means.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mqtt/reason.h"

namespace latchkey::mqtt {

using Bytes = std::span<const std::byte>;

/// Protocol level as on the wire. 3.1 is level 3 under the name MQIsdp.
enum class Level : std::uint8_t { V31 = 3, V311 = 4, V5 = 5 };

enum class PacketType : std::uint8_t {
    Reserved = 0,
    Connect = 1,
    Connack = 2,
    Publish = 3,
    Puback = 4,
    Pubrec = 5,
    Pubrel = 6,
    Pubcomp = 7,
    Subscribe = 8,
    Suback = 9,
    Unsubscribe = 10,
    Unsuback = 11,
    Pingreq = 12,
    Pingresp = 13,
    Disconnect = 14,
    Auth = 15,
};

/// "PUBLISH" and so on, for logs. @thread any
std::string_view packet_name(PacketType type) noexcept;

/// @spec MQTT5 2.2.2.2 table 2-4
enum class PropertyId : std::uint8_t {
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQos = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2A,
};

struct UserProperty {
    std::string_view name;
    std::string_view value;
    friend bool operator==(const UserProperty&, const UserProperty&) = default;
};

/// The user properties of a validated property block, in their order.
class UserProperties {
  public:
    UserProperties() = default;
    UserProperties(Bytes block, std::uint32_t count) noexcept : block_(block), count_(count) {}

    std::uint32_t count() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    /// Calls f(UserProperty) for each, in order.
    template <class F>
    void for_each(F&& f) const {
        std::size_t offset = 0;
        UserProperty property;
        for (std::uint32_t i = 0; i < count_ && next(offset, property); ++i)
            f(property);
    }

  private:
    bool next(std::size_t& offset, UserProperty& property) const noexcept;

    Bytes block_;
    std::uint32_t count_ = 0;
};

/// Those properties of a message that every receiver gets as they are: payload format, content type, response
/// topic, correlation data, user properties in order. Without topic alias, subscription identifiers, will
/// delay (they end here) and message expiry (it is counted down). A message keeps size() bytes, filled by
/// copy_to; the encoder takes those bytes unchanged.
class ForwardProperties {
  public:
    ForwardProperties() = default;
    ForwardProperties(Bytes block, std::size_t size) noexcept : block_(block), size_(size) {}

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    /// Writes exactly size() bytes to `out`.
    void copy_to(std::byte* out) const noexcept;

  private:
    Bytes block_;
    std::size_t size_ = 0;
};

/// Properties of a message, whether published or a will.
struct MessageProperties {
    std::optional<std::uint8_t> payload_format;  ///< 0 bytes, 1 UTF-8 text (declared, not verified here)
    std::optional<std::uint32_t> expiry_s;
    std::optional<std::string_view> content_type;
    std::optional<std::string_view> response_topic;  ///< no wildcards
    std::optional<Bytes> correlation_data;
    UserProperties user;
    ForwardProperties forward;
};

struct Will {
    std::string_view topic;  ///< UTF-8, not empty, no wildcards
    Bytes payload;
    std::uint8_t qos = 0;
    bool retain = false;
    std::uint32_t delay_s = 0;
    MessageProperties properties;
};

struct Connect {
    Level level = Level::V5;
    bool clean_start = false;
    std::uint16_t keep_alive_s = 0;
    std::string_view client_id;  ///< empty: the server assigns one (never empty in 3.1)
    std::optional<std::string_view> user_name;
    std::optional<std::string_view> password;  ///< raw bytes: copy into a Secret at once
    std::optional<Will> will;
    std::uint32_t session_expiry_s = 0;  ///< 0xFFFFFFFF: never. 3.x: 0 if clean, else never
    std::uint16_t receive_maximum = 65535;
    std::uint32_t maximum_packet_size = 0xFFFFFFFF;
    std::uint16_t topic_alias_maximum = 0;
    bool request_response_information = false;
    bool request_problem_information = true;
    std::optional<std::string_view> auth_method;
    std::optional<Bytes> auth_data;
    UserProperties user;
};

struct Publish {
    std::uint8_t qos = 0;
    bool dup = false;
    bool retain = false;
    std::uint16_t packet_id = 0;  ///< not 0 for QoS 1 and 2
    std::string_view topic;       ///< alias already resolved; UTF-8, not empty, no wildcards
    Bytes payload;
    MessageProperties properties;
    std::uint16_t topic_alias = 0;  ///< as sent, 0 if none; Connection has resolved it
    Bytes property_block;           ///< raw and validated; subscription_ids() reads it (client role only)
    std::uint32_t subscription_id_count = 0;
    /// Calls f(std::uint32_t) for each subscription identifier; a server never sees one.
    template <class F>
    void for_each_subscription_id(F&& f) const {
        std::size_t offset = 0;
        std::uint32_t id = 0;
        for (std::uint32_t i = 0; i < subscription_id_count && next_subscription_id(offset, id); ++i)
            f(id);
    }

  private:
    bool next_subscription_id(std::size_t& offset, std::uint32_t& id) const noexcept;
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
    PacketType type = PacketType::Puback;
    std::uint16_t packet_id = 0;  ///< not 0
    Reason reason = Reason::Success;
    std::string_view reason_string;
    UserProperties user;
};

struct SubscribeFilter {
    std::string_view filter;  ///< UTF-8, not empty; wildcard and $share syntax not yet checked
    std::uint8_t qos = 0;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint8_t retain_handling = 0;
};

/// Filters of a SUBSCRIBE or UNSUBSCRIBE payload that was validated as a whole; no allocation but in keep().
class Filters {
  public:
    Filters() = default;
    Filters(Bytes payload, std::uint32_t count, bool options) noexcept
        : payload_(payload), count_(count), options_(options) {}
    std::uint32_t count() const noexcept { return count_; }
    /// Takes the first one out. For UNSUBSCRIBE only `filter` is set. False when none is left.
    bool take(SubscribeFilter& filter) noexcept;
    /// What is left stands in `room` from now on, and no longer in the packet.
    void keep(std::vector<std::byte>& room) {
        room.assign(payload_.begin(), payload_.end());
        payload_ = room;
    }

  private:
    Bytes payload_;
    std::uint32_t count_ = 0;
    bool options_ = false;
};

struct Subscribe {
    std::uint16_t packet_id = 0;
    std::uint32_t subscription_id = 0;  ///< 0: none
    Filters filters;                    ///< at least one
    UserProperties user;
};

struct Unsubscribe {
    std::uint16_t packet_id = 0;
    Filters filters;  ///< at least one
    UserProperties user;
};

struct Disconnect {
    Reason reason = Reason::NormalDisconnection;
    std::optional<std::uint32_t> session_expiry_s;
    std::string_view reason_string;
    std::string_view server_reference;  ///< from a server only
    UserProperties user;
};

struct Auth {
    Reason reason = Reason::Success;
    std::string_view method;
    std::optional<Bytes> data;
    std::string_view reason_string;
    UserProperties user;
};

/// What only a client receives.
struct Connack {
    bool session_present = false;
    Reason reason = Reason::Success;  ///< for 3.x the nearest reason of the return code
    std::uint8_t return_code = 0;     ///< the byte itself
    std::optional<std::uint32_t> session_expiry_s;
    std::uint16_t receive_maximum = 65535;
    std::uint8_t maximum_qos = 2;
    bool retain_available = true;
    std::uint32_t maximum_packet_size = 0xFFFFFFFF;
    std::string_view assigned_client_id;
    std::uint16_t topic_alias_maximum = 0;
    std::string_view reason_string;
    bool wildcard_available = true;
    bool subscription_ids_available = true;
    bool shared_available = true;
    std::optional<std::uint16_t> server_keep_alive_s;
    std::string_view response_information;
    std::string_view server_reference;
    std::optional<std::string_view> auth_method;
    std::optional<Bytes> auth_data;
    UserProperties user;
};

/// SUBACK and UNSUBACK (3.x UNSUBACK has no reasons).
struct Suback {
    PacketType type = PacketType::Suback;
    std::uint16_t packet_id = 0;
    Bytes reasons;  ///< one byte each, valid codes
    std::string_view reason_string;
    UserProperties user;
};

}  // namespace latchkey::mqtt
