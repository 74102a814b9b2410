// What all clients together can make the broker keep: sessions, bytes for the absent, retained messages. Each
// is refused with its code beyond its limit, and whoever has a place keeps it. On one shard and on several.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using mqtt::Reason;
using std::chrono::seconds;

class Quota : public testing::TestWithParam<std::uint32_t> {
  protected:
    WorldOptions options() const { return {.shards = GetParam()}; }
    static broker::Counters counters(World& world) {
        broker::Counters sum;
        for (const auto& shard : world.shards)
            sum += shard->counters();
        return sum;
    }
};

TEST_P(Quota, E31RetainedBeyondItsLimitIs0x97AndADeletionMakesRoom) {
    WorldOptions limited = options();
    limited.settings.quotas.retained_messages = 2;
    World world(limited);
    SimClient& client = world.online({.client_id = "c"});
    client.publish("r/1", "x", 1, true);
    client.publish("r/2", "x", 1, true);
    world.settle();
    const auto first = client.publish("r/3", "x", 1, true);
    const auto second = client.publish("r/3", "x", 2, true);
    const auto plain = client.publish("r/3", "x", 1, false);
    world.settle();
    EXPECT_NE(std::ranges::find(client.pubacks, std::pair(first, Reason::QuotaExceeded)),
              client.pubacks.end());
    EXPECT_NE(std::ranges::find(client.pubrecs, std::pair(second, Reason::QuotaExceeded)),
              client.pubrecs.end());
    EXPECT_TRUE(client.acked(plain));
    EXPECT_EQ(counters(world).publishes_over_quota, 2U);
    client.publish("r/1", "", 1, true);
    world.settle();
    const auto third = client.publish("r/3", "x", 1, true);
    world.settle();
    EXPECT_TRUE(client.acked(third));
    EXPECT_EQ(world.mesh->quotas().retained_messages(), 2U);
}

TEST_P(Quota, RetainedBytesAreCountedToo) {
    WorldOptions limited = options();
    limited.settings.quotas.retained_bytes = 10'000;
    World world(limited);
    SimClient& client = world.online({.client_id = "c"});
    client.publish("r/1", std::string(9'000, 'x'), 1, true);
    world.settle();
    const auto id = client.publish("r/2", std::string(9'000, 'x'), 1, true);
    world.settle();
    EXPECT_NE(std::ranges::find(client.pubacks, std::pair(id, Reason::QuotaExceeded)), client.pubacks.end());
}

TEST_P(Quota, Level311IsClosedWhenRetainedIsFull) {
    WorldOptions limited = options();
    limited.settings.quotas.retained_messages = 0;
    World world(limited);
    SimClient& client = world.online({.client_id = "c", .level = mqtt::Level::V311});
    client.publish("r/1", "x", 1, true);
    world.advance(seconds(3));
    EXPECT_TRUE(client.closed());
}

TEST_P(Quota, SessionsOfOnePrincipalAreLimitedAndAnotherGetsIn) {
    WorldOptions limited = options();
    limited.settings.quotas.sessions_per_principal = 3;
    World world(limited);
    world.realm->users["v"] = {};
    for (int i = 0; i < 3; ++i)
        world.online({.client_id = "c" + std::to_string(i), .expiry_s = 600});
    SimClient& fourth = world.client({.client_id = "c3"});
    world.settle();
    EXPECT_EQ(fourth.connack, Reason::QuotaExceeded);
    EXPECT_EQ(counters(world).logins_over_quota, 1U);
    world.online({.client_id = "c3", .user = "v"});
    // Who has a session comes back to it, or starts it anew.
    world.online({.client_id = "c0", .clean = false, .expiry_s = 600});
    world.online({.client_id = "c1", .expiry_s = 0});
    world.clients.back()->disconnect();
    world.settle();
    world.online({.client_id = "c4"});
}

TEST_P(Quota, TakeoversOfSessionsThatEndWithTheirConnectionAreCountedOnce) {
    WorldOptions limited = options();
    limited.settings.quotas.sessions = 2;
    World world(limited);
    world.realm->users["v"] = {};
    for (int i = 0; i < 5; ++i)
        world.online({.client_id = "a", .clean = false, .expiry_s = 0});
    world.online({.client_id = "b", .user = "v"});
    SimClient& third = world.client({.client_id = "c", .user = "v"});
    world.settle();
    EXPECT_EQ(third.connack, Reason::QuotaExceeded);
}

TEST_P(Quota, SessionsInTotalAreLimited) {
    WorldOptions limited = options();
    limited.settings.quotas.sessions = 2;
    World world(limited);
    world.realm->users["v"] = {};
    world.online({.client_id = "a"});
    world.online({.client_id = "b"});
    SimClient& third = world.client({.client_id = "c", .user = "v"});
    world.settle();
    EXPECT_EQ(third.connack, Reason::QuotaExceeded);
}

TEST_P(Quota, E31BytesForTheAbsentAreLimitedAndGivenBack) {
    WorldOptions limited = options();
    limited.settings.quotas.offline_bytes = 20'000;
    World world(limited);
    for (int i = 0; i < 5; ++i) {
        SimClient& away = world.online({.client_id = "away" + std::to_string(i), .expiry_s = 600});
        away.subscribe("q", 1);
        world.settle();
        away.cut();
    }
    world.settle();
    SimClient& sender = world.online({.client_id = "sender"});
    for (int i = 0; i < 10; ++i)
        sender.publish("q", std::string(1'000, 'x'), 1);
    world.settle();
    EXPECT_LE(world.mesh->quotas().offline_bytes(), 20'000U);
    EXPECT_GT(counters(world).deliveries_dropped, 25U);
    EXPECT_GT(world.mesh->quotas().offline_messages(), 5U);
    world.advance(seconds(700));
    EXPECT_EQ(world.mesh->quotas().offline_bytes(), 0U);
    EXPECT_EQ(world.mesh->quotas().offline_messages(), 0U);
}

TEST_P(Quota, WhatIsInFlightCountsForTheSession) {
    WorldOptions limited = options();
    limited.settings.max_queued_bytes = 10'000;
    World world(limited);
    SimClient& reader = world.online({.client_id = "reader"});
    reader.auto_ack = false;
    reader.subscribe("q", 1);
    SimClient& sender = world.online({.client_id = "sender"});
    for (int i = 0; i < 100; ++i) {
        sender.publish("q", std::string(1'000, 'x'), 1);
        world.settle();
    }
    EXPECT_LT(reader.received.size(), 10U);
    for (std::size_t i = 0; i < reader.received.size(); ++i)
        reader.ack(mqtt::PacketType::Puback, reader.received[i].packet_id);
    world.settle();
    EXPECT_EQ(world.session("reader")->waiting_bytes, 0U);
    const std::size_t before = reader.received.size();
    sender.publish("q", "again", 1);
    world.settle();
    EXPECT_EQ(reader.received.size(), before + 1);
}

TEST_P(Quota, E30IdentifiersOfOverlappingFiltersCountForTheSession) {
    WorldOptions limited = options();
    limited.settings.max_queued_bytes = 20'000;
    World world(limited);
    SimClient& reader = world.online({.client_id = "reader"});
    for (std::uint32_t i = 0; i < 200; ++i) {
        std::string filter = "a";
        for (std::uint32_t level = 0; level < 8; ++level)
            filter += (i >> level & 1) != 0 ? "/+" : "/b";
        reader.subscribe(filter, 0, 2, i + 1);
    }
    world.settle();
    reader.read_room = 0;
    reader.to_client().room = 0;
    SimClient& sender = world.online({.client_id = "sender"});
    for (int i = 0; i < 200; ++i)
        sender.publish("a/b/b/b/b/b/b/b/b", "x");
    world.settle();
    EXPECT_LT(world.session("reader")->waiting.size(), 25U);
    reader.to_client().room = 1 << 20;
    reader.read_room = ~std::size_t{0};
    world.settle();
    EXPECT_EQ(world.session("reader")->waiting_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Shards, Quota, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::sim
