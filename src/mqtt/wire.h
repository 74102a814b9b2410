// The primitive data representations: a bounded reader over one packet, and big-endian writing.
// Internal to this room. Implements MQTT 5.0 1.5.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "mqtt/packet.h"

namespace latchkey::mqtt {

/// Reads from the front; a false answer means the bytes end before the value does (or a variable byte integer
/// is longer than four bytes or not minimal [MQTT-1.5.5-1]): malformed. Nothing beyond the span is ever
/// touched.
class Reader {
  public:
    explicit Reader(Bytes bytes) noexcept : bytes_(bytes) {}

    std::size_t left() const noexcept { return bytes_.size() - at_; }
    std::size_t offset() const noexcept { return at_; }
    bool empty() const noexcept { return left() == 0; }
    Bytes rest() const noexcept { return bytes_.subspan(at_); }

    bool u8(std::uint8_t& value) noexcept {
        if (left() < 1) return false;
        value = std::to_integer<std::uint8_t>(bytes_[at_++]);
        return true;
    }
    bool u16(std::uint16_t& value) noexcept {
        if (left() < 2) return false;
        value = static_cast<std::uint16_t>((byte(0) << 8) | byte(1));
        at_ += 2;
        return true;
    }
    bool u32(std::uint32_t& value) noexcept {
        if (left() < 4) return false;
        value = (byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3);
        at_ += 4;
        return true;
    }
    bool varint(std::uint32_t& value) noexcept {
        value = 0;
        for (unsigned i = 0; i < 4; ++i) {
            std::uint8_t next = 0;
            if (!u8(next)) return false;
            value |= static_cast<std::uint32_t>(next & 0x7Fu) << (7 * i);
            if ((next & 0x80u) == 0) return next != 0 || i == 0;
        }
        return false;
    }
    bool bytes(std::size_t count, Bytes& value) noexcept {
        if (left() < count) return false;
        value = bytes_.subspan(at_, count);
        at_ += count;
        return true;
    }
    /// Binary data: two bytes of length, then so many bytes.
    bool binary(Bytes& value) noexcept {
        std::uint16_t size = 0;
        return u16(size) && bytes(size, value);
    }
    /// As binary; whether it is UTF-8 is for the caller to ask.
    bool text(std::string_view& value) noexcept {
        Bytes raw;
        if (!binary(raw)) return false;
        value = as_text(raw);
        return true;
    }

    static std::string_view as_text(Bytes raw) noexcept {
        return {reinterpret_cast<const char*>(raw.data()), raw.size()};
    }

  private:
    std::uint32_t byte(std::size_t i) const noexcept {
        return std::to_integer<std::uint32_t>(bytes_[at_ + i]);
    }

    Bytes bytes_;
    std::size_t at_ = 0;
};

/// Bytes a variable byte integer takes; `value` at most kMaxRemainingLength.
constexpr std::size_t varint_size(std::size_t value) noexcept {
    return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}

/// Writes to room that the caller has sized.
class Writer {
  public:
    explicit Writer(std::byte* at) noexcept : at_(at) {}
    void u8(std::uint8_t value) noexcept { *at_++ = std::byte{value}; }
    void u16(std::uint16_t value) noexcept {
        u8(static_cast<std::uint8_t>(value >> 8));
        u8(static_cast<std::uint8_t>(value & 0xFF));
    }
    void u32(std::uint32_t value) noexcept {
        u16(static_cast<std::uint16_t>(value >> 16));
        u16(static_cast<std::uint16_t>(value & 0xFFFF));
    }
    void varint(std::size_t value) noexcept {
        while (value >= 128) {
            u8(static_cast<std::uint8_t>((value & 0x7F) | 0x80));
            value >>= 7;
        }
        u8(static_cast<std::uint8_t>(value));
    }
    void raw(Bytes value) noexcept {
        if (!value.empty()) std::memcpy(at_, value.data(), value.size());
        at_ += value.size();
    }
    void binary(Bytes value) noexcept {
        u16(static_cast<std::uint16_t>(value.size()));
        raw(value);
    }
    void text(std::string_view value) noexcept { binary(std::as_bytes(std::span(value))); }
    std::byte* at() const noexcept { return at_; }

  private:
    std::byte* at_;
};

/// Counts what a Writer would write, so that one description of a packet gives both size and bytes.
class Counter {
  public:
    void u8(std::uint8_t) noexcept { size_ += 1; }
    void u16(std::uint16_t) noexcept { size_ += 2; }
    void u32(std::uint32_t) noexcept { size_ += 4; }
    void varint(std::size_t value) noexcept { size_ += varint_size(value); }
    void raw(Bytes value) noexcept { size_ += value.size(); }
    void binary(Bytes value) noexcept { size_ += 2 + value.size(); }
    void text(std::string_view value) noexcept { size_ += 2 + value.size(); }
    std::size_t size() const noexcept { return size_; }

  private:
    std::size_t size_ = 0;
};

}  // namespace latchkey::mqtt
