// Frames from a client (RFC 6455 5), decoded in place: bytes of the connection in, bytes of MQTT out, however
// both are cut. A frame is never collected, so that its length costs nothing; between frames nothing is kept.
// libwslay does the reading, this file the rules.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace latchkey::net {

enum class FrameKind : std::uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10
};

/// Status codes of Close that we use (RFC 6455 7.4.1).
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseProtocolError = 1002;
inline constexpr std::uint16_t kCloseUnsupportedData = 1003;

inline constexpr std::size_t kMaxControlBytes = 125;  ///< RFC 6455 5.5

/// What one decode() met besides payload. Decoding stops at the first error or Close.
struct FrameEvents {
    std::size_t payload = 0;  ///< bytes of MQTT, at the front of the span
    bool pinged = false;      ///< `ping` is what the newest Ping carried; earlier ones need no answer (5.5.3)
    std::string ping;
    bool closed = false;               ///< the peer said Close
    std::uint16_t close_code = 0;      ///< of the peer's Close, 0 without one; or with `error`, what to say
    const ErrorInfo* error = nullptr;  ///< the peer broke a rule: a kFrame row
};

/// @thread whoever owns it; nothing may be decoded after an error or a Close
class FrameReader {
  public:
    FrameReader();
    ~FrameReader();

    /// Moves the payload to the front of `bytes`. @spec RFC 6455 5.2-5.5, MQTT5 6 [MQTT-6.0.0-1]
    FrameEvents decode(std::span<std::byte> bytes);

    /// Whether a frame or its header has begun and not ended.
    bool inside() const noexcept { return frame_ != nullptr; }

  private:
    struct Frame;
    bool open(FrameEvents& events);
    bool take(std::span<std::byte> bytes, std::span<const std::byte> chunk, FrameEvents& events);
    bool finish(FrameEvents& events);

    std::unique_ptr<Frame> frame_;  ///< 4 KiB of libwslay's; none between frames
    bool in_message_ = false;       ///< a fragmented message has begun
};

/// The header of an unmasked frame of at most 65,535 bytes, which is what a server sends.
struct FrameHead {
    std::array<std::byte, 4> bytes{};
    std::size_t size = 0;
};
FrameHead frame_head(FrameKind kind, std::size_t payload_bytes);

/// A whole control frame, at most kMaxControlBytes of payload.
std::string control_frame(FrameKind kind, std::string_view payload);
/// Close with its code; 0 = without.
std::string close_frame(std::uint16_t code);

}  // namespace latchkey::net
