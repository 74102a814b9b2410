// Property blocks of MQTT 5.0: one table says for each property its type, the packets it may stand in and its
// legal values; one cursor walks a block and refuses everything else. Internal to this room. Implements
// MQTT 5.0 2.2.2 and the property sections of chapter 3.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "mqtt/packet.h"

namespace latchkey::mqtt {

/// Why a packet is refused: the code for the peer, and a word for our log (static storage, never the peer's
/// bytes).
struct Fault {
    Reason reason = Reason::MalformedPacket;
    std::string_view detail;
};
using Checked = std::expected<void, Fault>;

inline std::unexpected<Fault> malformed(std::string_view detail) {
    return std::unexpected(Fault{Reason::MalformedPacket, detail});
}
inline std::unexpected<Fault> violation(std::string_view detail) {
    return std::unexpected(Fault{Reason::ProtocolError, detail});
}

/// Whose rules hold for a property block. Acks share one set, SUBACK and UNSUBACK another.
enum class BlockKind : std::uint8_t {
    Connect,
    Will,
    Connack,
    PublishFromClient,
    PublishFromServer,
    Ack,
    Subscribe,
    Suback,
    Unsubscribe,
    DisconnectFromClient,
    DisconnectFromServer,
    Auth,
};

enum class PropertyType : std::uint8_t { Byte, TwoByte, FourByte, Varint, Binary, Text, Pair };

struct PropertyRule {
    PropertyId id;
    PropertyType type;
    std::uint16_t blocks;  ///< bit per BlockKind
};
/// The row of an identifier, or null if the standard has none. @thread any
const PropertyRule* find_property_rule(std::uint8_t id) noexcept;
constexpr std::uint16_t block_bit(BlockKind kind) noexcept {
    return static_cast<std::uint16_t>(1u << static_cast<unsigned>(kind));
}

struct Property {
    PropertyId id = PropertyId::UserProperty;
    std::uint32_t number = 0;  ///< of the four number types
    Bytes binary;              ///< of Binary and Text
    std::string_view text;     ///< of Text; of Pair the name
    std::string_view value;    ///< of Pair
    std::size_t size = 0;      ///< bytes on the wire, identifier included
};

/// Walks a block, which is the bytes behind its Property Length.
class PropertyCursor {
  public:
    PropertyCursor(Bytes block, BlockKind kind, std::uint16_t max_user_properties) noexcept
        : block_(block), kind_(kind), max_user_(max_user_properties) {}

    bool done() const noexcept { return at_ == block_.size(); }
    /// The next property, checked for type, place, repetition, encoding and range. 0x81 for what cannot be
    /// parsed or does not belong in this packet (2.2.2.2), 0x82 for repetition and ranges, 0x94 for topic
    /// alias 0, 0x97 beyond the cap of user properties.
    std::expected<Property, Fault> next() noexcept;
    UserProperties user() const noexcept { return {block_, user_count_}; }

  private:
    Checked admit(const PropertyRule& rule, Property& property) noexcept;

    Bytes block_;
    std::size_t at_ = 0;
    std::uint64_t seen_ = 0;
    std::uint32_t user_count_ = 0;
    BlockKind kind_;
    std::uint16_t max_user_;
};

/// Is `text` UTF-8 without U+0000 and surrogates, not empty, and free of wildcards?
bool is_topic_name(std::string_view text) noexcept;

}  // namespace latchkey::mqtt
