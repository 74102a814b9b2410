// What every Poller must pass, watched through connections of its own kind. Include once per test binary and
// INSTANTIATE_TEST_SUITE_P(Name, PollerContract, testing::Values(source)).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/time.h"
#include "net/poller.h"
#include "support/transport_source.h"

namespace latchkey::test {

struct PollerSource {
    std::string name;
    std::function<std::unique_ptr<net::Poller>()> make;
    std::function<TransportPair()> connect;
    const Clock* clock = nullptr;
};

inline std::ostream& operator<<(std::ostream& out, const PollerSource& source) {
    return out << source.name;
}

class PollerContract : public testing::TestWithParam<PollerSource> {
  protected:
    static constexpr net::PollToken kToken{7, 3};
    static constexpr Duration kLong = std::chrono::seconds(10);

    void SetUp() override {
        poller_ = GetParam().make();
        pair_ = GetParam().connect();
        ASSERT_TRUE(poller_ && pair_.server && pair_.client);
    }

    void say(net::Transport& from) {
        std::array<std::byte, 1> byte{std::byte{0x10}};
        const iovec one{.iov_base = byte.data(), .iov_len = 1};
        ASSERT_EQ(from.write(std::span(&one, 1)).status, net::IoStatus::Ok);
    }

    std::vector<net::PollEvent> wait(Duration limit) {
        std::vector<net::PollEvent> events{net::PollEvent{}};  // stale content must go
        const MonoTime now = GetParam().clock->mono();
        poller_->wait(now, now + limit, events);
        return events;
    }

    std::unique_ptr<net::Poller> poller_;
    TransportPair pair_;
};

TEST_P(PollerContract, ReportsReadableUnderItsTokenUntilRead) {
    ASSERT_TRUE(poller_->add(pair_.server->handle(), kToken, net::Interest::Readable));
    EXPECT_TRUE(wait(Duration::zero()).empty());
    say(*pair_.client);
    for (int i = 0; i < 3; ++i) {
        const auto events = wait(kLong);
        ASSERT_EQ(events.size(), 1U) << "level-triggered: again and again";
        EXPECT_EQ(events[0].token, kToken);
        EXPECT_TRUE(events[0].readable);
        EXPECT_FALSE(events[0].writable || events[0].hangup || events[0].broken);
    }
    std::array<std::byte, 8> buffer{};
    ASSERT_EQ(pair_.server->read(buffer).bytes, 1U);
    EXPECT_TRUE(wait(Duration::zero()).empty());
}

TEST_P(PollerContract, WritableOnlyWhenAsked) {
    ASSERT_TRUE(
        poller_->add(pair_.server->handle(), kToken, net::Interest::Readable | net::Interest::Writable));
    auto events = wait(kLong);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(events[0].writable);
    EXPECT_FALSE(events[0].readable);
    poller_->modify(pair_.server->handle(), kToken, net::Interest::Readable);
    EXPECT_TRUE(wait(Duration::zero()).empty());
}

TEST_P(PollerContract, NoInterestHearsNoInput) {
    ASSERT_TRUE(poller_->add(pair_.server->handle(), kToken, net::Interest::None));
    say(*pair_.client);
    EXPECT_TRUE(wait(Duration::zero()).empty());
    poller_->modify(pair_.server->handle(), {7, 4}, net::Interest::Readable);
    const auto events = wait(kLong);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].token, (net::PollToken{7, 4})) << "modify renews the token";
}

TEST_P(PollerContract, HangupOnlyIgnoresInputAndReportsTheEndOnce) {
    ASSERT_TRUE(poller_->add(pair_.server->handle(), kToken, net::Interest::HangupOnly));
    say(*pair_.client);
    EXPECT_TRUE(wait(Duration::zero()).empty());
    pair_.client->close();
    const auto events = wait(kLong);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].token, kToken);
    EXPECT_TRUE(events[0].hangup);
    EXPECT_TRUE(wait(Duration::zero()).empty()) << "level-triggered it would fire for ever";
    poller_->modify(pair_.server->handle(), kToken, net::Interest::Readable);
    ASSERT_EQ(wait(kLong).size(), 1U) << "what came before the end is still there";
    std::array<std::byte, 8> buffer{};
    EXPECT_EQ(pair_.server->read(buffer).bytes, 1U);
    EXPECT_EQ(pair_.server->read(buffer).status, net::IoStatus::Eof);
}

TEST_P(PollerContract, AReportedHangupLeavesWritable) {
    ASSERT_TRUE(
        poller_->add(pair_.server->handle(), kToken, net::Interest::HangupOnly | net::Interest::Writable));
    pair_.client->close();
    bool seen = false;
    for (int i = 0; i < 1000 && !seen; ++i) {
        for (const net::PollEvent& event : wait(kLong))
            seen = seen || event.hangup;
    }
    EXPECT_TRUE(seen);
    const auto events = wait(kLong);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(events[0].writable);
    EXPECT_FALSE(events[0].hangup);
}

TEST_P(PollerContract, RemovedIsSilentAndMayBeAddedElsewhere) {
    ASSERT_TRUE(poller_->add(pair_.server->handle(), kToken, net::Interest::Readable));
    say(*pair_.client);
    poller_->remove(pair_.server->handle());
    EXPECT_TRUE(wait(Duration::zero()).empty());
    const auto other = GetParam().make();
    ASSERT_TRUE(other->add(pair_.server->handle(), kToken, net::Interest::Readable));
    std::vector<net::PollEvent> events;
    const MonoTime now = GetParam().clock->mono();
    other->wait(now, now + kLong, events);
    EXPECT_EQ(events.size(), 1U);
    other->remove(pair_.server->handle());
}

TEST_P(PollerContract, WakeEndsTheNextWaitOnceAndIsNoEvent) {
    poller_->wake();
    poller_->wake();
    const MonoTime before = GetParam().clock->mono();
    EXPECT_TRUE(wait(kLong).empty());
    EXPECT_LT(GetParam().clock->mono() - before, kLong / 2);
    const MonoTime again = GetParam().clock->mono();
    EXPECT_TRUE(wait(std::chrono::milliseconds(2)).empty());
    EXPECT_GE(GetParam().clock->mono() - again, std::chrono::milliseconds(2)) << "the wake-up was used up";
}

}  // namespace latchkey::test
