// See websocket_frames.h. libwslay refuses long or fragmented control frames and lengths that are not
// minimal; it does not refuse unmasked frames, reserved bits or opcodes: those are checked here.
// SPDX-License-Identifier: Apache-2.0
#include "net/websocket_frames.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <wslay/wslay.h>

#include "base/invariant.h"
#include "net/errors.h"

namespace latchkey::net {
namespace {

constexpr std::uint8_t kFin = 0x80;

// RFC 6455 7.4: codes that may stand in a Close.
bool may_be_sent(std::uint16_t code) {
    if (code >= 3000 && code <= 4999) return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

bool refuse(FrameEvents& events, const ErrorInfo& error, std::uint16_t code = kCloseProtocolError) {
    events.error = &error;
    events.close_code = code;
    return false;
}

}  // namespace

// libwslay's state with what it reads from. Lives from a frame's first byte to its last.
struct FrameReader::Frame {
    Frame() {
        const wslay_frame_callbacks callbacks{nullptr, &Frame::feed, nullptr};
        if (wslay_frame_context_init(&context, &callbacks, this) != 0) throw std::bad_alloc();
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() { wslay_frame_context_free(context); }

    static ssize_t feed(std::uint8_t* buffer, std::size_t size, int /*flags*/, void* user) {
        Frame& self = *static_cast<Frame*>(user);
        const std::size_t count = std::min(size, self.rest.size());
        if (count == 0) return -1;
        std::memcpy(buffer, self.rest.data(), count);
        self.rest = self.rest.subspan(count);
        self.fed += count;
        return static_cast<ssize_t>(count);
    }

    bool control() const { return wslay_is_ctrl_frame(head.opcode) != 0; }
    std::uint64_t head_bytes() const {
        const std::uint64_t length = head.payload_length;
        return 6U + (length < 126 ? 0U : length < 65536 ? 2U : 8U);  // two bytes, the length's, and the mask
    }

    wslay_frame_context_ptr context = nullptr;
    wslay_frame_iocb head{};
    std::span<const std::byte> rest;                 ///< of the bytes being decoded
    std::uint64_t fed = 0;                           ///< bytes handed to libwslay
    std::uint64_t done = 0;                          ///< of those, in frames that have ended
    std::uint64_t payload = 0;                       ///< of this frame, so far
    bool opened = false;                             ///< its header has been judged
    std::array<std::byte, kMaxControlBytes> said{};  ///< what a control frame carries
};

FrameReader::FrameReader() = default;
FrameReader::~FrameReader() = default;

FrameEvents FrameReader::decode(std::span<std::byte> bytes) {
    FrameEvents events;
    if (bytes.empty()) return events;
    if (!frame_) frame_ = std::make_unique<Frame>();
    Frame& frame = *frame_;
    frame.rest = bytes;
    for (;;) {
        const ssize_t count = wslay_frame_recv(frame.context, &frame.head);
        if (count == WSLAY_ERR_WANT_READ) break;
        if (count < 0) {
            refuse(events, kFrameMalformed);
            return events;
        }
        const std::span chunk(reinterpret_cast<const std::byte*>(frame.head.data),
                              static_cast<std::size_t>(count));
        if ((!frame.opened && !open(events)) || !take(bytes, chunk, events)) return events;
        if (frame.payload == frame.head.payload_length && !finish(events)) return events;
    }
    if (!frame.opened && frame.fed == frame.done) frame_.reset();
    return events;
}

// The first chunk of a frame: may it be here at all?
bool FrameReader::open(FrameEvents& events) {
    const wslay_frame_iocb& head = frame_->head;
    if (head.mask == 0) return refuse(events, kFrameUnmasked);
    if (head.rsv != WSLAY_RSV_NONE) return refuse(events, kFrameReserved);
    switch (head.opcode) {
        case WSLAY_TEXT_FRAME:
            return refuse(events, kFrameText, kCloseUnsupportedData);
        case WSLAY_BINARY_FRAME:
            if (in_message_) return refuse(events, kFrameSequence);
            in_message_ = true;
            break;
        case WSLAY_CONTINUATION_FRAME:
            if (!in_message_) return refuse(events, kFrameSequence);
            break;
        case WSLAY_CONNECTION_CLOSE:
        case WSLAY_PING:
        case WSLAY_PONG:
            break;
        default:  // a wire value, not an enumerator: reserved opcodes
            return refuse(events, kFrameReserved);
    }
    frame_->opened = true;
    frame_->payload = 0;
    return true;
}

bool FrameReader::take(std::span<std::byte> bytes, std::span<const std::byte> chunk, FrameEvents& events) {
    Frame& frame = *frame_;
    if (frame.control()) {
        if (chunk.size() > frame.said.size() - frame.payload) return refuse(events, kFrameMalformed);
        std::ranges::copy(chunk, frame.said.begin() + static_cast<std::ptrdiff_t>(frame.payload));
    } else {
        // Never ahead of what was read: libwslay keeps headers, and no payload, from one call to the next.
        if (!LK_INVARIANT(events.payload + chunk.size() <= bytes.size() - frame.rest.size()))
            return refuse(events, kFrameMalformed);
        std::ranges::copy(chunk, bytes.begin() + static_cast<std::ptrdiff_t>(events.payload));
        events.payload += chunk.size();
    }
    frame.payload += chunk.size();
    return true;
}

bool FrameReader::finish(FrameEvents& events) {
    Frame& frame = *frame_;
    frame.done += frame.head_bytes() + frame.payload;
    frame.opened = false;
    const std::string_view said(reinterpret_cast<const char*>(frame.said.data()),
                                frame.control() ? static_cast<std::size_t>(frame.payload) : 0);
    switch (frame.head.opcode) {
        case WSLAY_PING:
            events.pinged = true;
            events.ping = said;
            return true;
        case WSLAY_PONG:
            return true;
        case WSLAY_CONNECTION_CLOSE:
            break;
        default:  // data, as open() has checked
            if (frame.head.fin != 0) in_message_ = false;
            return true;
    }
    if (said.size() >= 2)
        events.close_code = static_cast<std::uint16_t>(static_cast<unsigned char>(said[0]) << 8 |
                                                       static_cast<unsigned char>(said[1]));
    if (said.size() == 1 || (said.size() >= 2 && !may_be_sent(events.close_code)))
        return refuse(events, kFrameMalformed);
    events.closed = true;
    return false;
}

FrameHead frame_head(FrameKind kind, std::size_t payload_bytes) {
    FrameHead head;
    head.bytes[0] = static_cast<std::byte>(kFin | static_cast<std::uint8_t>(kind));
    if (payload_bytes < 126) {
        head.bytes[1] = static_cast<std::byte>(payload_bytes);
        head.size = 2;
    } else {
        head.bytes[1] = std::byte{126};
        head.bytes[2] = static_cast<std::byte>(payload_bytes >> 8);
        head.bytes[3] = static_cast<std::byte>(payload_bytes & 0xFF);
        head.size = 4;
    }
    return head;
}

std::string control_frame(FrameKind kind, std::string_view payload) {
    const FrameHead head = frame_head(kind, payload.size());
    std::string out(reinterpret_cast<const char*>(head.bytes.data()), head.size);
    return out.append(payload);
}

std::string close_frame(std::uint16_t code) {
    if (code == 0) return control_frame(FrameKind::Close, {});
    const char bytes[2] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    return control_frame(FrameKind::Close, {bytes, 2});
}

}  // namespace latchkey::net
