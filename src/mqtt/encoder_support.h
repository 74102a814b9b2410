// How a packet with properties is put together: sizes first, then bytes, leaving out what explains when it
// does not fit. Internal to this room.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mqtt/encoder.h"
#include "mqtt/wire.h"

namespace latchkey::mqtt {

/// Which of the explaining properties go along.
struct Optional {
    bool reason_string = true;
    bool user = true;
};

/// [MQTT-3.1.2-29]: without problem information only PUBLISH, CONNACK and DISCONNECT explain themselves.
inline Optional explanations(const Peer& peer) noexcept {
    return {peer.problem_information, peer.problem_information};
}

template <class Sink>
void put_u8(Sink& sink, PropertyId id, std::optional<std::uint8_t> value) {
    if (!value) return;
    sink.u8(static_cast<std::uint8_t>(id));
    sink.u8(*value);
}
template <class Sink>
void put_flag(Sink& sink, PropertyId id, std::optional<bool> value) {
    if (value) put_u8(sink, id, std::uint8_t{*value});
}
template <class Sink>
void put_u16(Sink& sink, PropertyId id, std::optional<std::uint16_t> value) {
    if (!value) return;
    sink.u8(static_cast<std::uint8_t>(id));
    sink.u16(*value);
}
template <class Sink>
void put_u32(Sink& sink, PropertyId id, std::optional<std::uint32_t> value) {
    if (!value) return;
    sink.u8(static_cast<std::uint8_t>(id));
    sink.u32(*value);
}
/// A string may be present and empty.
template <class Sink>
void put_optional_text(Sink& sink, PropertyId id, std::optional<std::string_view> value) {
    if (!value) return;
    sink.u8(static_cast<std::uint8_t>(id));
    sink.text(*value);
}
/// An empty string means absent.
template <class Sink>
void put_text(Sink& sink, PropertyId id, std::string_view value) {
    if (!value.empty()) put_optional_text(sink, id, std::optional(value));
}
template <class Sink>
void put_binary(Sink& sink, PropertyId id, std::optional<Bytes> value) {
    if (!value) return;
    sink.u8(static_cast<std::uint8_t>(id));
    sink.binary(*value);
}
template <class Sink>
void put_users(Sink& sink, std::span<const UserProperty> user) {
    for (const UserProperty& property : user) {
        sink.u8(static_cast<std::uint8_t>(PropertyId::UserProperty));
        sink.text(property.name);
        sink.text(property.value);
    }
}
template <class Sink>
void put_explanation(Sink& sink, std::string_view reason_string, std::span<const UserProperty> user,
                     const Optional& keep) {
    if (keep.reason_string) put_text(sink, PropertyId::ReasonString, reason_string);
    if (keep.user) put_users(sink, user);
}

/// Appends a packet: `head(sink)`, then for level 5 the property block from `properties(sink, keep)`, then
/// `payload(sink)`. If it exceeds the peer's limit it tries without user properties, then without reason
/// string.
/// `omit_empty`: an empty property block at the end goes without its length (acknowledgements, DISCONNECT).
/// @return bytes appended, or 0
template <class Head, class Properties, class Payload>
std::size_t append_packet(Buffer& buffer, const Peer& peer, std::uint8_t first, const Head& head,
                          const Properties& properties, const Payload& payload, const Optional& wanted,
                          bool omit_empty = false) {
    const bool modern = peer.level == Level::V5;
    for (const Optional keep : {wanted, Optional{wanted.reason_string, false}, Optional{false, false}}) {
        Counter inner;
        if (modern) properties(inner, keep);
        Counter counter;
        head(counter);
        const bool with_block = modern && !(omit_empty && inner.size() == 0);
        if (with_block) counter.varint(inner.size());
        payload(counter);
        const std::size_t remaining = counter.size() + inner.size();
        const std::size_t total = 1 + varint_size(remaining) + remaining;
        if (remaining > kMaxRemainingLength || total > peer.max_packet_bytes) continue;
        Writer writer(buffer.append(total));
        writer.u8(first);
        writer.varint(remaining);
        head(writer);
        if (with_block) {
            writer.varint(inner.size());
            properties(writer, keep);
        }
        payload(writer);
        return total;
    }
    return 0;
}

}  // namespace latchkey::mqtt
