// $SYS over a whole broker: who may read it, what a new reader gets at once, what is sent again, and that
// nobody else writes there. On one shard and on several.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using mqtt::Reason;
using std::chrono::seconds;

class Sys : public testing::TestWithParam<std::uint32_t> {
  protected:
    WorldOptions options() const {
        WorldOptions options{.shards = GetParam()};
        options.settings.sys_interval = seconds(10);
        return options;
    }
    static void allow_reading(World& world) {
        world.realm->allow("all", "$SYS/#");
        EXPECT_TRUE(world.adopt());
    }
    /// The last value that came for a topic, with how often any came.
    static std::pair<std::string, int> value(const SimClient& client, std::string_view topic) {
        std::pair<std::string, int> found;
        for (const Received& one : client.received) {
            if (one.topic == topic) found = {one.payload, found.second + 1};
        }
        return found;
    }
};

TEST_P(Sys, ReaderGetsThePresentValuesAtOnce) {
    World world(options());
    allow_reading(world);
    world.advance(seconds(11));
    SimClient& reader = world.online({.client_id = "reader"});
    reader.subscribe("$SYS/#");
    world.settle();
    EXPECT_TRUE(value(reader, "$SYS/broker/version").first.starts_with("latchkey version "));
    EXPECT_EQ(value(reader, "$SYS/broker/clients/connected").first, "0");
    EXPECT_TRUE(value(reader, "$SYS/broker/uptime").first.ends_with(" seconds"));
    for (const char* topic : {"clients/total",
                              "clients/disconnected",
                              "clients/maximum",
                              "clients/expired",
                              "messages/received",
                              "messages/sent",
                              "messages/stored",
                              "publish/messages/received",
                              "publish/messages/sent",
                              "publish/messages/dropped",
                              "publish/bytes/received",
                              "publish/bytes/sent",
                              "bytes/received",
                              "bytes/sent",
                              "subscriptions/count",
                              "shared_subscriptions/count",
                              "retained messages/count",
                              "store/messages/count",
                              "store/messages/bytes",
                              "heap/current",
                              "heap/maximum",
                              "load/messages/received/1min",
                              "load/publish/sent/5min",
                              "load/connections/15min",
                              "load/sockets/1min"}) {
        EXPECT_EQ(value(reader, std::string("$SYS/broker/") + topic).second, 1) << topic;
    }
    EXPECT_TRUE(std::ranges::all_of(reader.received, [](const Received& one) { return one.retain; }));
}

TEST_P(Sys, ValuesFollowAndWhatDidNotChangeIsNotSentAgain) {
    World world(options());
    allow_reading(world);
    SimClient& reader = world.online({.client_id = "reader"});
    reader.subscribe("$SYS/#");
    world.advance(seconds(11));
    world.online({.client_id = "other"}).publish("a/b", "12345");
    world.advance(seconds(30));
    EXPECT_EQ(value(reader, "$SYS/broker/clients/connected").first, "2");
    EXPECT_EQ(value(reader, "$SYS/broker/publish/bytes/received").first, "5");
    EXPECT_EQ(value(reader, "$SYS/broker/version").second, 1);
    EXPECT_GE(value(reader, "$SYS/broker/uptime").second, 4);
}

TEST_P(Sys, AllowHashGrantsNothingBelowSys) {
    World world(options());  // the role "all" allows #
    world.advance(seconds(11));
    SimClient& reader = world.online({.client_id = "reader"});
    const auto id = reader.subscribe("$SYS/#");
    reader.subscribe("#");
    world.advance(seconds(30));
    ASSERT_FALSE(reader.subacks.empty());
    EXPECT_EQ(reader.subacks[0].first, id);
    EXPECT_EQ(reader.subacks[0].second[0], Reason::NotAuthorized);
    EXPECT_TRUE(reader.received.empty());
}

TEST_P(Sys, NobodyPublishesThereWhateverAPolicyAllows) {
    World world(options());
    allow_reading(world);
    SimClient& liar = world.online({.client_id = "liar"});
    const auto id = liar.publish("$SYS/broker/version", "mine", 1, true);
    world.settle();
    ASSERT_EQ(liar.pubacks.size(), 1U);
    EXPECT_EQ(liar.pubacks[0], std::pair(id, Reason::NotAuthorized));
    liar.subscribe("$SYS/broker/version");
    world.advance(seconds(11));
    EXPECT_NE(value(liar, "$SYS/broker/version").first, "mine");
}

TEST_P(Sys, FullLaneDropsValuesInsteadOfWaiting) {
    WorldOptions narrow = options();
    narrow.publish.entries = 2;
    World world(narrow);
    allow_reading(world);
    SimClient& reader = world.online({.client_id = world.name_on(GetParam() - 1, "reader")});
    reader.subscribe("$SYS/#");
    world.advance(seconds(300));
    for (const auto& shard : world.shards)
        EXPECT_TRUE(shard->ingress().idle()) << "nothing was stashed";
    EXPECT_EQ(value(reader, "$SYS/broker/version").second, 1) << "what was dropped is offered again";
}

TEST_P(Sys, IntervalZeroPublishesNothing) {
    World world({.shards = GetParam()});
    allow_reading(world);
    SimClient& reader = world.online({.client_id = "reader"});
    reader.subscribe("$SYS/#");
    world.advance(seconds(60));
    EXPECT_TRUE(reader.received.empty());
}

INSTANTIATE_TEST_SUITE_P(Shards, Sys, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::sim
