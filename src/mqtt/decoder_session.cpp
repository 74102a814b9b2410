// Decoding of what opens a session and its subscriptions: CONNECT, CONNACK, SUBSCRIBE, UNSUBSCRIBE and the
// answers.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "mqtt/decoder_support.h"

namespace latchkey::mqtt {
namespace {

// CONNECT flags, 3.1.2.3.
//   bit  7     6         5            4-3       2          1             0
//        user  password  will retain  will QoS  will flag  clean start   reserved
constexpr std::uint8_t kUserName = 0x80;
constexpr std::uint8_t kPassword = 0x40;
constexpr std::uint8_t kWillRetain = 0x20;
constexpr std::uint8_t kWillQos = 0x18;
constexpr std::uint8_t kWill = 0x04;
constexpr std::uint8_t kCleanStart = 0x02;
constexpr std::uint8_t kReserved = 0x01;

std::unexpected<Fault> unsupported_version() {
    return std::unexpected(Fault{Reason::UnsupportedProtocolVersion, "protocol name or level"});
}

/// Protocol name and level. [MQTT-3.1.2-1], [MQTT-3.1.2-2]; a refusal speaks the nearest version we know.
Checked take_version(Reader& reader, Connect& packet, ConnectVersion& version) noexcept {
    std::string_view name;
    if (!reader.text(name)) return malformed("protocol name");
    std::uint8_t level = 0;
    const bool modern = name == "MQTT";
    if (!modern && name != "MQIsdp") return unsupported_version();
    if (!reader.u8(level)) return malformed("protocol level");
    version.known = true;
    // Bit 7 is how some bridges mark themselves below level 5; they try again without it when told code 1.
    if (!modern) {
        version.level = Level::V31;
        if (level != 3) return unsupported_version();
    } else {
        version.level = level == 5 || (level > 5 && level < 0x80) ? Level::V5 : Level::V311;
        if (level != 4 && level != 5) return unsupported_version();
    }
    packet.level = version.level;
    return {};
}

Checked check_connect_flags(std::uint8_t flags, Level level) noexcept {
    if ((flags & kReserved) != 0) return malformed("reserved CONNECT flag");  // [MQTT-3.1.2-3]
    if ((flags & kWillQos) == kWillQos) return malformed("will QoS 3");       // [MQTT-3.1.2-12]
    // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
    if ((flags & kWill) == 0 && (flags & (kWillQos | kWillRetain)) != 0)
        return malformed("will flags without a will");
    // MQTT311 [MQTT-3.1.2-22]; 5.0 allows a password alone.
    if (level != Level::V5 && (flags & kUserName) == 0 && (flags & kPassword) != 0) {
        return malformed("password without a user name");
    }
    return {};
}

Checked take_connect_properties(Reader& reader, const Rules& rules, Connect& packet) noexcept {
    const auto take = [&](const Property& property) {
        const PropertyId id = property.id;
        if (id == PropertyId::SessionExpiryInterval) packet.session_expiry_s = property.number;
        if (id == PropertyId::ReceiveMaximum)
            packet.receive_maximum = static_cast<std::uint16_t>(property.number);
        if (id == PropertyId::MaximumPacketSize) packet.maximum_packet_size = property.number;
        if (id == PropertyId::TopicAliasMaximum) {
            packet.topic_alias_maximum = static_cast<std::uint16_t>(property.number);
        }
        if (id == PropertyId::RequestResponseInformation)
            packet.request_response_information = property.number == 1;
        if (id == PropertyId::RequestProblemInformation)
            packet.request_problem_information = property.number == 1;
        if (id == PropertyId::AuthenticationMethod) packet.auth_method = property.text;
        if (id == PropertyId::AuthenticationData) packet.auth_data = property.binary;
    };
    if (Checked checked = take_properties(reader, BlockKind::Connect, rules, packet.user, take); !checked) {
        return checked;
    }
    // 3.1.2.11.10
    if (packet.auth_data && !packet.auth_method) return violation("authentication data without a method");
    return {};
}

Checked take_client_id(Reader& reader, Connect& packet) noexcept {
    if (!reader.text(packet.client_id)) return malformed("client identifier");
    if (!is_mqtt_string(packet.client_id))
        return malformed("client identifier is not UTF-8");  // [MQTT-3.1.3-4]
    // MQTT311 [MQTT-3.1.3-8]: who wants the session kept must name it. 3.1 knows no assigned identifiers.
    const bool may_be_empty =
        packet.level == Level::V5 || (packet.level == Level::V311 && packet.clean_start);
    if (packet.client_id.empty() && !may_be_empty) {
        return std::unexpected(Fault{Reason::ClientIdentifierNotValid, "empty client identifier"});
    }
    return {};
}

Checked take_will(Reader& reader, const Rules& rules, std::uint8_t flags, Will& will) noexcept {
    will.qos = (flags & kWillQos) >> 3;
    will.retain = (flags & kWillRetain) != 0;
    if (rules.level == Level::V5) {
        Bytes block;
        if (Checked checked = take_block(reader, rules.level, block); !checked) return checked;
        PropertyCursor cursor(block, BlockKind::Will, rules.max_user_properties);
        std::size_t forward_bytes = 0;
        while (!cursor.done()) {
            auto property = cursor.next();
            if (!property) return std::unexpected(property.error());
            forward_bytes += take_message_property(*property, will.properties);
            if (property->id == PropertyId::WillDelayInterval) will.delay_s = property->number;
        }
        will.properties.user = cursor.user();
        will.properties.forward = ForwardProperties(block, forward_bytes);
    }
    if (!reader.text(will.topic)) return malformed("will topic");
    if (!is_mqtt_string(will.topic)) return malformed("will topic is not UTF-8");  // [MQTT-3.1.3-11]
    if (!reader.binary(will.payload)) return malformed("will payload");
    if (!is_topic_name(will.topic)) {
        return std::unexpected(Fault{Reason::TopicNameInvalid, "will topic is empty or has a wildcard"});
    }
    return {};
}

Checked take_credentials(Reader& reader, std::uint8_t flags, Connect& packet) noexcept {
    // 3.1 (its section 3.1): the remaining length goes before the flags, a promised name may be missing.
    const bool lenient = packet.level == Level::V31;
    if ((flags & kUserName) != 0 && !(lenient && reader.empty())) {
        std::string_view name;
        if (!reader.text(name)) return malformed("user name");
        if (!is_mqtt_string(name)) return malformed("user name is not UTF-8");  // [MQTT-3.1.3-12]
        packet.user_name = name;
    }
    if ((flags & kPassword) != 0 && !(lenient && reader.empty())) {
        std::string_view password;
        if (!reader.text(password)) return malformed("password");
        packet.password = password;
    }
    return {};
}

/// Walks the filters of a SUBSCRIBE (`options`) or UNSUBSCRIBE once. [MQTT-3.8.3-2], [MQTT-3.10.3-2]
Checked take_filters(Reader& reader, Level level, bool options, Filters& filters) noexcept {
    const Bytes payload = reader.rest();
    std::uint32_t count = 0;
    for (; !reader.empty(); ++count) {
        std::string_view filter;
        if (!reader.text(filter)) return malformed("topic filter");
        if (!is_mqtt_string(filter)) return malformed("topic filter is not UTF-8");  // [MQTT-3.8.3-1]
        if (filter.empty()) return malformed("empty topic filter");                  // [MQTT-4.7.3-1]
        if (!options) continue;
        std::uint8_t option = 0;
        if (!reader.u8(option)) return malformed("subscription options");
        const bool modern = level == Level::V5;
        if ((option & (modern ? 0xC0 : 0xFC)) != 0) return malformed("reserved subscription options");
        if ((option & 0x03) == 0x03) {
            // 5.0 calls it a protocol error (3.8.3.1), 3.1.1 malformed [MQTT-3-8.3-4].
            return modern ? violation("requested QoS 3") : malformed("requested QoS 3");
        }
        if ((option & 0x30) == 0x30) return violation("retain handling 3");
        if ((option & 0x04) != 0 && filter.starts_with("$share/")) {
            return violation("no-local on a shared subscription");  // [MQTT-3.8.3-4]
        }
    }
    if (count == 0) return violation("no topic filter");
    filters = Filters(payload, count, options);
    return {};
}

// @spec MQTT5 tables 3-1, 3-8, 3-9
constexpr std::array<std::uint8_t, 22> kConnackReasons = {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86,
                                                          0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
                                                          0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F};
constexpr std::array<std::uint8_t, 12> kSubackReasons = {0x00, 0x01, 0x02, 0x80, 0x83, 0x87,
                                                         0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2};
constexpr std::array<std::uint8_t, 7> kUnsubackReasons = {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91};

template <std::size_t N>
bool is_one_of(const std::array<std::uint8_t, N>& codes, std::uint8_t code) noexcept {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

Reason reason_of_return_code(std::uint8_t code) noexcept {
    constexpr std::array kReasons = {
        Reason::Success,           Reason::UnsupportedProtocolVersion, Reason::ClientIdentifierNotValid,
        Reason::ServerUnavailable, Reason::BadUserNameOrPassword,      Reason::NotAuthorized};
    return code < kReasons.size() ? kReasons[code] : Reason::UnspecifiedError;
}

void take_connack_property(const Property& property, Connack& packet) noexcept {
    const auto number = property.number;
    const PropertyId id = property.id;
    if (id == PropertyId::SessionExpiryInterval) packet.session_expiry_s = number;
    if (id == PropertyId::ReceiveMaximum) packet.receive_maximum = static_cast<std::uint16_t>(number);
    if (id == PropertyId::MaximumQos) packet.maximum_qos = static_cast<std::uint8_t>(number);
    if (id == PropertyId::RetainAvailable) packet.retain_available = number == 1;
    if (id == PropertyId::MaximumPacketSize) packet.maximum_packet_size = number;
    if (id == PropertyId::AssignedClientIdentifier) packet.assigned_client_id = property.text;
    if (id == PropertyId::TopicAliasMaximum) packet.topic_alias_maximum = static_cast<std::uint16_t>(number);
    if (id == PropertyId::ReasonString) packet.reason_string = property.text;
    if (id == PropertyId::WildcardSubscriptionAvailable) packet.wildcard_available = number == 1;
    if (id == PropertyId::SubscriptionIdentifierAvailable) packet.subscription_ids_available = number == 1;
    if (id == PropertyId::SharedSubscriptionAvailable) packet.shared_available = number == 1;
    if (id == PropertyId::ServerKeepAlive) packet.server_keep_alive_s = static_cast<std::uint16_t>(number);
    if (id == PropertyId::ResponseInformation) packet.response_information = property.text;
    if (id == PropertyId::ServerReference) packet.server_reference = property.text;
    if (id == PropertyId::AuthenticationMethod) packet.auth_method = property.text;
    if (id == PropertyId::AuthenticationData) packet.auth_data = property.binary;
}

}  // namespace

Checked decode_connect(Bytes body, const Rules& rules, Connect& packet, ConnectVersion& version) noexcept {
    Reader reader(body);
    if (Checked checked = take_version(reader, packet, version); !checked) return checked;
    Rules mine = rules;
    mine.level = packet.level;
    std::uint8_t flags = 0;
    if (!reader.u8(flags)) return malformed("CONNECT flags");
    if (Checked checked = check_connect_flags(flags, mine.level); !checked) return checked;
    packet.clean_start = (flags & kCleanStart) != 0;
    if (!reader.u16(packet.keep_alive_s)) return malformed("keep alive");
    if (mine.level != Level::V5 && !packet.clean_start) packet.session_expiry_s = 0xFFFFFFFF;
    if (Checked checked = take_connect_properties(reader, mine, packet); !checked) return checked;
    if (Checked checked = take_client_id(reader, packet); !checked) return checked;
    if ((flags & kWill) != 0) {
        if (Checked checked = take_will(reader, mine, flags, packet.will.emplace()); !checked) return checked;
    }
    if (Checked checked = take_credentials(reader, flags, packet); !checked) return checked;
    if (!reader.empty()) return malformed("bytes behind CONNECT");
    return {};
}

Checked decode_subscribe(Bytes body, const Rules& rules, Subscribe& packet) noexcept {
    Reader reader(body);
    if (Checked checked = take_packet_id(reader, packet.packet_id); !checked) return checked;
    const auto take = [&](const Property& property) {
        if (property.id == PropertyId::SubscriptionIdentifier) packet.subscription_id = property.number;
    };
    if (Checked checked = take_properties(reader, BlockKind::Subscribe, rules, packet.user, take); !checked) {
        return checked;
    }
    return take_filters(reader, rules.level, true, packet.filters);
}

Checked decode_unsubscribe(Bytes body, const Rules& rules, Unsubscribe& packet) noexcept {
    Reader reader(body);
    if (Checked checked = take_packet_id(reader, packet.packet_id); !checked) return checked;
    const auto take = [](const Property&) {};
    if (Checked checked = take_properties(reader, BlockKind::Unsubscribe, rules, packet.user, take);
        !checked) {
        return checked;
    }
    return take_filters(reader, rules.level, false, packet.filters);
}

bool Filters::take(SubscribeFilter& filter) noexcept {
    Reader reader(payload_);
    filter = {};
    if (count_ == 0 || reader.empty() || !reader.text(filter.filter)) return false;
    std::uint8_t option = 0;
    if (options_ && !reader.u8(option)) return false;
    filter.qos = option & 0x03;
    filter.no_local = (option & 0x04) != 0;
    filter.retain_as_published = (option & 0x08) != 0;
    filter.retain_handling = (option & 0x30) >> 4;
    payload_ = payload_.subspan(reader.offset());
    --count_;
    return true;
}

Checked decode_connack(Bytes body, const Rules& rules, Connack& packet) noexcept {
    Reader reader(body);
    std::uint8_t flags = 0;
    if (!reader.u8(flags) || !reader.u8(packet.return_code)) return malformed("CONNACK ends early");
    if ((flags & 0xFE) != 0) return malformed("reserved CONNACK flags");  // [MQTT-3.2.2-1]
    packet.session_present = flags == 1;
    if (rules.level != Level::V5) {
        if (!reader.empty()) return malformed("bytes behind CONNACK");
        packet.reason = reason_of_return_code(packet.return_code);
    } else {
        if (!is_one_of(kConnackReasons, packet.return_code))
            return violation("reason code of another packet type");
        packet.reason = static_cast<Reason>(packet.return_code);
        const auto take = [&](const Property& property) { take_connack_property(property, packet); };
        if (Checked checked = take_properties(reader, BlockKind::Connack, rules, packet.user, take);
            !checked) {
            return checked;
        }
        if (!reader.empty()) return malformed("bytes behind CONNACK");
    }
    if (packet.session_present && packet.return_code != 0) return violation("session present with an error");
    return {};
}

Checked decode_suback(PacketType type, Bytes body, const Rules& rules, Suback& packet) noexcept {
    Reader reader(body);
    packet.type = type;
    if (Checked checked = take_packet_id(reader, packet.packet_id); !checked) return checked;
    const auto take = [&](const Property& property) {
        if (property.id == PropertyId::ReasonString) packet.reason_string = property.text;
    };
    if (Checked checked = take_properties(reader, BlockKind::Suback, rules, packet.user, take); !checked) {
        return checked;
    }
    packet.reasons = reader.rest();
    const bool modern = rules.level == Level::V5;
    if (type == PacketType::Unsuback && !modern) {
        if (!packet.reasons.empty()) return malformed("bytes behind UNSUBACK");
        return {};
    }
    if (packet.reasons.empty()) return violation("no reason code");
    for (const std::byte reason : packet.reasons) {
        const auto code = std::to_integer<std::uint8_t>(reason);
        const bool legal = type == PacketType::Unsuback ? is_one_of(kUnsubackReasons, code)
                           : modern                     ? is_one_of(kSubackReasons, code)
                                                        : code <= 2 || code == 0x80;
        if (!legal) return violation("reason code of another packet type");
    }
    return {};
}

}  // namespace latchkey::mqtt
