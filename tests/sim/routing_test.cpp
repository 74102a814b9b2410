// Routing: what is published after a SUBACK arrives, whatever the caches held; bits rise and fall with the
// filters. The rules of data-path 6, in every order of turns that the seeds draw.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

std::size_t count(const SimClient& client, std::string_view payload) {
    const auto all = client.payloads();
    return static_cast<std::size_t>(std::ranges::count(all, payload));
}

std::size_t records(const World& world, store::RecordKind kind) {
    std::size_t found = 0;
    for (const auto& one : world.stores)
        found += static_cast<std::size_t>(std::ranges::count(one->kinds, kind));
    return found;
}

constexpr std::array<std::string_view, 6> kFilters{"a/b/c", "a/+/c", "+/b/#", "#", "a/b/#", "a/b/+"};

TEST(SimRouting, WhatIsPublishedAfterSubackArrives) {
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        World world({.shards = 3, .seed = seed});
        SeededRandom dice(seed * 31);
        SimClient& subscriber = world.online({.client_id = world.name_on(0, "s")});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        publisher.publish("a/b/c", "warm", 0);
        publisher.publish("a/b/c", "warm", 1);
        world.settle();
        subscriber.subscribe(kFilters[seed % kFilters.size()], static_cast<std::uint8_t>(dice.below(3)));
        std::vector<std::string> owed;
        for (int i = 0; owed.size() < 4 && i < 10'000; ++i) {
            const bool after = !subscriber.subacks.empty();
            if (after || dice.below(4) == 0) {
                const std::string payload = std::to_string(i);
                publisher.publish("a/b/c", payload, static_cast<std::uint8_t>(dice.below(3)));
                if (after) owed.push_back(payload);
            }
            world.step();
        }
        world.settle();
        ASSERT_EQ(owed.size(), 4U) << seed;
        for (const std::string& payload : owed)
            ASSERT_EQ(count(subscriber, payload), 1U) << "seed " << seed << ", message " << payload;
    }
}

TEST(SimRouting, ASecondSubscriberOfAFilterWhoseBitsStandMissesNothingAfterItsSuback) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        World world({.shards = 2, .seed = seed});
        const std::string filter(kFilters[seed % kFilters.size()]);
        SimClient& first = world.online({.client_id = world.name_on(0, "first")});
        SimClient& second = world.online({.client_id = world.name_on(0, "second")});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        first.subscribe(filter, 1);
        world.settle();
        publisher.publish("a/b/c", "warm", 1);
        world.settle();
        second.subscribe(filter, 1);
        for (int i = 0; second.subacks.empty() && i < 10'000; ++i)
            world.step();
        publisher.publish("a/b/c", "after", 1);
        world.settle();
        ASSERT_EQ(count(first, "after"), 1U) << seed;
        ASSERT_EQ(count(second, "after"), 1U) << seed;
    }
}

TEST(SimRouting, TheFirstDurableFilterMakesTheNextPublishARecord) {
    for (const std::string_view filter : kFilters) {
        World world({.shards = 2, .seed = 5});
        SimClient& fleeting = world.online({.client_id = world.name_on(0, "fleeting")});
        SimClient& durable = world.online({.client_id = world.name_on(0, "durable"), .expiry_s = 60});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        fleeting.subscribe(filter, 1);
        world.settle();
        publisher.publish("a/b/c", "warm", 1);
        world.settle();
        EXPECT_EQ(records(world, store::RecordKind::Publish), 0U) << filter;
        durable.subscribe(filter, 0);
        world.settle();
        publisher.publish("a/b/c", "still nothing to keep", 1);
        world.settle();
        EXPECT_EQ(records(world, store::RecordKind::Publish), 0U) << filter;
        durable.subscribe(filter, 1);
        world.settle();
        publisher.publish("a/b/c", "kept", 1);
        world.settle();
        EXPECT_EQ(records(world, store::RecordKind::Publish), 1U) << filter;
        durable.unsubscribe(filter);
        world.settle();
        EXPECT_EQ(world.mesh->interest().walk("a/b/c").durable, 0U) << filter;
    }
}

TEST(SimRouting, AnEndedSessionsFiltersLeaveInSlicesAndHoldNothingMeanwhile) {
    World world({.shards = 2, .seed = 4});
    world.realm->allow_shared("all", "f/#");
    ASSERT_TRUE(world.adopt());
    SimClient& many = world.online({.client_id = world.name_on(1, "many")});
    SimClient& other = world.online({.client_id = world.name_on(1, "other")});
    SimClient& writer = world.online({.client_id = world.name_on(0, "writer")});
    for (int i = 0; i < 3000; ++i)
        many.subscribe("f/" + std::to_string(i) + "/+", 1);
    many.subscribe("$share/g/f/#", 1);
    other.subscribe("f/7/+", 1);
    world.settle();
    broker::Shard& home = *world.shards[1];
    ASSERT_EQ(home.totals().subscriptions, 3002U);
    ASSERT_EQ(home.totals().shared_subscriptions, 1U);
    many.disconnect();
    while (world.session(many.name))
        world.step(1);
    EXPECT_GT(home.totals().subscriptions, 1000U) << "not all within one turn";
    SimClient& again = world.online({.client_id = many.name});
    again.subscribe("f/8/+", 1);
    world.settle();
    writer.publish("f/7/x", "seven", 1);
    writer.publish("f/8/x", "eight", 1);
    writer.publish("f/9/x", "nine", 1);
    world.settle();
    EXPECT_EQ(home.totals().subscriptions, 2U);
    EXPECT_EQ(home.totals().shared_subscriptions, 0U);
    EXPECT_EQ(many.received.size(), 0U);
    EXPECT_EQ(other.payloads(), (std::vector<std::string>{"seven"}));
    EXPECT_EQ(again.payloads(), (std::vector<std::string>{"eight"}));
    EXPECT_EQ(world.mesh->interest().walk("f/9/x").any, 0U);
}

TEST(SimRouting, ABitFallsOnlyWhenItsShardCountsNoSuchFilter) {
    World world({.shards = 3, .seed = 6});
    SimClient& one = world.online({.client_id = world.name_on(2, "one")});
    SimClient& two = world.online({.client_id = world.name_on(2, "two")});
    SimClient& other = world.online({.client_id = world.name_on(1, "other")});
    for (SimClient* client : {&one, &two, &other})
        client->subscribe("a/+/c", 1);
    world.settle();
    const auto bits = [&] { return world.mesh->interest().walk("a/b/c").any; };
    EXPECT_EQ(bits(), 0b110U);
    one.unsubscribe("a/+/c");
    world.settle();
    EXPECT_EQ(bits(), 0b110U);
    world.online({.client_id = world.name_on(0, "p")}).publish("a/b/c", "x", 1);
    world.settle();
    EXPECT_EQ(one.received.size(), 0U);
    EXPECT_EQ(two.received.size(), 1U);
    two.disconnect();  // expiry 0: the session ends, and its filters with it
    world.settle();
    EXPECT_EQ(bits(), 0b010U);
    other.unsubscribe("a/+/c");
    world.settle();
    EXPECT_EQ(bits(), 0U);
}

TEST(SimRouting, ChurnOfSubscriptionsUnderTrafficLosesNothingThatWasAcknowledgedInBetween) {
    for (std::uint64_t seed = 1; seed <= 80; ++seed) {
        World world({.shards = 3, .seed = seed});
        SeededRandom dice(seed * 17);
        SimClient& subscriber = world.online({.client_id = world.name_on(0, "s")});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        const std::string filter(kFilters[seed % kFilters.size()]);
        std::vector<std::string> owed;
        std::uint16_t waiting = 0;
        std::string payload;
        bool wanted = false;
        bool asked = false;
        bool covered = false;
        for (int i = 0; i < 600; ++i) {
            world.step();
            const bool answered = asked && !subscriber.subacks.empty() &&
                                  subscriber.subacks.back().first == subscriber.last_id();
            const bool open = wanted && answered;
            if (waiting != 0 && publisher.acked(waiting)) {
                if (covered && open) owed.push_back(payload);
                waiting = 0;
            }
            if (waiting == 0 && dice.below(3) == 0) {
                payload = std::to_string(i);
                covered = open;
                waiting = publisher.publish("a/b/c", payload, 1);
            }
            if (dice.below(12) != 0) continue;
            if (asked && !answered) continue;
            wanted = !wanted;
            asked = true;
            covered = false;
            wanted ? subscriber.subscribe(filter, 1) : subscriber.unsubscribe(filter);
        }
        world.settle();
        EXPECT_FALSE(owed.empty()) << seed;
        for (const std::string& one : owed)
            ASSERT_EQ(count(subscriber, one), 1U) << "seed " << seed << ", message " << one;
    }
}

}  // namespace
}  // namespace latchkey::sim
