// Lanes (data-path 5): full rings, those who wait for them, the stash, the bounds, and wake-ups that must not
// be lost. A frozen shard is one that takes its time.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;

Payloads numbered(int from, int to) {
    Payloads out;
    for (int i = from; i < to; ++i)
        out.push_back(std::to_string(i));
    return out;
}

/// Three shards, lanes of four entries, a subscriber to `slow` on shard 1 which is then frozen, and two
/// publishers on shard 0.
struct Full {
    explicit Full(std::uint64_t seed, broker::LaneBounds lanes = {.entries = 4})
        : world({.shards = 3, .seed = seed, .publish = lanes}),
          slow(world.online({.client_id = world.name_on(1, "slow")})),
          quick(world.online({.client_id = world.name_on(2, "quick")})),
          one(world.online({.client_id = world.name_on(0, "one")})),
          two(world.online({.client_id = world.name_on(0, "two")})) {
        slow.subscribe("slow", 1);
        slow.subscribe("both", 1);
        quick.subscribe("quick", 1);
        quick.subscribe("both", 1);
        world.settle();
        world.frozen[1] = true;
    }
    void thaw() {
        world.frozen[1] = false;
        world.settle();
    }
    World world;
    SimClient& slow;
    SimClient& quick;
    SimClient& one;
    SimClient& two;
};

TEST(Lanes, AFullLaneLosesNothingAndHoldsUpNobodyElse) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Full full(seed);
        for (int i = 0; i < 40; ++i) {
            full.one.publish("slow", std::to_string(i), 1);
            full.two.publish("quick", std::to_string(i), 1);
        }
        full.world.settle();
        EXPECT_EQ(full.quick.payloads(), numbered(0, 40)) << seed;
        EXPECT_EQ(full.two.pubacks.size(), 40U);
        // Four are in the ring; the fifth is the stash, and its acknowledgement waits with it.
        EXPECT_EQ(full.one.pubacks.size(), 4U) << seed;
        full.thaw();
        EXPECT_EQ(full.slow.payloads(), numbered(0, 40)) << seed;
        EXPECT_EQ(full.one.pubacks.size(), 40U);
    }
}

TEST(Lanes, TheAcknowledgementWaitsUntilTheLastRingHasTakenTheMessage) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Full full(seed);
        for (int i = 0; i < 4; ++i)
            full.one.publish("slow", "fills", 0);
        full.world.settle();
        const auto id = full.one.publish("both", "x", 1);
        full.world.settle();
        EXPECT_EQ(full.quick.payloads(), (Payloads{"x"})) << "the ring with room has it";
        EXPECT_FALSE(full.one.acked(id)) << seed;
        full.thaw();
        EXPECT_TRUE(full.one.acked(id));
        EXPECT_EQ(full.slow.payloads().back(), "x");
        EXPECT_EQ(full.quick.received.size(), 1U) << "a push that was done is not done again";
    }
}

TEST(Lanes, ARefusedPublishIsAnsweredBehindTheOneBeforeItThatWaits) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Full full(seed);
        full.world.realm->users["narrow"] = {.roles = {"narrow"}};
        full.world.realm->allow("narrow", "slow");
        full.thaw();
        ASSERT_TRUE(full.world.adopt());
        SimClient& narrow =
            full.world.online({.client_id = full.world.name_on(0, "narrow"), .user = "narrow"});
        full.world.frozen[1] = true;
        for (int i = 0; i < 4; ++i)
            full.one.publish("slow", "fills", 0);
        full.world.settle();
        const auto waits = narrow.publish("slow", "x", 1);
        const auto refused = narrow.publish("forbidden", "x", 1);
        full.world.settle();
        EXPECT_TRUE(narrow.pubacks.empty()) << seed;
        full.thaw();
        ASSERT_EQ(narrow.pubacks.size(), 2U) << seed;
        EXPECT_EQ(narrow.pubacks[0], (std::pair{waits, Reason::Success}));
        EXPECT_EQ(narrow.pubacks[1], (std::pair{refused, Reason::NotAuthorized}));
    }
}

TEST(Lanes, WhoWaitsIsNotOvertakenEvenWhenTheRingHasRoom) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        // Room for bytes, not for this one: a large message waits while small ones would still fit.
        Full full(seed, {.entries = 64, .bytes = 4000});
        full.one.publish("slow", std::string(2000, 'a'), 1);
        full.world.settle();
        const auto large = full.two.publish("slow", std::string(3000, 'b'), 1);
        full.world.settle();
        EXPECT_FALSE(full.two.acked(large));
        for (int i = 0; i < 20; ++i)
            full.one.publish("slow", std::to_string(i), 1);
        full.world.settle();
        full.thaw();
        Payloads expected{std::string(2000, 'a'), std::string(3000, 'b')};
        for (const std::string& small : numbered(0, 20))
            expected.push_back(small);
        EXPECT_EQ(full.slow.payloads(), expected) << seed << ": a busy publisher starved a waiting one";
        EXPECT_TRUE(full.two.acked(large));
    }
}

TEST(Lanes, AWillDoesNotOvertakeTheMessageBeforeIt) {
    for (const bool broken : {true, false}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            Full full(seed, {.entries = 64, .bytes = 4000});
            SimClient& willed =
                full.world.online({.client_id = full.world.name_on(0, "willed"),
                                   .will = ConnectSpec::WillSpec{.topic = "slow", .payload = "will"}});
            willed.publish("slow", std::string(2000, 'a'), 0);
            willed.publish("slow", std::string(3000, 'b'), 0);
            full.world.settle();
            if (broken) {
                willed.to_broker().broken = true;
            } else {
                willed.cut();
            }
            full.world.settle();
            full.thaw();
            EXPECT_EQ(full.slow.payloads(),
                      (Payloads{std::string(2000, 'a'), std::string(3000, 'b'), "will"}))
                << seed;
        }
    }
}

TEST(Lanes, TheStashOutlivesItsConnection) {
    for (const bool broken : {true, false}) {
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            Full full(seed);
            for (int i = 0; i < 5; ++i)
                full.one.publish("slow", std::to_string(i), 1);
            full.world.settle();
            if (broken) {
                full.one.to_broker().broken = true;
            } else {
                full.one.cut();
            }
            full.world.settle();
            full.thaw();
            EXPECT_EQ(full.slow.payloads(), numbered(0, 5)) << seed;
        }
    }
}

TEST(Lanes, ARetainedMessageThatWaitsForItsOwnerIsNotOvertakenByTheNextOne) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Full full(seed);
        // Owned by the frozen shard, subscribed on the quick one: only the way to the owner is blocked.
        const std::string topic = full.world.name_on(1, "topic");
        full.quick.subscribe(topic, 1);
        full.world.settle();
        for (int i = 0; i < 4; ++i)
            full.two.publish("slow", "fills", 0);
        full.world.settle();
        full.one.publish(topic, "first", 1, true);
        full.one.publish(topic, "second", 1, false);
        full.one.publish(topic, "third", 1, true);
        full.one.publish(topic, "fourth", 1, false);
        full.world.settle();
        full.thaw();
        EXPECT_EQ(full.quick.payloads(), (Payloads{"first", "second", "third", "fourth"})) << seed;
        EXPECT_EQ(full.one.pubacks.size(), 4U);
    }
}

TEST(Lanes, OneMessageAboveTheByteBoundIsAdmittedToAnEmptyRing) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Full full(seed, {.entries = 64, .bytes = 1000});
        const auto large = full.one.publish("slow", std::string(50'000, 'x'), 1);
        full.world.settle();
        EXPECT_TRUE(full.one.acked(large)) << "it fits no ring, so it must go alone";
        const auto next = full.one.publish("slow", "y", 1);
        full.world.settle();
        EXPECT_FALSE(full.one.acked(next));
        full.thaw();
        EXPECT_TRUE(full.one.acked(next));
        ASSERT_EQ(full.slow.received.size(), 2U);
        EXPECT_EQ(full.slow.received[0].payload.size(), 50'000U);
    }
}

TEST(Lanes, ReadsAreSmallWhileAnythingIsStashed) {
    for (const bool large_packet : {false, true}) {
        Full full(1);
        const auto most_read = [&full] {
            std::size_t most = 0;
            for (int i = 0; i < 200 && !full.two.to_broker().bytes.empty(); ++i) {
                const std::size_t before = full.two.to_broker().bytes.size();
                full.world.step(0);
                most = std::max(most, before - full.two.to_broker().bytes.size());
            }
            return most;
        };
        const auto send = [&full, large_packet] {
            if (large_packet) {
                full.two.publish("nobody", std::string(300'000, 'x'), 0);
            } else {
                for (int i = 0; i < 3000; ++i)
                    full.two.publish("nobody", std::string(100, 'x'), 0);
            }
        };
        send();
        EXPECT_GT(most_read(), 4096U) << "the measure itself";
        for (int i = 0; i < 5; ++i)
            full.one.publish("slow", std::to_string(i), 1);
        full.world.settle();
        send();
        EXPECT_LE(most_read(), 4096U) << (large_packet ? "one large packet" : "many small ones");
        full.thaw();
    }
}

TEST(Lanes, NoWakeUpIsLostAmongManyShardsAndTinyRings) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        World world({.shards = 4, .seed = seed, .publish = {.entries = 2}, .forward = {.entries = 2}});
        std::vector<SimClient*> all;
        std::vector<Payloads> expected(4);
        for (std::uint32_t i = 0; i < 4; ++i) {
            all.push_back(&world.online({.client_id = world.name_on(i, "c")}));
            all.back()->subscribe("to/" + std::to_string(i), 1);
        }
        world.settle();
        for (int i = 0; i < 120; ++i) {
            const std::uint64_t to = world.schedule.below(4);
            const std::string text = std::to_string(i);
            // One publisher per receiver, so that the order is known.
            all[(to + seed) % 4]->publish("to/" + std::to_string(to), text, 1);
            expected[to].push_back(text);
            const std::uint64_t steps = world.schedule.below(5);
            for (std::uint64_t j = 0; j < steps; ++j)
                world.step();  // only shards that were woken get a turn
        }
        world.settle();
        for (std::size_t i = 0; i < 4; ++i)
            EXPECT_EQ(all[i]->payloads(), expected[i]) << "seed " << seed << " receiver " << i;
    }
}

TEST(Lanes, AFullForwardLaneDoesNotKeepPublishLanesFromDraining) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed, .publish = {.entries = 2}, .forward = {.entries = 2}});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        SimClient& watcher = world.online({.client_id = world.name_on(0, "w")});
        watcher.subscribe("live", 1);
        const std::string kept = world.name_on(0, "kept");
        publisher.publish(kept, "retained", 1, true);
        world.settle();
        // Ten page requests reach shard 0; their answers do not fit the way back to a shard that stands
        // still.
        std::vector<SimClient*> askers;
        for (int i = 0; i < 10; ++i)
            askers.push_back(&world.online({.client_id = world.name_on(1, "a" + std::to_string(i) + "-")}));
        for (SimClient* asker : askers)
            asker->subscribe(kept, 1);
        for (int i = 0; i < 20; ++i)
            publisher.publish("live", std::to_string(i), 0);
        world.step(1);
        world.step(1);
        world.frozen[1] = true;
        world.settle();
        EXPECT_GE(watcher.received.size(), 2U) << "what was on the publish lane has arrived";
        world.frozen[1] = false;
        world.settle();
        EXPECT_EQ(watcher.payloads(), numbered(0, 20)) << seed;
        for (const SimClient* asker : askers)
            EXPECT_EQ(asker->payloads(), (Payloads{"retained"})) << seed;
    }
}

TEST(Lanes, BothDirectionsFullIsNoDeadlock) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 2, .seed = seed, .publish = {.entries = 2}, .forward = {.entries = 1}});
        SimClient& left = world.online({.client_id = world.name_on(0, "l")});
        SimClient& right = world.online({.client_id = world.name_on(1, "r")});
        for (int i = 0; i < 30; ++i) {
            left.publish("kept/" + std::to_string(i), "k", 1, true);
            right.publish("kept/r" + std::to_string(i), "k", 1, true);
        }
        world.settle();
        left.subscribe("right", 1);
        right.subscribe("left", 1);
        world.settle();
        for (int i = 0; i < 40; ++i) {
            left.publish("left", std::to_string(i), 1);
            right.publish("right", std::to_string(i), 1);
        }
        std::vector<SimClient*> askers;
        for (std::uint32_t i = 0; i < 8; ++i) {
            askers.push_back(
                &world.client({.client_id = world.name_on(i % 2, "a" + std::to_string(i) + "-")}));
            askers.back()->subscribe("kept/#", 1);
        }
        world.settle();
        EXPECT_EQ(left.payloads(), numbered(0, 40)) << seed;
        EXPECT_EQ(right.payloads(), numbered(0, 40)) << seed;
        for (const SimClient* asker : askers)
            EXPECT_EQ(asker->received.size(), 60U) << seed;
    }
}

TEST(Lanes, ASlowReaderPushesBackOnNobodyAndGetsEverythingOnceItReads) {
    for (std::uint8_t qos = 0; qos <= 1; ++qos) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            World world({.shards = 2, .seed = seed, .publish = {.entries = 4}});
            SimClient& slow = world.online({.client_id = world.name_on(1, "s")});
            SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
            slow.subscribe("t", qos);
            world.settle();
            slow.read_room = 0;
            slow.to_client().room = 50;
            for (int i = 0; i < 100; ++i)
                publisher.publish("t", std::to_string(i), 1);
            world.settle();
            EXPECT_EQ(publisher.pubacks.size(), 100U);
            slow.read_room = 7;
            world.settle();
            EXPECT_EQ(slow.payloads(), numbered(0, 100)) << seed;
        }
    }
}

TEST(Lanes, ABrokerThatStopsWithStashedMessagesFreesThem) {
    Full full(1);
    for (int i = 0; i < 20; ++i)
        full.one.publish("both", std::to_string(i), 1);
    full.world.settle();
    EXPECT_TRUE(full.world.shards[0]->ingress().stashed());
    // Nothing is thawed: the end of the scope is the test, under a leak checker.
}

}  // namespace
}  // namespace latchkey::sim
