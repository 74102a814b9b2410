// WebSocket around a transport in memory: each rule of framing, partial writes, pings nobody reads; and the
// fuzzer's corpus.
// SPDX-License-Identifier: Apache-2.0
#include "net/websocket.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "net/errors.h"
#include "net/websocket_frames.h"
#include "support/fuzz_corpus.h"
#include "support/memory_transport.h"
#include "support/websocket_client.h"

#define LLVMFuzzerTestOneInput fuzz_websocket
#include "../../fuzz/websocket_fuzz.cpp"
#undef LLVMFuzzerTestOneInput

namespace latchkey::test {
namespace {

using net::IoStatus;

struct Opened {
    explicit Opened(bool seals = false) {
        wire.seals = seals;
        transport = net::make_websocket_transport(std::make_unique<MemoryTransport>(wire),
                                                  std::make_shared<net::WebSocketOptions>());
        wire.in = kUpgradeRequest;
        std::array<std::byte, 512> buffer{};
        EXPECT_EQ(transport->read(buffer).status, IoStatus::WantRead);
        EXPECT_TRUE(wire.out.starts_with("HTTP/1.1 101 ")) << wire.out;
        wire.out.clear();
    }

    struct Got {
        net::IoResult end;
        std::string payload;
    };
    /// Everything that `bytes` give, and how it ended.
    Got read(std::string bytes, std::size_t step = 4096) {
        wire.in += bytes;
        Got got;
        std::string buffer(step, '\0');
        do {
            got.end = transport->read(std::as_writable_bytes(std::span(buffer)));
            got.payload.append(buffer, 0, got.end.bytes);
        } while (got.end.status == IoStatus::Ok ||
                 (got.end.status == IoStatus::WantRead && !wire.in.empty()));
        wire.in.clear();
        return got;
    }
    net::IoResult write(std::string_view bytes) {
        const iovec one{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
        return transport->write(std::span(&one, 1));
    }

    MemoryWire wire;
    std::unique_ptr<net::Transport> transport;
};

TEST(WebSocketFrames, WhatIsDelivered) {
    struct Row {
        const char* name;
        std::string bytes;
        std::string payload;
        std::string answer;
    };
    const std::string ping = client_frame(0x89, "hi");
    const std::string pong("\x8A\x02hi", 4);
    const std::vector<Row> rows = {
        {"one packet, one frame", client_frame(0x82, "abc"), "abc", ""},
        {"many in one", client_frame(0x82, "abcdef") + client_frame(0x82, "gh"), "abcdefgh", ""},
        {"fragments", client_frame(0x02, "ab") + client_frame(0x00, "") + client_frame(0x80, "c"), "abc", ""},
        {"an empty message", client_frame(0x82, ""), "", ""},
        {"a ping between fragments", client_frame(0x02, "ab") + ping + client_frame(0x80, "c"), "abc", pong},
        {"an empty ping", client_frame(0x89, ""), "", std::string("\x8A\x00", 2)},
        {"pongs are ignored", client_frame(0x8A, "x") + client_frame(0x82, "a"), "a", ""},
        {"a length of 16 bits", client_frame(0x82, std::string(126, 'x')), std::string(126, 'x'), ""},
        {"a length of 64 bits", client_frame(0x82, std::string(70'000, 'x')), std::string(70'000, 'x'), ""}};
    for (const Row& row : rows)
        for (const std::size_t step : {1UL, 7UL, 4096UL}) {
            Opened ws;
            const auto got = ws.read(row.bytes, step);
            EXPECT_EQ(got.end.status, IoStatus::WantRead) << row.name;
            EXPECT_TRUE(got.payload == row.payload) << row.name;
            EXPECT_EQ(ws.wire.out, row.answer) << row.name;
        }
}

TEST(WebSocketFrames, WhatIsRefusedAndWithWhichCode) {
    struct Row {
        const char* name;
        std::string bytes;
        const ErrorInfo& error;
        unsigned code;
    };
    std::string unmasked(
        "\x82\x03"
        "abc",
        5);
    std::string padded(
        "\x82\xFE\x00\x03\x00\x00\x00\x00"
        "abc",
        11);
    const std::vector<Row> rows = {
        {"text", client_frame(0x81, "hello"), net::kFrameText, 1003},
        {"unmasked", unmasked, net::kFrameUnmasked, 1002},
        {"RSV1, which is what compression would set", client_frame(0xC2, "x"), net::kFrameReserved, 1002},
        {"RSV2", client_frame(0xA2, "x"), net::kFrameReserved, 1002},
        {"RSV3 on a control frame", client_frame(0x99, "x"), net::kFrameReserved, 1002},
        {"a reserved data opcode", client_frame(0x83, "x"), net::kFrameReserved, 1002},
        {"a reserved control opcode", client_frame(0x8B, "x"), net::kFrameReserved, 1002},
        {"a control frame above 125", client_frame(0x89, std::string(126, 'x')), net::kFrameMalformed, 1002},
        {"a fragmented ping", client_frame(0x09, "x"), net::kFrameMalformed, 1002},
        {"a fragmented close", client_frame(0x08, ""), net::kFrameMalformed, 1002},
        {"a length that is not minimal", padded, net::kFrameMalformed, 1002},
        {"a continuation of nothing", client_frame(0x80, "x"), net::kFrameSequence, 1002},
        {"a message within a message", client_frame(0x02, "") + client_frame(0x82, "x"), net::kFrameSequence,
         1002},
        {"a close of one byte", client_frame(0x88, "x"), net::kFrameMalformed, 1002},
        {"a code that nobody may send", client_frame(0x88, "\x03\xED"), net::kFrameMalformed, 1002}};
    for (const Row& row : rows)
        for (const std::size_t step : {1UL, 4096UL}) {
            Opened ws;
            const auto got = ws.read(row.bytes, step);
            EXPECT_EQ(got.end.status, IoStatus::Failed) << row.name;
            ASSERT_NE(got.end.error, nullptr) << row.name;
            EXPECT_EQ(got.end.error->name, row.error.name) << row.name;
            EXPECT_EQ(got.payload, "") << row.name;
            const std::string close{'\x88', '\x02', static_cast<char>(row.code >> 8),
                                    static_cast<char>(row.code & 255)};
            EXPECT_EQ(ws.wire.out, close) << row.name;
            EXPECT_EQ(ws.read(client_frame(0x82, "more")).end.status, IoStatus::Failed) << "it stays refused";
            EXPECT_EQ(ws.write("x").status, IoStatus::Failed);
        }
}

TEST(WebSocketFrames, WhatCameBeforeAnErrorCountsFirst) {
    Opened ws;
    ws.wire.in = client_frame(0x82, "good") + client_frame(0x81, "bad");
    std::array<std::byte, 64> buffer{};
    const net::IoResult first = ws.transport->read(buffer);
    EXPECT_EQ(first.status, IoStatus::Ok);
    EXPECT_EQ(first.bytes, 4U);
    EXPECT_TRUE(first.more) << "the socket may be quiet: the error must be fetched";
    EXPECT_EQ(ws.transport->read(buffer).error, &net::kFrameText);
}

TEST(WebSocketFrames, CloseIsAnsweredWithItsCodeAndEndsTheStream) {
    for (const std::string_view body : {std::string_view(), std::string_view("\x03\xE9going", 7)}) {
        Opened ws;
        EXPECT_EQ(ws.read(client_frame(0x88, body)).end.status, IoStatus::Eof);
        EXPECT_EQ(ws.wire.out,
                  body.empty() ? std::string("\x88\x00", 2) : std::string("\x88\x02\x03\xE9", 4));
        EXPECT_EQ(ws.read("").end.status, IoStatus::Eof) << "the end stays the end";
        EXPECT_EQ(ws.write("x").status, IoStatus::Failed) << "nothing follows a Close";
        ws.transport->close();
        EXPECT_TRUE(ws.wire.closed);
        EXPECT_LE(ws.wire.out.size(), 4U) << "no second Close";
    }
}

TEST(WebSocket, ClosingSaysClose) {
    Opened ws;
    ws.transport->close();
    EXPECT_EQ(ws.wire.out, std::string("\x88\x02\x03\xE8", 4));
    EXPECT_EQ(ws.transport->handle(), -1);
}

TEST(WebSocket, AFrameOfAnySizeIsPassedOnAsItComes) {
    Opened ws;
    std::string head("\x82\xFF\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00", 14);  // 256 MiB
    EXPECT_EQ(ws.read(head).payload, "");
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(ws.read(std::string(1000, 'x')).payload, std::string(1000, 'x'));
}

TEST(WebSocket, OneBatchOfWritesIsOneFrameUpToTheBound) {
    Opened ws;
    const std::string small = "abc";
    const std::array<iovec, 2> pieces{{{.iov_base = const_cast<char*>(small.data()), .iov_len = 1},
                                       {.iov_base = const_cast<char*>(small.data() + 1), .iov_len = 2}}};
    EXPECT_EQ(ws.transport->write(pieces).bytes, 3U);
    EXPECT_EQ(ws.wire.out, std::string("\x82\x03"
                                       "abc",
                                       5));
    ws.wire.out.clear();
    const std::string large(40'000, 'y');
    EXPECT_EQ(ws.write(large).bytes, large.size());
    EXPECT_EQ(ws.wire.out.size(), large.size() + 3 * 4);
}

// Delivery may withdraw what was not begun: a frame that was announced must be filled all the same.
TEST(WebSocket, AnAnnouncedFrameIsHeldAndNoMoreThanThat) {
    for (const bool seals : {false, true}) {
        Opened ws(seals);
        ws.wire.room = 100;
        const std::string bytes(40'000, 'z');
        const net::IoResult first = ws.write(bytes);
        EXPECT_EQ(first.status, IoStatus::WantWrite);
        EXPECT_EQ(first.bytes + first.held, net::kMaxFramePayload);
        ws.wire.room = 1 << 20;
        const net::IoResult rest = ws.write(std::string_view(bytes).substr(first.bytes, first.held));
        EXPECT_EQ(rest.status, IoStatus::Ok);
        EXPECT_EQ(rest.held, 0U);
        EXPECT_EQ(ws.wire.out.size(), net::kMaxFramePayload + 4) << "a whole frame, nothing owed";
        EXPECT_FALSE(ws.wire.broke_seal);
    }
}

TEST(WebSocket, NothingTakenHoldsNothing) {
    Opened ws;
    ws.wire.room = 0;
    const net::IoResult result = ws.write("abc");
    EXPECT_EQ(result.status, IoStatus::WantWrite);
    EXPECT_EQ(result.held, 0U);
    ws.wire.room = 100;
    EXPECT_EQ(ws.write("other").status, IoStatus::Ok);
    EXPECT_EQ(ws.wire.out, std::string("\x82\x05other", 7));
}

TEST(WebSocket, WritesThroughEveryNarrowPlaceKeepTheStream) {
    for (const bool seals : {false, true}) {
        SeededRandom random(7);
        Opened ws(seals);
        std::string sent;
        std::string bytes(200'000, '\0');
        for (char& c : bytes)
            c = static_cast<char>('a' + random.below(26));
        std::size_t at = 0;
        while (at < bytes.size()) {
            ws.wire.room = random.below(9'000);
            if (random.below(4) == 0) ws.read(client_frame(0x89, std::string(random.below(126), 'p')));
            const net::IoResult result = ws.write(std::string_view(bytes).substr(at));
            ASSERT_NE(result.status, IoStatus::Failed);
            at += result.bytes;
        }
        ws.wire.room = 1 << 20;
        ws.write({});
        EXPECT_FALSE(ws.wire.broke_seal);
        EXPECT_TRUE(net::probe::payload_of(ws.wire.out) == bytes);
    }
}

TEST(WebSocket, PingsOfWhoDoesNotReadKeepOneAnswer) {
    Opened ws;
    ws.wire.room = 5;
    for (int i = 0; i < 10'000; ++i)
        ws.read(client_frame(0x89, "ping " + std::to_string(i)));
    EXPECT_EQ(ws.wire.out.size(), 5U);
    ws.wire.room = 1 << 20;
    const auto got = ws.read(client_frame(0x82, "m"));
    EXPECT_EQ(got.payload, "m");
    EXPECT_EQ(ws.wire.out, std::string("\x8A\x06ping 0\x8A\x09ping 9999", 19))
        << "the begun one and the newest";
}

TEST(WebSocket, AnAnswerThatWaitsForRoomAsksToBeCalledAgain) {
    Opened ws;
    ws.wire.room = 0;
    EXPECT_EQ(ws.read(client_frame(0x89, "x")).end.status, IoStatus::WantWrite);
    ws.wire.room = 100;
    EXPECT_EQ(ws.read("").end.status, IoStatus::WantRead);
    EXPECT_EQ(ws.wire.out, std::string("\x8A\x01x", 3));
}

TEST(WebSocket, FramesWithoutPayloadDoNotHoldATurn) {
    Opened ws;
    ws.wire.read_step = 6;
    ws.wire.eager = true;
    for (int i = 0; i < 1000; ++i)
        ws.wire.in += client_frame(0x8A, "");
    std::array<std::byte, 4096> buffer{};
    const net::IoResult result = ws.transport->read(buffer);
    EXPECT_EQ(result.status, IoStatus::WantRead);
    EXPECT_TRUE(result.more);
    EXPECT_GT(ws.wire.in.size(), 5000U);
}

struct Spoken {
    std::string bytes;
    const ErrorInfo& error;
    std::string_view answer;
};
TEST(WebSocket, WhatIsNoHandshakeIsToldInWords) {
    const std::vector<Spoken> rows = {
        {std::string("\x10\x0c\x00\x04MQTT", 8), net::kMqttOnWebSocketPort, ""},
        {std::string("\x16\x03\x01\x02", 4), net::kTlsOnPlainPort, ""},
        {"\x05garbage", net::kUpgradeMalformed, "HTTP/1.1 400 "},
        {"GET /mqtt HTTP/1.1\r\nX: " + std::string(9000, 'x'), net::kUpgradeTooLarge, "HTTP/1.1 431 "},
        {"GET /other HTTP/1.1\r\nHost: x\r\n\r\n", net::kUpgradePath, "HTTP/1.1 404 "}};
    for (const Spoken& row : rows) {
        MemoryWire wire;
        wire.in = row.bytes;
        const auto ws = net::make_websocket_transport(std::make_unique<MemoryTransport>(wire),
                                                      std::make_shared<net::WebSocketOptions>());
        EXPECT_FALSE(ws->peer().handshake_done);
        std::array<std::byte, 4096> buffer{};
        net::IoResult result;
        do
            result = ws->read(buffer);
        while (result.status == IoStatus::WantRead && !wire.in.empty());
        EXPECT_EQ(result.status, IoStatus::Failed);
        EXPECT_EQ(result.error, &row.error) << row.bytes.substr(0, 40);
        EXPECT_TRUE(wire.out.starts_with(row.answer)) << wire.out;
        EXPECT_EQ(wire.out.empty(), row.answer.empty());
    }
}

TEST(WebSocket, BytesBehindTheRequestAreFrames) {
    MemoryWire wire;
    wire.in = std::string(kUpgradeRequest) + client_frame(0x82, "early");
    const auto ws = net::make_websocket_transport(std::make_unique<MemoryTransport>(wire),
                                                  std::make_shared<net::WebSocketOptions>());
    std::array<std::byte, 4096> buffer{};
    EXPECT_EQ(ws->read(buffer).bytes, 5U);
    EXPECT_TRUE(ws->peer().handshake_done);
    EXPECT_EQ(ws->peer().remote.text(), "192.0.2.9");
}

TEST(WebSocketCorpus, EveryStreamKeepsTheFuzzersPromises) {
    EXPECT_GE(test::replay_corpus("websocket", fuzz_websocket), 60U);
}

}  // namespace
}  // namespace latchkey::test
