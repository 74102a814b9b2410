// Builds packets byte by byte for tests, malformed ones too; deliberately not the product's encoder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace latchkey::mqtt::probe {

/// Bytes from numbers: b({0x10, 0x00}).
inline std::string b(std::initializer_list<unsigned> bytes) {
    std::string out;
    for (const unsigned byte : bytes)
        out.push_back(static_cast<char>(byte));
    return out;
}
inline std::string u16(unsigned value) {
    return b({value >> 8, value & 0xFF});
}
inline std::string u32(std::uint32_t value) {
    return u16(value >> 16) + u16(value & 0xFFFF);
}
/// Length-prefixed text or binary data.
inline std::string s(std::string_view text) {
    return u16(static_cast<unsigned>(text.size())) + std::string(text);
}
inline std::string varint(std::size_t value) {
    std::string out;
    do {
        const auto low = static_cast<unsigned>(value & 0x7F);
        value >>= 7;
        out += b({value != 0 ? (low | 0x80) : low});
    } while (value != 0);
    return out;
}
inline std::string packet(unsigned first, const std::string& body) {
    return b({first}) + varint(body.size()) + body;
}
/// A property block with its length.
inline std::string block(const std::string& properties = {}) {
    return varint(properties.size()) + properties;
}

struct ConnectBytes {
    std::string name = "MQTT";
    unsigned level = 5;
    unsigned flags = 0x02;
    unsigned keep_alive = 60;
    std::string properties = {};
    std::string payload = s("c");  ///< client id, will, user, password
    std::string str() const {
        return packet(0x10, s(name) + b({level, flags}) + u16(keep_alive) +
                                (level == 5 ? block(properties) : "") + payload);
    }
};
inline std::string connect_v5(const std::string& properties = {}) {
    ConnectBytes c;
    c.properties = properties;
    return c.str();
}
inline std::string connect_level(unsigned level) {
    ConnectBytes c;
    c.level = level;
    if (level == 3) c.name = "MQIsdp";
    return c.str();
}

}  // namespace latchkey::mqtt::probe
