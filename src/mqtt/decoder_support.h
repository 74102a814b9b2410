// What the decoder's source files share: reading property blocks and message properties. Internal to this
// room.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mqtt/decoder.h"
#include "mqtt/properties.h"
#include "mqtt/wire.h"

namespace latchkey::mqtt {

/// Property Length and the block behind it; below level 5 there is none.
inline Checked take_block(Reader& reader, Level level, Bytes& block) noexcept {
    if (level != Level::V5) return {};
    std::uint32_t size = 0;
    if (!reader.varint(size)) return malformed("property length");
    if (!reader.bytes(size, block)) return malformed("properties end beyond the packet");
    return {};
}

/// Calls take(const Property&) for each property of a block; user properties are left in `user`.
template <class Take>
Checked take_properties(Reader& reader, BlockKind kind, const Rules& rules, UserProperties& user,
                        Take&& take) noexcept {
    Bytes block;
    if (Checked checked = take_block(reader, rules.level, block); !checked) return checked;
    PropertyCursor cursor(block, kind, rules.max_user_properties);
    while (!cursor.done()) {
        auto property = cursor.next();
        if (!property) return std::unexpected(property.error());
        take(*property);
    }
    user = cursor.user();
    return {};
}

/// Takes one of the properties that PUBLISH and wills share.
/// @return bytes it adds to what is forwarded
inline std::size_t take_message_property(const Property& property, MessageProperties& into) noexcept {
    switch (static_cast<std::uint8_t>(property.id)) {
        case static_cast<std::uint8_t>(PropertyId::PayloadFormatIndicator):
            into.payload_format = static_cast<std::uint8_t>(property.number);
            return property.size;
        case static_cast<std::uint8_t>(PropertyId::ContentType):
            into.content_type = property.text;
            return property.size;
        case static_cast<std::uint8_t>(PropertyId::ResponseTopic):
            into.response_topic = property.text;
            return property.size;
        case static_cast<std::uint8_t>(PropertyId::CorrelationData):
            into.correlation_data = property.binary;
            return property.size;
        case static_cast<std::uint8_t>(PropertyId::UserProperty):
            return property.size;
        case static_cast<std::uint8_t>(PropertyId::MessageExpiryInterval):
            into.expiry_s = property.number;
            return 0;
        default:
            return 0;  // not an enumeration switch: the caller takes what else its packet has
    }
}

/// A packet identifier, which is never 0. [MQTT-2.2.1-3], [MQTT-2.2.1-4]
inline Checked take_packet_id(Reader& reader, std::uint16_t& id) noexcept {
    if (!reader.u16(id)) return malformed("packet identifier");
    if (id == 0) return violation("packet identifier 0");
    return {};
}

}  // namespace latchkey::mqtt
