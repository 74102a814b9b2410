// The one suspension mechanism (data-path 3): what stands still while a login or a lane is waited for, and
// what a peer that leaves meanwhile sets free.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t clients_of(World& world) {
    std::size_t count = 0;
    for (const auto& shard : world.shards)
        count += shard->client_count();
    return count;
}

std::uint64_t stale_answers(World& world) {
    std::uint64_t count = 0;
    for (const auto& shard : world.shards)
        count += shard->counters().stale_answers;
    return count;
}

/// A client whose login waits, with a PUBLISH already behind its CONNECT, and somebody who would hear it.
struct Pending {
    explicit Pending(std::uint64_t seed, ConnectSpec spec = {.client_id = "late"})
        : world({.shards = 2, .seed = seed}), watcher(world.online({.client_id = "w"})) {
        watcher.subscribe("#", 1);
        world.settle();
        world.realm->hold = true;
        late = &world.client(spec);
        late->publish("t", "one", 1);
        late->publish("t", "two", 1);
        world.settle();  // also says that a waiting login keeps no shard busy
        EXPECT_EQ(world.realm->held(), 1U);
    }
    World world;
    SimClient& watcher;
    SimClient* late = nullptr;
};

TEST(Suspension, WhatFollowsConnectWaitsForTheVerdict) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Pending pending(seed);
        EXPECT_TRUE(pending.watcher.received.empty());
        EXPECT_TRUE(pending.late->order.empty());
        // Not read ahead: what comes while the login is pending stays with the network.
        pending.late->raw(std::string(20'000, '\0'));
        pending.world.settle();
        EXPECT_GE(pending.late->to_broker().bytes.size(), 20'000U);
        pending.late->to_broker().bytes.clear();
        pending.world.realm->let_go();
        pending.world.settle();
        EXPECT_EQ(pending.watcher.payloads(), (Payloads{"one", "two"})) << seed;
        EXPECT_EQ(pending.late->order.front().substr(0, 7), "connack");
        EXPECT_EQ(pending.late->pubacks.size(), 2U);
    }
}

TEST(Suspension, AfterFinTheVerdictIsFinishedAndWhatCameBeforeIsProcessed) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Pending pending(seed, {.client_id = "late",
                               .expiry_s = 100,
                               .will = ConnectSpec::WillSpec{.topic = "will", .payload = "gone"}});
        pending.late->cut();
        pending.world.settle();
        EXPECT_EQ(clients_of(pending.world), 2U) << "a FIN does not end a login";
        pending.world.realm->let_go();
        pending.world.settle();
        EXPECT_EQ(pending.watcher.payloads(), (Payloads{"one", "two", "gone"})) << seed;
        EXPECT_EQ(clients_of(pending.world), 1U);
        EXPECT_NE(pending.world.session("late"), nullptr);
    }
}

TEST(Suspension, AfterFinARefusedLoginProcessesNothing) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Pending pending(seed, {.client_id = "late", .user = "nobody"});
        pending.late->cut();
        pending.world.settle();
        pending.world.realm->let_go();
        pending.world.settle();
        EXPECT_TRUE(pending.watcher.received.empty()) << seed;
        EXPECT_EQ(pending.late->connack, Reason::NotAuthorized);
        EXPECT_EQ(clients_of(pending.world), 1U);
    }
}

TEST(Suspension, ABrokenConnectionFreesItsLoginAndTheLateAnswerIsDropped) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Pending pending(seed);
        pending.late->to_broker().broken = true;
        pending.world.settle();
        EXPECT_EQ(clients_of(pending.world), 1U) << seed;
        // The slot is used again: the answer must not reach whoever has it now.
        SimClient& next = pending.world.client({.client_id = "next", .user = "nobody"});
        pending.world.settle();
        pending.world.realm->let_go();
        pending.world.settle();
        EXPECT_EQ(stale_answers(pending.world), 1U) << seed;
        EXPECT_FALSE(next.connack) << seed;
        EXPECT_EQ(pending.world.session("late"), nullptr);
        EXPECT_TRUE(pending.watcher.received.empty());
    }
}

TEST(Suspension, ALoginThatNeverEndsIsFailedAtItsDeadlineAndItsAnswerIsDropped) {
    Pending pending(3);
    pending.world.advance(milliseconds(19'900));
    EXPECT_FALSE(pending.late->connack);
    pending.world.advance(milliseconds(200));
    EXPECT_EQ(pending.late->connack, Reason::ServerUnavailable);
    pending.world.realm->let_go();
    pending.world.settle();
    EXPECT_EQ(stale_answers(pending.world), 1U);
    EXPECT_EQ(pending.world.session("late"), nullptr);
    EXPECT_TRUE(pending.watcher.received.empty());
}

TEST(Suspension, KeepAliveStandsStillWhileALoginIsPending) {
    World world({.shards = 2, .seed = 4});
    world.realm->hold = true;
    SimClient& late = world.client({.client_id = "late", .keep_alive_s = 4});
    world.settle();
    world.advance(seconds(15));
    world.realm->let_go();
    world.settle();
    ASSERT_EQ(late.connack, Reason::Success);
    world.advance(milliseconds(5'900));
    EXPECT_FALSE(late.disconnected);
    world.advance(milliseconds(200));
    EXPECT_EQ(late.disconnected, Reason::KeepAliveTimeout);
}

/// A publisher on shard 0 whose lane to the frozen shard 1 is full.
struct Stalled {
    explicit Stalled(std::uint64_t seed)
        : world({.shards = 2, .seed = seed, .publish = {.entries = 4}}),
          watcher(world.online({.client_id = world.name_on(1, "w")})),
          publisher(world.online({.client_id = world.name_on(0, "p"), .keep_alive_s = 4})) {
        watcher.subscribe("t", 1);
        world.settle();
        world.frozen[1] = true;
        for (int i = 0; i < 5; ++i)
            publisher.publish("t", std::to_string(i), 1);
        world.settle();
        EXPECT_EQ(publisher.pubacks.size(), 4U);
    }
    World world;
    SimClient& watcher;
    SimClient& publisher;
};

TEST(Suspension, KeepAliveStandsStillWhileALaneIsFull) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Stalled stalled(seed);
        stalled.world.advance(seconds(62));  // its timer looked last two seconds ago
        EXPECT_FALSE(stalled.publisher.disconnected) << seed;
        stalled.world.frozen[1] = false;
        stalled.world.settle();
        EXPECT_EQ(stalled.publisher.pubacks.size(), 5U);
        stalled.world.advance(milliseconds(5'900));
        EXPECT_FALSE(stalled.publisher.disconnected) << "silence is counted from the end of the suspension";
        stalled.world.advance(milliseconds(200));
        EXPECT_EQ(stalled.publisher.disconnected, Reason::KeepAliveTimeout);
    }
}

TEST(Suspension, NothingOvertakesTheMessageThatASuspendedConnectionWaitsFor) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Stalled stalled(seed);
        const auto next = stalled.publisher.publish("elsewhere", "x", 1);
        stalled.publisher.ping();
        stalled.publisher.subscribe("own", 0);
        stalled.world.settle();
        EXPECT_EQ(stalled.publisher.order.size(), 1U + 4U) << seed << ": " << stalled.publisher.order.back();
        stalled.world.frozen[1] = false;
        stalled.world.settle();
        const auto& order = stalled.publisher.order;
        ASSERT_EQ(order.size(), 1U + 4U + 4U);
        EXPECT_EQ(order[5].substr(0, 8), "PUBACK 5");
        EXPECT_EQ(stalled.publisher.pubacks.back().first, next);
        EXPECT_EQ(order[7], "pingresp");
        EXPECT_EQ(order[8].substr(0, 6), "suback");
    }
}

}  // namespace
}  // namespace latchkey::sim
