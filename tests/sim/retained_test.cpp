// Retained messages: numbers, owners, tombstones, pulls by credit. The rules of data-path 8.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;

TEST(SimRetained, TheOwnerHasTheMessageBeforeItsRouteIsWalked) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 3, .seed = seed, .publish = {.entries = 4}});
        SimClient& filler = world.online({.client_id = world.name_on(0, "f")});
        SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
        SimClient& subscriber = world.online({.client_id = world.name_on(2, "s")});
        const std::string topic = world.name_on(1, "topic");
        world.frozen[1] = true;
        for (int i = 0; i < 6; ++i)
            filler.publish(world.name_on(1, "filler"), std::to_string(i), 0, true);
        world.settle();
        publisher.publish(topic, "v", 1, true);  // waits for the owner's lane
        world.settle();
        subscriber.subscribe(topic, 1);
        world.settle();
        EXPECT_TRUE(publisher.pubacks.empty());
        world.frozen[1] = false;
        world.settle();
        ASSERT_FALSE(subscriber.received.empty()) << seed;
        EXPECT_EQ(subscriber.received.back().payload, "v");
        EXPECT_EQ(publisher.pubacks.size(), 1U);
    }
}

TEST(SimRetained, WhatWasAcknowledgedIsReadByWhoeverAsksNext) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        World world({.shards = 3, .seed = seed});
        SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
        SimClient& subscriber = world.online({.client_id = world.name_on(2, "s")});
        const std::string topic = world.name_on(static_cast<std::uint32_t>(seed % 3), "topic");
        publisher.publish(topic, "old", 1, true);
        world.settle();
        publisher.publish(topic, "new", 1, true);
        for (int i = 0; publisher.pubacks.size() < 2 && i < 10'000; ++i)
            world.step();
        subscriber.subscribe(topic, 1);
        world.settle();
        ASSERT_FALSE(subscriber.received.empty()) << seed;
        EXPECT_EQ(subscriber.received.back().payload, "new") << seed;
    }
}

/// Publishes in a known order from two shards whose lanes the owner (shard 1) drains the other way round.
struct Race {
    explicit Race(std::uint64_t seed) : world({.shards = 3, .seed = seed, .publish = {.entries = 4}}) {
        late = &world.online({.client_id = world.name_on(2, "late")});
        early = &world.online({.client_id = world.name_on(0, "early")});
        filler = &world.online({.client_id = world.name_on(2, "filler")});
        topic = world.name_on(1, "topic");
        world.frozen[1] = true;
    }
    std::vector<std::string> seen() {
        world.frozen[1] = false;
        world.settle();
        SimClient& reader = world.online({.client_id = "reader"});
        reader.subscribe(topic, 1);
        world.settle();
        return reader.payloads();
    }
    World world;
    SimClient* late = nullptr;
    SimClient* early = nullptr;
    SimClient* filler = nullptr;
    std::string topic;
};

TEST(SimRetained, OfConcurrentPublishersTheOwnerKeepsTheHighestNumber) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Race race(seed);
        race.late->publish(race.topic, "first", 0, true);
        race.world.settle();
        race.early->publish(race.topic, "second", 0, true);
        race.world.settle();
        EXPECT_EQ(race.seen(), Payloads{"second"}) << seed;
    }
}

TEST(SimRetained, WhatWasDeletedDoesNotRiseWhenAnOlderPublishComesLater) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Race race(seed);
        race.late->publish(race.topic, "first", 0, true);
        race.world.settle();
        race.early->publish(race.topic, "", 0, true);
        race.world.settle();
        EXPECT_EQ(race.seen(), Payloads{}) << seed;
    }
}

TEST(SimRetained, ATombstoneOutlivesAPublishThatWaitsBeforeAFullLane) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Race race(seed);
        for (int i = 0; i < 5; ++i)
            race.filler->publish(race.world.name_on(1, "other"), std::to_string(i), 0, true);
        race.world.settle();
        race.late->publish(race.topic, "first", 0, true);  // numbered, but not in the lane yet
        race.world.settle();
        race.early->publish(race.topic, "", 0, true);
        race.world.settle();
        EXPECT_EQ(race.seen(), Payloads{}) << seed;
        EXPECT_EQ(race.world.shards[1]->retained().tombstones(), 0U) << "forgotten after the round";
    }
}

TEST(SimRetained, TombstonesAreForgottenHoweverOftenATopicIsDeleted) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        World world({.shards = 3, .seed = seed});
        SeededRandom dice(seed);
        SimClient& one = world.online({.client_id = world.name_on(0, "one")});
        SimClient& two = world.online({.client_id = world.name_on(1, "two")});
        for (int i = 0; i < 60; ++i) {
            SimClient& who = dice.below(2) == 0 ? one : two;
            const std::string topic = "t/" + std::to_string(dice.below(4));
            who.publish(topic, dice.below(2) == 0 ? "" : "x", 0, true);
            for (std::uint64_t steps = dice.below(6); steps > 0; --steps)
                world.step();
        }
        world.settle();
        for (int i = 0; i < 4; ++i)
            one.publish("t/" + std::to_string(i), "", 1, true);
        world.settle();
        for (const auto& shard : world.shards) {
            EXPECT_EQ(shard->retained().tombstones(), 0U) << seed;
            EXPECT_EQ(shard->retained().size(), 0U) << seed;
        }
    }
}

TEST(SimRetained, APullThatMeetsLivePublishesNeverEndsWithAnOlderValue) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        World world({.shards = 3, .seed = seed});
        SeededRandom dice(seed * 13);
        SimClient& subscriber = world.online({.client_id = world.name_on(0, "s")});
        std::vector<SimClient*> publishers;
        for (std::uint32_t i = 0; i < 3; ++i)
            publishers.push_back(&world.online({.client_id = world.name_on(i, "p")}));
        std::array<int, 3> next{};
        bool asked = false;
        for (int i = 0; i < 120; ++i) {
            const auto who = static_cast<std::size_t>(dice.below(3));
            if (dice.below(2) == 0 && next[who] < 20) {
                publishers[who]->publish("t/" + std::to_string(who), std::to_string(next[who]++), 1, true);
            }
            if (dice.below(asked ? 15 : 5) == 0) {
                subscriber.subscribe("t/#", 1);
                asked = true;
            }
            for (std::uint64_t steps = dice.below(5); steps > 0; --steps)
                world.step();
        }
        world.settle();
        std::map<std::string, int> last;
        for (const Received& one : subscriber.received) {
            const int value = std::stoi(one.payload);
            const auto [at, fresh] = last.emplace(one.topic, value);
            ASSERT_GE(value, at->second) << "seed " << seed << ", topic " << one.topic;
            at->second = value;
        }
        for (std::size_t who = 0; who < 3; ++who) {
            if (next[who] == 0) continue;
            ASSERT_EQ(last["t/" + std::to_string(who)], next[who] - 1) << seed;
        }
    }
}

TEST(SimRetained, LiveMessagesAreDrainedBeforeAPageThatMayHoldNewerOnes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 3, .seed = seed});
        SimClient& subscriber = world.online({.client_id = world.name_on(0, "s")});
        SimClient& publisher = world.online({.client_id = world.name_on(2, "p")});
        const std::string topic = world.name_on(1, "topic");
        world.frozen[1] = true;
        subscriber.subscribe(topic, 0);
        world.settle();  // the owner has been asked
        world.frozen[0] = true;
        publisher.publish(topic, "1", 0, true);
        publisher.publish(topic, "2", 0, true);
        world.settle();
        world.frozen[1] = false;
        world.settle();  // its page holds the second
        world.frozen[0] = false;
        world.settle();
        EXPECT_EQ(subscriber.payloads(), (Payloads{"1", "2"})) << seed;
    }
}

TEST(SimRetained, ASlowSubscriberPullsAThousandTopicsByCredit) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        World world({.shards = 3, .seed = seed});
        SimClient& publisher = world.online({.client_id = "p"});
        for (int i = 0; i < 1000; ++i)
            publisher.publish("t/" + std::to_string(i), "retained value", 0, true);
        world.settle();
        SimClient& slow = world.online({.client_id = "slow"});
        slow.to_client().room = 2000;
        slow.read_room = 300;
        slow.subscribe("t/+", 0);
        const broker::Session* session = world.session("slow");
        std::uint32_t most = 0;
        for (int i = 0; slow.received.size() < 1000 && i < 200'000; ++i) {
            world.step();
            most = std::max(most, session->waiting.size());
        }
        world.settle();
        std::set<std::string> topics;
        for (const Received& one : slow.received) {
            EXPECT_TRUE(one.retain);
            topics.insert(one.topic);
        }
        EXPECT_EQ(topics.size(), 1000U);
        EXPECT_EQ(slow.received.size(), 1000U) << "each once";
        // One page of each owner may be under way when the credit is used up.
        EXPECT_LE(most, 256U + 3 * 64U);
        EXPECT_TRUE(session->pulls.empty());
        EXPECT_TRUE(session->live_numbers.empty());
    }
}

TEST(SimRetained, RetainHandlingSaysWhenTheyAreSent) {
    struct Row {
        std::uint8_t handling;
        std::size_t at_first;
        std::size_t at_second;
        std::string_view why;
    };
    for (const Row& row :
         {Row{0, 1, 2, "always"}, Row{1, 1, 1, "only for a new filter"}, Row{2, 0, 0, "never"}}) {
        World world({.shards = 2, .seed = 9});
        world.online({.client_id = "p"}).publish("t", "v", 1, true);
        SimClient& subscriber = world.online({.client_id = "s"});
        subscriber.subscribe("t", 1, row.handling);
        world.settle();
        EXPECT_EQ(subscriber.received.size(), row.at_first) << row.why;
        subscriber.subscribe("t", 1, row.handling);
        world.settle();
        EXPECT_EQ(subscriber.received.size(), row.at_second) << row.why;
    }
}

TEST(SimRetained, TheRetainFlagOfALiveMessageIsKeptOnlyForThoseWhoAskForIt) {
    World world({.shards = 2, .seed = 10});
    SimClient& plain = world.online({.client_id = "plain"});
    SimClient& as_published = world.online({.client_id = "asp"});
    plain.subscribe("t", 1);
    as_published.subscribe({.filter = "t", .qos = 1, .retain_as_published = true});
    world.settle();
    world.online({.client_id = "p"}).publish("t", "v", 1, true);
    world.settle();
    ASSERT_EQ(plain.received.size(), 1U);
    ASSERT_EQ(as_published.received.size(), 1U);
    EXPECT_FALSE(plain.received[0].retain);
    EXPECT_TRUE(as_published.received[0].retain);
}

TEST(SimRetained, AnExpiredOneIsNotSentAndALivingOneSaysWhatIsLeft) {
    World world({.shards = 2, .seed = 11});
    SimClient& publisher = world.online({.client_id = "p"});
    publisher.publish({.topic = "t", .payload = "v", .qos = 1, .retain = true, .expiry_s = 30});
    world.settle();
    world.advance(std::chrono::seconds(10));
    SimClient& early = world.online({.client_id = "early"});
    early.subscribe("t", 1);
    world.settle();
    ASSERT_EQ(early.received.size(), 1U);
    EXPECT_EQ(early.received[0].expiry_s, 20U);
    world.advance(std::chrono::seconds(21));
    SimClient& late = world.online({.client_id = "late"});
    late.subscribe("t", 1);
    world.settle();
    EXPECT_TRUE(late.received.empty());
}

}  // namespace
}  // namespace latchkey::sim
