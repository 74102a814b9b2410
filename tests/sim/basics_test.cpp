// The simulator's first questions: does a broker of several shards work at all, in any order of turns?
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;

TEST(SimBasics, AMessageCrossesShardsAtEveryQos) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 3, .seed = seed});
        SimClient& subscriber = world.online({.client_id = world.name_on(0, "s")});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        subscriber.subscribe("t/+", 2);
        world.settle();
        publisher.publish("t/0", "zero", 0);
        const auto one = publisher.publish("t/1", "one", 1);
        const auto two = publisher.publish("t/2", "two", 2);
        world.settle();
        EXPECT_EQ(subscriber.payloads(), (Payloads{"zero", "one", "two"})) << seed;
        EXPECT_EQ(subscriber.received[1].qos, 1);
        EXPECT_EQ(subscriber.received[2].qos, 2);
        EXPECT_TRUE(publisher.acked(one));
        EXPECT_TRUE(publisher.acked(two));
    }
}

TEST(SimBasics, RetainedComesAtSubscribeAndADeletionIsForgotten) {
    World world({.shards = 2, .seed = 3});
    SimClient& publisher = world.online({.client_id = "p"});
    publisher.publish("a/b", "kept", 1, true);
    publisher.publish("a", "top", 1, true);
    world.settle();
    SimClient& subscriber = world.online({.client_id = "s"});
    subscriber.subscribe("a/#", 1);
    world.settle();
    ASSERT_EQ(subscriber.received.size(), 2U);
    EXPECT_TRUE(subscriber.received[0].retain);
    publisher.publish("a/b", "", 1, true);
    world.settle();
    SimClient& late = world.online({.client_id = "late"});
    late.subscribe("a/b", 1);
    world.settle();
    EXPECT_TRUE(late.received.empty());
    std::size_t kept = 0;
    for (const auto& shard : world.shards)
        kept += shard->retained().size();
    EXPECT_EQ(kept, 1U);
}

TEST(SimBasics, APersistentSessionKeepsWhatItMissed) {
    World world({.shards = 2, .seed = 4});
    SimClient& first = world.online({.client_id = "dev", .expiry_s = 100});
    first.subscribe("t", 1);
    world.settle();
    first.cut();
    world.settle();
    SimClient& publisher = world.online({.client_id = "p"});
    publisher.publish("t", "missed", 1);
    publisher.publish("t", "not kept", 0);
    world.settle();
    SimClient& second = world.online({.client_id = "dev", .clean = false, .expiry_s = 100});
    world.settle();
    EXPECT_TRUE(second.session_present);
    EXPECT_EQ(second.payloads(), (Payloads{"missed"}));
    second.cut();
    world.advance(std::chrono::seconds(101));
    SimClient& third = world.online({.client_id = "dev", .clean = false, .expiry_s = 100});
    EXPECT_FALSE(third.session_present);
}

TEST(SimBasics, TheWillFiresWhenTheNetworkFailsAndNotAfterAGoodbye) {
    World world({.shards = 2, .seed = 5});
    SimClient& watcher = world.online({.client_id = "w"});
    watcher.subscribe("will/#", 1);
    world.settle();
    SimClient& cut =
        world.online({.client_id = "a", .will = ConnectSpec::WillSpec{.topic = "will/a", .payload = "gone"}});
    SimClient& polite =
        world.online({.client_id = "b", .will = ConnectSpec::WillSpec{.topic = "will/b", .payload = "gone"}});
    cut.cut();
    polite.disconnect();
    world.settle();
    ASSERT_EQ(watcher.received.size(), 1U);
    EXPECT_EQ(watcher.received[0].topic, "will/a");
}

TEST(SimBasics, RefusedAndFailedLoginsTouchNothing) {
    World world({.shards = 2, .seed = 6});
    world.realm->users["down"].verdict = auth::VerdictKind::Failed;
    SimClient& stranger = world.client({.client_id = "x", .user = "nobody"});
    SimClient& unlucky = world.client({.client_id = "y", .user = "down"});
    world.settle();
    EXPECT_EQ(stranger.connack, mqtt::Reason::NotAuthorized);
    EXPECT_EQ(unlucky.connack, mqtt::Reason::ServerUnavailable);
    EXPECT_TRUE(stranger.closed());
    EXPECT_EQ(world.shards[0]->sessions().size() + world.shards[1]->sessions().size(), 0U);
}

TEST(SimBasics, KeepAliveEndsASilentClientAtOneAndAHalfTimes) {
    World world({.shards = 1, .seed = 7});
    SimClient& silent = world.online({.client_id = "s", .keep_alive_s = 10});
    world.advance(std::chrono::milliseconds(14'900));
    EXPECT_FALSE(silent.disconnected);
    world.advance(std::chrono::milliseconds(200));
    EXPECT_EQ(silent.disconnected, mqtt::Reason::KeepAliveTimeout);
}

TEST(SimBasics, ACredentialsEndDisconnectsAtTheSecond) {
    World world({.shards = 2, .seed = 8});
    world.realm->users["u"].expires_at = world.clock.wall() + std::chrono::seconds(30);
    SimClient& client = world.online({.client_id = "s"});
    world.advance(std::chrono::milliseconds(29'900));
    EXPECT_FALSE(client.disconnected);
    world.advance(std::chrono::milliseconds(200));
    EXPECT_EQ(client.disconnected, mqtt::Reason::MaximumConnectTime);
}

TEST(SimBasics, OverlappingFiltersGiveOneCopyWithAllIdentifiersAtTheHighestQos) {
    World world({.shards = 2, .seed = 9});
    SimClient& subscriber = world.online({.client_id = "s"});
    subscriber.subscribe("a/#", 0, 0, 7);
    subscriber.subscribe("a/b", 1, 0, 8);
    world.settle();
    world.online({.client_id = "p"}).publish("a/b", "x", 1);
    world.settle();
    ASSERT_EQ(subscriber.received.size(), 1U);
    EXPECT_EQ(subscriber.received[0].qos, 1);
    std::vector<std::uint32_t> ids = subscriber.received[0].ids;
    std::ranges::sort(ids);
    EXPECT_EQ(ids, (std::vector<std::uint32_t>{7, 8}));
}

}  // namespace
}  // namespace latchkey::sim
