// The property table and the cursor; also the views that walk an already validated block again.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/properties.h"

#include <array>
#include <cstring>

#include "base/utf8.h"
#include "mqtt/wire.h"

namespace latchkey::mqtt {
namespace {

using enum BlockKind;

template <class... Kinds>
constexpr std::uint16_t in(Kinds... kinds) {
    return static_cast<std::uint16_t>((0u | ... | block_bit(kinds)));
}
constexpr std::uint16_t kMessages = in(Will, PublishFromClient, PublishFromServer);
constexpr std::uint16_t kAnywhere = 0x0FFF;
// The clients' SUBSCRIBE and UNSUBSCRIBE, CONNECT and PUBLISH carry no reason string (table 2-4).
constexpr std::uint16_t kReasons = in(Connack, Ack, Suback, DisconnectFromClient, DisconnectFromServer, Auth);

constexpr std::array kRules = {
    PropertyRule{PropertyId::PayloadFormatIndicator, PropertyType::Byte, kMessages},
    PropertyRule{PropertyId::MessageExpiryInterval, PropertyType::FourByte, kMessages},
    PropertyRule{PropertyId::ContentType, PropertyType::Text, kMessages},
    PropertyRule{PropertyId::ResponseTopic, PropertyType::Text, kMessages},
    PropertyRule{PropertyId::CorrelationData, PropertyType::Binary, kMessages},
    // In a client's PUBLISH it is known but not allowed: 0x82, see admit.
    PropertyRule{PropertyId::SubscriptionIdentifier, PropertyType::Varint,
                 in(PublishFromClient, PublishFromServer, Subscribe)},
    PropertyRule{PropertyId::SessionExpiryInterval, PropertyType::FourByte,
                 in(Connect, Connack, DisconnectFromClient, DisconnectFromServer)},
    PropertyRule{PropertyId::AssignedClientIdentifier, PropertyType::Text, in(Connack)},
    PropertyRule{PropertyId::ServerKeepAlive, PropertyType::TwoByte, in(Connack)},
    PropertyRule{PropertyId::AuthenticationMethod, PropertyType::Text, in(Connect, Connack, Auth)},
    PropertyRule{PropertyId::AuthenticationData, PropertyType::Binary, in(Connect, Connack, Auth)},
    PropertyRule{PropertyId::RequestProblemInformation, PropertyType::Byte, in(Connect)},
    PropertyRule{PropertyId::WillDelayInterval, PropertyType::FourByte, in(Will)},
    PropertyRule{PropertyId::RequestResponseInformation, PropertyType::Byte, in(Connect)},
    PropertyRule{PropertyId::ResponseInformation, PropertyType::Text, in(Connack)},
    PropertyRule{PropertyId::ServerReference, PropertyType::Text,
                 in(Connack, DisconnectFromClient, DisconnectFromServer)},
    PropertyRule{PropertyId::ReasonString, PropertyType::Text, kReasons},
    PropertyRule{PropertyId::ReceiveMaximum, PropertyType::TwoByte, in(Connect, Connack)},
    PropertyRule{PropertyId::TopicAliasMaximum, PropertyType::TwoByte, in(Connect, Connack)},
    PropertyRule{PropertyId::TopicAlias, PropertyType::TwoByte, in(PublishFromClient, PublishFromServer)},
    PropertyRule{PropertyId::MaximumQos, PropertyType::Byte, in(Connack)},
    PropertyRule{PropertyId::RetainAvailable, PropertyType::Byte, in(Connack)},
    PropertyRule{PropertyId::UserProperty, PropertyType::Pair, kAnywhere},
    PropertyRule{PropertyId::MaximumPacketSize, PropertyType::FourByte, in(Connect, Connack)},
    PropertyRule{PropertyId::WildcardSubscriptionAvailable, PropertyType::Byte, in(Connack)},
    PropertyRule{PropertyId::SubscriptionIdentifierAvailable, PropertyType::Byte, in(Connack)},
    PropertyRule{PropertyId::SharedSubscriptionAvailable, PropertyType::Byte, in(Connack)},
};
constexpr std::size_t kIds = 0x2B;

constexpr std::array<std::uint8_t, kIds> index_rules() {
    std::array<std::uint8_t, kIds> index{};  // 0: none, else position + 1
    for (std::size_t i = 0; i < kRules.size(); ++i) {
        index[static_cast<std::size_t>(kRules[i].id)] = static_cast<std::uint8_t>(i + 1);
    }
    return index;
}
constexpr auto kIndex = index_rules();

bool read_value(Reader& reader, PropertyType type, Property& property) noexcept {
    switch (type) {
        case PropertyType::Byte: {
            std::uint8_t value = 0;
            if (!reader.u8(value)) return false;
            property.number = value;
            return true;
        }
        case PropertyType::TwoByte: {
            std::uint16_t value = 0;
            if (!reader.u16(value)) return false;
            property.number = value;
            return true;
        }
        case PropertyType::FourByte:
            return reader.u32(property.number);
        case PropertyType::Varint:
            return reader.varint(property.number);
        case PropertyType::Binary:
            return reader.binary(property.binary);
        case PropertyType::Text:
            return reader.text(property.text);
        case PropertyType::Pair:
            return reader.text(property.text) && reader.text(property.value);
    }
    return false;
}

/// One step over a block that a cursor has accepted before. False at the end.
bool step(Bytes block, std::size_t& offset, Property& property) noexcept {
    Reader reader(block.subspan(offset));
    std::uint8_t id = 0;
    if (!reader.u8(id)) return false;
    const PropertyRule* rule = find_property_rule(id);
    if (rule == nullptr || !read_value(reader, rule->type, property)) return false;
    property.id = rule->id;
    property.size = reader.offset();
    offset += property.size;
    return true;
}

bool is_forwarded(PropertyId id) noexcept {
    return id == PropertyId::PayloadFormatIndicator || id == PropertyId::ContentType ||
           id == PropertyId::ResponseTopic || id == PropertyId::CorrelationData ||
           id == PropertyId::UserProperty;
}

bool is_flag(PropertyId id) noexcept {
    return id == PropertyId::PayloadFormatIndicator || id == PropertyId::RequestProblemInformation ||
           id == PropertyId::RequestResponseInformation || id == PropertyId::MaximumQos ||
           id == PropertyId::RetainAvailable || id == PropertyId::WildcardSubscriptionAvailable ||
           id == PropertyId::SubscriptionIdentifierAvailable || id == PropertyId::SharedSubscriptionAvailable;
}

bool is_positive(PropertyId id) noexcept {
    return id == PropertyId::ReceiveMaximum || id == PropertyId::MaximumPacketSize ||
           id == PropertyId::SubscriptionIdentifier;
}

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;
constexpr std::uint64_t zero_bytes(std::uint64_t word) noexcept {
    return (word - kOnes) & ~word & kHighs;
}

/// Topic names are ASCII nearly always: eight bytes a step, and the careful way from the first other byte on.
bool is_topic_name_slow(std::string_view text) noexcept {
    return text.find_first_of("+#") == std::string_view::npos && is_mqtt_string(text);
}

}  // namespace

const PropertyRule* find_property_rule(std::uint8_t id) noexcept {
    if (id >= kIds || kIndex[id] == 0) return nullptr;
    return &kRules[kIndex[id] - 1u];
}

bool is_topic_name(std::string_view text) noexcept {
    if (text.empty()) return false;
    std::size_t at = 0;
    for (; text.size() - at >= 8; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        if ((word & kHighs) != 0) return is_topic_name_slow(text.substr(at));
        if ((zero_bytes(word) | zero_bytes(word ^ kOnes * '+') | zero_bytes(word ^ kOnes * '#')) != 0)
            return false;
    }
    return is_topic_name_slow(text.substr(at));
}

std::expected<Property, Fault> PropertyCursor::next() noexcept {
    Reader reader(block_.subspan(at_));
    // The identifier is a variable byte integer; all that exist fit in one byte.
    std::uint32_t id = 0;
    if (!reader.varint(id)) return malformed("property identifier");
    const PropertyRule* rule = id < kIds ? find_property_rule(static_cast<std::uint8_t>(id)) : nullptr;
    if (rule == nullptr) return malformed("unknown property");
    if ((rule->blocks & block_bit(kind_)) == 0) return malformed("property of another packet type");
    Property property;
    property.id = rule->id;
    if (!read_value(reader, rule->type, property)) return malformed("property ends beyond its block");
    property.size = reader.offset();
    if (Checked checked = admit(*rule, property); !checked) return std::unexpected(checked.error());
    at_ += property.size;
    return property;
}

Checked PropertyCursor::admit(const PropertyRule& rule, Property& property) noexcept {
    const PropertyId id = rule.id;
    if (id == PropertyId::UserProperty) {
        if (user_count_ >= max_user_) {
            return std::unexpected(Fault{Reason::QuotaExceeded, "too many user properties"});
        }
        ++user_count_;
    } else {
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(id);
        // Only a forwarded message may name several subscriptions (3.3.2.3.8).
        const bool repeats = id == PropertyId::SubscriptionIdentifier && kind_ == PublishFromServer;
        if ((seen_ & bit) != 0 && !repeats) return violation("property given twice");
        seen_ |= bit;
    }
    if (rule.type == PropertyType::Text || rule.type == PropertyType::Pair) {
        if (!is_mqtt_string(property.text) || !is_mqtt_string(property.value)) {
            return malformed("property is not UTF-8");
        }
    }
    if (is_flag(id) && property.number > 1) return violation("property is neither 0 nor 1");
    if (is_positive(id) && property.number == 0) return violation("property is 0");
    if (id == PropertyId::TopicAlias && property.number == 0) {
        return std::unexpected(Fault{Reason::TopicAliasInvalid, "topic alias 0"});  // [MQTT-3.3.2-8]
    }
    if (id == PropertyId::ResponseTopic && !is_topic_name(property.text)) {
        return violation("response topic is no topic name");  // [MQTT-3.3.2-14]
    }
    // [MQTT-3.3.4-6]
    if (id == PropertyId::SubscriptionIdentifier && kind_ == PublishFromClient) {
        return violation("subscription identifier from a client");
    }
    // [MQTT-3.14.2-2]; a server reference is the server's word alone.
    if (id == PropertyId::SessionExpiryInterval && kind_ == DisconnectFromServer) {
        return violation("session expiry from a server");
    }
    if (id == PropertyId::ServerReference && kind_ == DisconnectFromClient) {
        return violation("server reference from a client");
    }
    return {};
}

bool UserProperties::next(std::size_t& offset, UserProperty& property) const noexcept {
    Property found;
    while (step(block_, offset, found)) {
        if (found.id != PropertyId::UserProperty) continue;
        property = {found.text, found.value};
        return true;
    }
    return false;
}

void ForwardProperties::copy_to(std::byte* out) const noexcept {
    if (size_ == 0) return;
    if (size_ == block_.size()) {
        std::memcpy(out, block_.data(), size_);
        return;
    }
    std::size_t offset = 0;
    Property found;
    while (step(block_, offset, found)) {
        if (!is_forwarded(found.id)) continue;
        std::memcpy(out, block_.data() + (offset - found.size), found.size);
        out += found.size;
    }
}

bool Publish::next_subscription_id(std::size_t& offset, std::uint32_t& id) const noexcept {
    Property found;
    while (step(property_block, offset, found)) {
        if (found.id != PropertyId::SubscriptionIdentifier) continue;
        id = found.number;
        return true;
    }
    return false;
}

}  // namespace latchkey::mqtt
