// What every Transport must pass: plain TCP, TLS, the simulator's network. Include once per test binary and
// INSTANTIATE_TEST_SUITE_P(Name, TransportContract, testing::Values(source)).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "net/transport.h"
#include "support/transport_source.h"

namespace latchkey::test {

class TransportContract : public testing::TestWithParam<TransportSource> {
  protected:
    void SetUp() override {
        pair_ = GetParam().make();
        ASSERT_TRUE(pair_.server && pair_.client);
    }

    static std::vector<std::byte> noise(std::size_t size, std::uint64_t seed) {
        std::vector<std::byte> out(size);
        SeededRandom random(seed);
        random.fill(out);
        if (!out.empty()) out[0] = std::byte{0x10};  // what an MQTT client begins with
        return out;
    }

    static iovec piece(const std::vector<std::byte>& bytes, std::size_t from, std::size_t size) {
        return {.iov_base = const_cast<std::byte*>(bytes.data() + from), .iov_len = size};
    }

    /// One pass as a shard does it: reads while told to, never asking the poller in between.
    static net::IoStatus read_turn(net::Transport& from, std::size_t step, std::vector<std::byte>& into) {
        std::vector<std::byte> buffer(step);
        for (;;) {
            const net::IoResult result = from.read(buffer);
            into.insert(into.end(), buffer.begin(),
                        buffer.begin() + static_cast<std::ptrdiff_t>(result.bytes));
            if (result.status != net::IoStatus::Ok || !result.more) return result.status;
        }
    }

    /// Reads by the poller's word alone until `size` bytes are there or the stream ends.
    net::IoStatus receive(net::Transport& at, std::size_t size, std::size_t step,
                          std::vector<std::byte>& into) {
        while (into.size() < size && GetParam().await_readable(at)) {
            const net::IoStatus status = read_turn(at, step, into);
            if (status == net::IoStatus::Eof || status == net::IoStatus::Failed) return status;
        }
        return net::IoStatus::Ok;
    }

    /// Sends all of `bytes` while the other end reads; both in one thread, as in the simulator.
    void transfer(net::Transport& from, net::Transport& to, const std::vector<std::byte>& bytes,
                  std::size_t read_step, std::vector<std::byte>& got) {
        std::size_t sent = 0;
        for (int rounds = 0; got.size() < bytes.size() && rounds < 100'000; ++rounds) {
            if (sent < bytes.size()) {
                const iovec rest = piece(bytes, sent, bytes.size() - sent);
                const net::IoResult result = from.write(std::span(&rest, 1));
                ASSERT_NE(result.status, net::IoStatus::Failed)
                    << (result.error != nullptr ? result.error->text : "");
                sent += result.bytes;
                if (result.status == net::IoStatus::WantRead) {  // a handshake in progress
                    std::vector<std::byte> early;
                    read_turn(to, read_step, got);
                    read_turn(from, 1024, early);
                    EXPECT_TRUE(early.empty());
                }
            }
            const net::IoStatus status = read_turn(to, read_step, got);
            ASSERT_TRUE(status == net::IoStatus::Ok || status == net::IoStatus::WantRead ||
                        status == net::IoStatus::WantWrite);
            if (sent == bytes.size() && got.size() < bytes.size()) GetParam().await_readable(to);
        }
    }

    /// Exchanges a few bytes both ways, so that no handshake is left.
    void settle() {
        std::vector<std::byte> got;
        transfer(*pair_.client, *pair_.server, noise(4, 1), 64, got);
        ASSERT_EQ(got.size(), 4U);
        got.clear();
        transfer(*pair_.server, *pair_.client, noise(4, 2), 64, got);
        ASSERT_EQ(got.size(), 4U);
    }

    TransportPair pair_;
};

TEST_P(TransportContract, BytesArriveCompleteAndInOrderBothWays) {
    const auto there = noise(700'000, 11);
    const auto back = noise(700'000, 12);
    std::vector<std::byte> got;
    transfer(*pair_.client, *pair_.server, there, 4096, got);
    EXPECT_TRUE(got == there);
    got.clear();
    transfer(*pair_.server, *pair_.client, back, 333, got);
    EXPECT_TRUE(got == back);
}

TEST_P(TransportContract, ManyPiecesAreOneStream) {
    settle();
    const auto bytes = noise(60'000, 21);
    std::vector<iovec> pieces;
    SeededRandom random(22);
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size =
            std::min<std::size_t>(random.below(200), bytes.size() - at);  // empty ones too
        pieces.push_back(piece(bytes, at, size));
        at += size;
    }
    const net::IoResult result = pair_.client->write(pieces);
    ASSERT_EQ(result.status, net::IoStatus::Ok);
    EXPECT_EQ(result.bytes, bytes.size());
    std::vector<std::byte> got;
    receive(*pair_.server, bytes.size(), 4096, got);
    EXPECT_TRUE(got == bytes);
}

TEST_P(TransportContract, NothingThereIsWantReadWithoutBytes) {
    settle();
    std::array<std::byte, 16> buffer{};
    const net::IoResult result = pair_.server->read(buffer);
    EXPECT_EQ(result.status, net::IoStatus::WantRead);
    EXPECT_EQ(result.bytes, 0U);
    EXPECT_FALSE(result.more);
}

TEST_P(TransportContract, WritingNothingIsOk) {
    settle();
    const net::IoResult result = pair_.server->write({});
    EXPECT_EQ(result.status, net::IoStatus::Ok);
    EXPECT_EQ(result.bytes, 0U);
}

TEST_P(TransportContract, APeerThatDoesNotReadEndsInWantWriteAndNothingIsLostOrDoubled) {
    settle();
    const auto bytes = noise(32UL * 1024 * 1024, 31);
    std::size_t sent = 0;
    net::IoResult result;
    do {
        const iovec rest = piece(bytes, sent, std::min<std::size_t>(bytes.size() - sent, 100'000));
        result = pair_.server->write(std::span(&rest, 1));
        sent += result.bytes;
    } while (result.status == net::IoStatus::Ok && sent < bytes.size());
    ASSERT_EQ(result.status, net::IoStatus::WantWrite);
    ASSERT_LT(sent, bytes.size());

    std::vector<std::byte> got;
    const std::size_t goal = sent + 300'000;
    ASSERT_LT(goal, bytes.size());
    for (int rounds = 0; got.size() < goal && rounds < 1'000'000; ++rounds) {
        read_turn(*pair_.client, 8192, got);
        if (sent >= goal) {
            if (got.size() < goal) GetParam().await_readable(*pair_.client);
            continue;
        }
        const iovec rest = piece(bytes, sent, goal - sent);
        sent += pair_.server->write(std::span(&rest, 1)).bytes;
    }
    ASSERT_EQ(got.size(), goal);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes.begin()));
}

TEST_P(TransportContract, WhatIsKeptInsideIsAnnouncedByMore) {
    settle();
    for (std::uint64_t i = 0; i < 8; ++i) {
        const auto bytes = noise(900, 40 + i);
        const iovec whole = piece(bytes, 0, bytes.size());
        ASSERT_EQ(pair_.client->write(std::span(&whole, 1)).status, net::IoStatus::Ok);
    }
    std::vector<std::byte> got;
    receive(*pair_.server, 8 * 900, 7, got);  // by poller and `more` alone, in tiny steps
    EXPECT_EQ(got.size(), 8U * 900U);
}

TEST_P(TransportContract, LastWordsArriveBeforeTheEnd) {
    settle();
    const auto bytes = noise(5000, 51);
    const iovec whole = piece(bytes, 0, bytes.size());
    ASSERT_EQ(pair_.server->write(std::span(&whole, 1)).status, net::IoStatus::Ok);
    pair_.server->close();
    std::vector<std::byte> got;
    EXPECT_EQ(receive(*pair_.client, bytes.size() + 1, 512, got), net::IoStatus::Eof);
    EXPECT_TRUE(got == bytes);
    std::array<std::byte, 16> buffer{};
    EXPECT_EQ(pair_.client->read(buffer).status, net::IoStatus::Eof) << "the end stays the end";
}

TEST_P(TransportContract, LastWordsSurviveUnreadInput) {
    settle();
    const auto unread = noise(3000, 61);
    const iovec ignored = piece(unread, 0, unread.size());
    ASSERT_EQ(pair_.client->write(std::span(&ignored, 1)).status, net::IoStatus::Ok);
    ASSERT_TRUE(GetParam().await_readable(*pair_.server));
    const auto bytes = noise(100, 62);
    const iovec whole = piece(bytes, 0, bytes.size());
    ASSERT_EQ(pair_.server->write(std::span(&whole, 1)).status, net::IoStatus::Ok);
    pair_.server->close();
    std::vector<std::byte> got;
    receive(*pair_.client, bytes.size(), 512, got);
    EXPECT_TRUE(got == bytes);
}

TEST_P(TransportContract, ClosedIsClosed) {
    settle();
    EXPECT_GE(pair_.server->handle(), 0);
    pair_.server->close();
    pair_.server->close();
    EXPECT_EQ(pair_.server->handle(), -1);
    std::array<std::byte, 16> buffer{};
    const iovec some{.iov_base = buffer.data(), .iov_len = buffer.size()};
    EXPECT_EQ(pair_.server->read(buffer).status, net::IoStatus::Failed);
    EXPECT_EQ(pair_.server->write(std::span(&some, 1)).status, net::IoStatus::Failed);
}

TEST_P(TransportContract, MovesToAnotherThreadBetweenCalls) {
    settle();
    const auto bytes = noise(40'000, 71);
    std::vector<std::byte> got;
    for (std::size_t at = 0; at < bytes.size(); at += 10'000) {
        const iovec part = piece(bytes, at, 10'000);
        ASSERT_EQ(pair_.client->write(std::span(&part, 1)).status, net::IoStatus::Ok);
        std::thread other([&] { receive(*pair_.server, at + 10'000, 1000, got); });
        other.join();
    }
    EXPECT_TRUE(got == bytes);
}

TEST_P(TransportContract, TellsThePeer) {
    settle();
    const net::PeerFacts& facts = pair_.server->peer();
    EXPECT_TRUE(facts.handshake_done);
    EXPECT_FALSE(facts.remote.text().empty());
    EXPECT_NE(facts.local_port, 0);
}

}  // namespace latchkey::test
