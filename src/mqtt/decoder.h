// Framing and decoding of single packets, in place: no allocation, no state. Connection and ClientConnection
// put the protocol around it. Limits come first: a packet's size is judged when its fixed header is complete.
// Implements MQTT 5.0 chapters 2 and 3, 3.1.1 and 3.1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

#include "mqtt/packet.h"
#include "mqtt/properties.h"

namespace latchkey::mqtt {

/// Who sent the packet: the two sides may say different things.
enum class Sender : std::uint8_t { Client, Server };

/// What holds for the connection that a packet came on.
struct Rules {
    Level level = Level::V5;
    Sender sender = Sender::Client;
    std::uint16_t max_user_properties = 64;
};

/// The fixed header, and how far the packet reaches.
struct Frame {
    PacketType type = PacketType::Reserved;
    std::uint8_t flags = 0;
    bool complete = false;         ///< the whole packet is there
    std::size_t header_bytes = 0;  ///< 0 while the fixed header itself is incomplete
    std::size_t total_bytes = 0;   ///< of the packet; the least it can be while header_bytes is 0
};

/// Judges packet type and flags, which the first byte holds: so that nothing waits for a length that will not
/// count.
/// @error 0x81 reserved type, reserved flags, QoS 3, DUP with QoS 0
/// @spec MQTT5 2.1 [MQTT-2.1.3-1], [MQTT-3.3.1-2], [MQTT-3.3.1-4]
Checked check_first_byte(std::uint8_t first, Level level) noexcept;

/// Reads the fixed header at the front of `in` (not empty; its first byte judged before).
///
/// @param max_packet_bytes  whole packet; more is refused as soon as the length is known
/// @error 0x81 length of more than four bytes or not minimal; 0x95 too large
/// @spec MQTT5 1.5.5 [MQTT-1.5.5-1], 3.1.2.11.4 [MQTT-3.1.2-24]
std::expected<Frame, Fault> read_frame(Bytes in, std::uint32_t max_packet_bytes) noexcept;

/// What a CONNECT says about its version before anything else, so that even a refusal speaks it.
struct ConnectVersion {
    bool known = false;  ///< the protocol name is MQTT's, and `level` is what to answer in
    Level level = Level::V5;
};

/// The functions below take a packet's bytes behind the fixed header. On an error `packet` is half filled: do
/// not use. Faults carry the standard's code: 0x81 where the bytes cannot be this packet, 0x82 where they say
/// what is not allowed, and the more exact ones where the standard wants them.
Checked decode_connect(Bytes body, const Rules& rules, Connect& packet, ConnectVersion& version) noexcept;
/// The topic may be empty when topic_alias is not 0.
Checked decode_publish(std::uint8_t flags, Bytes body, const Rules& rules, Publish& packet) noexcept;
Checked decode_ack(PacketType type, Bytes body, const Rules& rules, Ack& packet) noexcept;
Checked decode_subscribe(Bytes body, const Rules& rules, Subscribe& packet) noexcept;
Checked decode_unsubscribe(Bytes body, const Rules& rules, Unsubscribe& packet) noexcept;
/// PINGREQ, PINGRESP: nothing may follow the fixed header.
Checked decode_ping(Bytes body) noexcept;
Checked decode_disconnect(Bytes body, const Rules& rules, Disconnect& packet) noexcept;
Checked decode_auth(Bytes body, const Rules& rules, Auth& packet) noexcept;

// What only a client receives.
Checked decode_connack(Bytes body, const Rules& rules, Connack& packet) noexcept;
/// SUBACK and UNSUBACK.
Checked decode_suback(PacketType type, Bytes body, const Rules& rules, Suback& packet) noexcept;

}  // namespace latchkey::mqtt
