// Fuzzes a WebSocket connection as the server sees it: a handshake, then frames, cut at chosen places, while
// our own bytes find little room. The first bytes of the input choose; the rest is the stream as it is, or a
// recipe for well-formed frames. A plain decoder of the whole stream says what must have been delivered.
// websocket_test.cpp in src/net replays the corpus through this file.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "../tests/support/memory_transport.h"
#include "../tests/support/websocket_client.h"
#include "net/websocket.h"

namespace latchkey::net::probe {
namespace {

void require_that(bool promise) {
    if (!promise) std::abort();
}

/// The obvious decoder: the whole stream is there.
struct Twin {
    enum class End : std::uint8_t { Open, Closed, Broken };
    std::string payload;
    End end = End::Open;
    bool in_message = false;

    explicit Twin(std::string_view stream) {
        while (end == End::Open && one(stream)) {
        }
    }

    /// One frame off the front. False: not whole.
    bool one(std::string_view& stream) {
        const auto at = [&](std::size_t index) { return static_cast<unsigned char>(stream[index]); };
        if (stream.size() < 2) return false;
        const unsigned opcode = at(0) & 15U;
        const bool fin = (at(0) & 0x80U) != 0;
        const bool control = opcode >= 8;
        std::uint64_t length = at(1) & 0x7FU;
        if (control && (length > 125 || !fin)) return broken();
        const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (stream.size() < 2 + extra) return false;
        if (extra != 0) length = 0;
        for (std::size_t i = 0; i < extra; ++i)
            length = length << 8 | at(2 + i);
        if ((extra == 2 && length < 126) || (extra == 8 && (length < 65536 || (length >> 63) != 0)))
            return broken();
        const bool masked = (at(1) & 0x80U) != 0;
        const std::size_t head = 2 + extra + (masked ? 4 : 0);
        // A frame whose first byte of payload has not come is not judged yet.
        if (stream.size() < head || (length > 0 && stream.size() == head)) return false;
        if (!masked || (at(0) & 0x70U) != 0 || opcode == 1 || (opcode > 2 && opcode < 8) || opcode > 10)
            return broken();
        if ((opcode == 0 && !in_message) || (opcode == 2 && in_message)) return broken();
        const std::size_t there =
            static_cast<std::size_t>(std::min<std::uint64_t>(length, stream.size() - head));
        std::string body;
        for (std::size_t i = 0; i < there; ++i)
            body += static_cast<char>(at(head + i) ^ at(head - 4 + i % 4));
        const bool whole = there == length;
        stream.remove_prefix(head + there);
        if (!control) {
            payload += body;
            in_message = !(whole && fin);
        } else if (opcode == 8 && whole) {
            close(body);
        }
        return whole;
    }

    bool broken() {
        end = End::Broken;
        return true;
    }
    void close(std::string_view body) {
        const auto at = [&](std::size_t index) -> unsigned {
            return static_cast<unsigned char>(body[index]);
        };
        const unsigned code = body.size() >= 2 ? at(0) << 8 | at(1) : 1000U;
        const bool known = (code >= 3000 && code <= 4999) ||
                           (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006);
        end = body.size() != 1 && known ? End::Closed : End::Broken;
    }
};

/// Reads like a shard until nothing comes.
std::string read_all(Transport& transport, test::MemoryWire& wire, std::size_t step, IoStatus& last) {
    std::string got;
    std::string buffer(step, '\0');
    for (int quiet = 0; quiet < 3;) {
        const std::size_t before = wire.in.size();
        const IoResult result = transport.read(std::as_writable_bytes(std::span(buffer)));
        require_that(result.bytes <= step);
        last = result.status;
        if (result.status == IoStatus::Failed) {
            require_that(result.error != nullptr && result.bytes == 0);
            require_that(transport.read(std::as_writable_bytes(std::span(buffer))).status ==
                         IoStatus::Failed);
            return got;
        }
        if (result.status == IoStatus::Eof) return got;
        require_that((result.status == IoStatus::Ok) == (result.bytes != 0));
        got.append(buffer, 0, result.bytes);
        quiet = result.bytes == 0 && wire.in.size() == before && !result.more ? quiet + 1 : 0;
        wire.room = std::max<std::size_t>(wire.room, 1);
    }
    return got;
}

/// What we sent, as the plainest client reads it: the MQTT in it. Anything malformed aborts.
std::string payload_of(std::string_view out) {
    std::string payload;
    while (out.size() >= 2) {
        const auto at = [&](std::size_t index) { return static_cast<unsigned char>(out[index]); };
        require_that(at(0) == 0x82 || at(0) == 0x88 || at(0) == 0x8A);
        require_that(at(1) <= 126 && (at(0) == 0x82 || at(1) <= 125));
        const std::size_t head = at(1) == 126 ? 4 : 2;
        if (out.size() < head) break;
        const std::size_t size = head == 4 ? static_cast<std::size_t>(at(2)) << 8 | at(3) : at(1);
        require_that(size <= kMaxFramePayload && (head == 2 || size >= 126));
        if (at(0) == 0x82) payload.append(out.substr(head, size));
        out.remove_prefix(std::min(out.size(), head + size));
    }
    return payload;
}

/// Turns bytes into well-formed frames. @return the stream; `payload` is what it carries
std::string cook(std::string_view recipe, std::string& payload) {
    std::string stream;
    bool in_message = false;
    while (recipe.size() >= 2) {
        const auto kind = static_cast<unsigned char>(recipe[0]);
        const std::size_t size = std::min<std::size_t>(
            static_cast<unsigned char>(recipe[1]) * (kind & 4 ? 40U : 1U), recipe.size() - 2);
        const std::string body(recipe.substr(2, size));
        recipe.remove_prefix(2 + size);
        if ((kind & 3) == 3) {
            stream +=
                test::client_frame((kind & 8) != 0 ? 0x89 : 0x8A, std::string_view(body).substr(0, 125));
            continue;
        }
        const bool fin = (kind & 1) != 0;
        const unsigned first = (fin ? 0x80U : 0U) | (in_message ? 0U : 2U);
        stream +=
            test::client_frame(static_cast<std::uint8_t>(first), body, std::string_view("\x01\x80\xFF\x5A"));
        in_message = !fin;
        payload += body;
    }
    return stream;
}

void fuzz_connection(const std::uint8_t* choices, std::string_view rest) {
    test::MemoryWire wire;
    wire.read_step = 1U + choices[1];
    wire.eager = (choices[0] & 1) != 0;
    wire.seals = (choices[0] & 2) != 0;
    auto transport = make_websocket_transport(std::make_unique<test::MemoryTransport>(wire),
                                              std::make_shared<WebSocketOptions>());
    IoStatus last = IoStatus::Ok;
    const std::size_t step = 1U + choices[2] * 8U;
    if ((choices[0] & 4) != 0) {  // the request itself is the input
        wire.in = rest;
        read_all(*transport, wire, step, last);
        return;
    }
    std::string cooked;
    const std::string stream = (choices[0] & 8) != 0 ? cook(rest, cooked) : std::string(rest);
    const Twin twin(stream);
    if ((choices[0] & 8) != 0) require_that(twin.end == Twin::End::Open && twin.payload == cooked);
    wire.in = std::string(test::kUpgradeRequest) + stream;
    if ((choices[0] & 16) != 0) wire.room = choices[3];
    require_that(read_all(*transport, wire, step, last) == twin.payload);
    require_that((last == IoStatus::Failed) == (twin.end == Twin::End::Broken));
    require_that((last == IoStatus::Eof) == (twin.end == Twin::End::Closed));

    // Our side: the same payload back, through whatever room there is.
    std::size_t sent = 0;
    while (twin.end == Twin::End::Open && sent < twin.payload.size()) {
        const iovec piece{.iov_base = const_cast<char*>(twin.payload.data() + sent),
                          .iov_len = twin.payload.size() - sent};
        const IoResult result = transport->write(std::span(&piece, 1));
        require_that(result.status == IoStatus::Ok || result.status == IoStatus::WantWrite);
        require_that(result.bytes + result.held <= piece.iov_len);
        sent += result.bytes;
        if (result.status == IoStatus::WantWrite) wire.room += 1U + choices[3];
    }
    wire.room = 1 << 20;
    transport->close();
    require_that(!wire.broke_seal && wire.closed);
    const std::size_t head = wire.out.find("\r\n\r\n");
    if (head == std::string::npos) {  // it ended before the answer to the handshake found room
        require_that(twin.end != Twin::End::Open);
        return;
    }
    require_that(payload_of(std::string_view(wire.out).substr(head + 4)) ==
                 (twin.end == Twin::End::Open ? twin.payload : std::string()));
}

}  // namespace
}  // namespace latchkey::net::probe

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    latchkey::net::probe::fuzz_connection(data, {reinterpret_cast<const char*>(data) + 4, size - 4});
    return 0;
}
