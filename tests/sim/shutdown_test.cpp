// Shutdown (data-path 11): no reads, nothing acknowledged is lost on the way to who is connected, wills stay
// stored, everybody is told, and every shard finishes whatever a client does.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool finished(World& world) {
    return std::ranges::all_of(world.shards, [](const auto& shard) { return shard->finished(); });
}

bool said_goodbye_last(const SimClient& client) {
    return client.disconnected == Reason::ServerShuttingDown && client.closed() &&
           client.order.back() == "disconnect 8b";
}

TEST(Shutdown, EveryAcknowledgedMessageReachesWhoIsConnectedBeforeTheGoodbye) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        World world({.shards = 3, .seed = seed, .publish = {.entries = 4}});
        SimClient& subscriber = world.online({.client_id = world.name_on(0, "s")});
        subscriber.subscribe("t/#", 1);
        std::vector<SimClient*> publishers;
        for (std::uint32_t i = 0; i < 3; ++i)
            publishers.push_back(&world.online({.client_id = world.name_on(i, "p")}));
        world.settle();
        for (int i = 0; i < 30; ++i) {
            for (std::size_t p = 0; p < publishers.size(); ++p)
                publishers[p]->publish("t/" + std::to_string(p), std::to_string(i), 1);
        }
        const std::uint64_t head_start = world.schedule.below(40);
        for (std::uint64_t i = 0; i < head_start; ++i)
            world.step();
        world.control->shut_down(seconds(5));
        world.settle();
        ASSERT_TRUE(finished(world)) << seed;
        EXPECT_TRUE(said_goodbye_last(subscriber)) << seed;
        for (std::size_t p = 0; p < publishers.size(); ++p) {
            Payloads got;
            for (const Received& one : subscriber.received) {
                if (one.topic == "t/" + std::to_string(p)) got.push_back(one.payload);
            }
            EXPECT_GE(got.size(), publishers[p]->pubacks.size()) << "seed " << seed << " publisher " << p;
            for (std::size_t i = 0; i < got.size(); ++i)
                EXPECT_EQ(got[i], std::to_string(i)) << seed;
            EXPECT_TRUE(said_goodbye_last(*publishers[p])) << seed;
        }
    }
}

TEST(Shutdown, NothingIsReadAnyMore) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& subscriber = world.online({.client_id = world.name_on(0, "s")});
        subscriber.subscribe("t", 1);
        SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
        world.settle();
        world.frozen[1] =
            true;  // holds the round up: shard 0 has stopped its ingress, the broker still lives
        world.control->shut_down(seconds(5));
        world.settle();
        const auto late = publisher.publish("t", "too late", 1);
        SimClient& stranger = world.client({.client_id = world.name_on(0, "x")});
        world.settle();
        EXPECT_FALSE(publisher.acked(late)) << seed;
        EXPECT_FALSE(stranger.connack);
        EXPECT_FALSE(subscriber.disconnected) << "no goodbye before all shards are quiet";
        world.frozen[1] = false;
        world.settle();
        EXPECT_TRUE(subscriber.received.empty()) << seed;
        EXPECT_FALSE(publisher.acked(late));
        EXPECT_FALSE(stranger.connack);
        EXPECT_TRUE(finished(world));
    }
}

TEST(Shutdown, RoundsRepeatUntilWhatCrossesShardsHasArrived) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        // The receiver is slow and the ring is small: the stash empties long after the first round asked.
        World world({.shards = 3, .seed = seed, .publish = {.entries = 2}});
        SimClient& subscriber = world.online({.client_id = world.name_on(1, "s"), .expiry_s = 100});
        subscriber.subscribe("t", 1);
        SimClient& publisher = world.online({.client_id = world.name_on(2, "p")});
        world.settle();
        world.frozen[1] = true;
        for (int i = 0; i < 6; ++i)
            publisher.publish("t", std::to_string(i), 1);
        world.settle();
        const bool stashed = world.shards[2]->ingress().stashed();
        EXPECT_TRUE(stashed);
        world.control->shut_down(seconds(5));
        world.settle();
        world.frozen[1] = false;
        world.settle();
        EXPECT_TRUE(finished(world)) << seed;
        // All six were recorded and accepted: they arrive, and their acknowledgements leave.
        EXPECT_EQ(subscriber.payloads(), (Payloads{"0", "1", "2", "3", "4", "5"})) << seed;
        EXPECT_EQ(publisher.pubacks.size(), 6U) << seed;
        EXPECT_TRUE(said_goodbye_last(subscriber));
        EXPECT_TRUE(said_goodbye_last(publisher));
    }
}

TEST(Shutdown, AShardThatMovedAnythingSinceTheLastRoundIsNotQuiet) {
    World world({.shards = 2, .seed = 1});
    SimClient& subscriber = world.online({.client_id = world.name_on(1, "s")});
    subscriber.subscribe("t", 0);
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
    world.settle();
    broker::Shard& receiver = *world.shards[1];
    LK_IGNORE(receiver.quiet(), "what moved until now");
    EXPECT_TRUE(receiver.quiet());
    publisher.publish("t", "crosses", 0);
    world.settle();
    // It owes nothing any more, but what it was given may have come after another shard had answered.
    EXPECT_FALSE(receiver.quiet());
    EXPECT_TRUE(receiver.quiet());
}

TEST(Shutdown, ACommitUnderWayIsWaitedFor) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& subscriber = world.online({.client_id = world.name_on(1, "s"), .expiry_s = 100});
        subscriber.subscribe("t", 1);
        SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
        world.settle();
        world.stores[0]->late = true;
        publisher.publish("t", "x", 1);
        world.settle();
        // A world that waits for a commit goes round and round: single steps instead of settle().
        world.control->shut_down(seconds(5));
        for (int i = 0; i < 300; ++i)
            world.step();
        EXPECT_FALSE(subscriber.disconnected) << seed;
        world.stores[0]->late = false;
        world.stores[0]->commit(world.shards[0]->mailbox());
        world.settle();
        EXPECT_TRUE(finished(world)) << seed;
        EXPECT_EQ(subscriber.payloads(), (Payloads{"x"})) << seed;
        EXPECT_EQ(publisher.pubacks.size(), 1U);
    }
}

TEST(Shutdown, WillsStayStored) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& watcher = world.online({.client_id = world.name_on(0, "w")});
        watcher.subscribe("#", 1);
        world.settle();
        world.realm->users["brief"].expires_at = world.clock.wall() + seconds(3);
        const auto will = [](const char* text, std::uint32_t delay_s) {
            return ConnectSpec::WillSpec{.topic = "will", .payload = text, .delay_s = delay_s};
        };
        SimClient& connected = world.online({.client_id = "connected", .will = will("connected", 0)});
        SimClient& reset = world.online({.client_id = world.name_on(0, "reset"), .will = will("reset", 0)});
        SimClient& away =
            world.online({.client_id = world.name_on(0, "away"), .expiry_s = 100, .will = will("away", 5)});
        SimClient& brief =
            world.online({.client_id = world.name_on(0, "brief"), .user = "brief", .will = will("brief", 0)});
        away.cut();
        world.settle();
        // Shard 0 has stopped, shard 1 takes its time: meanwhile a connection breaks, a credential ends and
        // a delayed will is due.
        world.frozen[1] = true;
        world.control->shut_down(seconds(5));
        world.settle();
        reset.to_broker().broken = true;
        reset.to_client().broken = true;
        world.advance(seconds(10));
        world.frozen[1] = false;
        world.settle();
        EXPECT_TRUE(finished(world)) << seed;
        EXPECT_TRUE(watcher.received.empty()) << seed << ": " << watcher.received[0].payload;
        EXPECT_TRUE(said_goodbye_last(watcher));
        EXPECT_TRUE(said_goodbye_last(connected));
        EXPECT_EQ(brief.disconnected, Reason::MaximumConnectTime) << "an expired credential gets no reprieve";
        // Where a session survives, so does its will.
        const broker::Session* session = world.session(away.name);
        ASSERT_NE(session, nullptr);
        EXPECT_NE(session->will, nullptr);
    }
}

TEST(Shutdown, ALoginThatIsAnsweredTooLateAttachesNothing) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& attached = world.online({.client_id = "dev", .expiry_s = 100});
        world.realm->hold = true;
        SimClient& late = world.client({.client_id = "dev", .expiry_s = 100});
        late.publish("t", "x", 1);
        world.settle();
        const auto home = world.mesh->shard_of("dev");
        world.frozen[1 - home] = true;
        world.control->shut_down(seconds(5));
        world.settle();
        if (home != 0) {  // the order comes from shard 0
            world.frozen[0] = false;
            world.step(0);
            world.frozen[0] = true;
            world.settle();
        }
        world.realm->let_go();
        world.settle();
        world.frozen[1 - home] = false;
        world.settle();
        EXPECT_TRUE(finished(world)) << seed;
        EXPECT_TRUE(late.order.empty()) << seed << ": " << late.order.front();
        EXPECT_TRUE(late.closed());
        EXPECT_TRUE(said_goodbye_last(attached)) << seed;
    }
}

TEST(Shutdown, AConnectionThatMovesMeanwhileIsNotServed) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        World world({.shards = 2, .seed = seed});
        // Accepted and decoded on shard 1, on its way to shard 0 when the order comes.
        world.frozen[0] = true;
        SimClient& moving = world.client({.client_id = world.name_on(0, "m")});
        moving.publish("t", "x", 1);
        world.settle();
        world.control->shut_down(seconds(5));
        world.frozen[0] = false;
        world.settle();
        EXPECT_TRUE(finished(world)) << seed;
        EXPECT_TRUE(moving.closed());
        // Either it was online before the order came, or it hears nothing at all.
        if (!moving.order.empty()) {
            EXPECT_TRUE(said_goodbye_last(moving)) << seed;
        }
    }
}

TEST(Shutdown, WhoTakesNothingIsLeftBehindAtTheDeadline) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& stuck = world.online({.client_id = world.name_on(seed % 2 == 0 ? 0 : 1, "s")});
        SimClient& other = world.online({.client_id = "o"});
        stuck.subscribe("t", 0);
        world.settle();
        stuck.read_room = 0;
        stuck.to_client().room = 100;
        for (int i = 0; i < 20; ++i)
            other.publish("t", "much more than fits", 0);
        world.settle();
        world.control->shut_down(seconds(1));
        world.settle();
        EXPECT_FALSE(finished(world)) << "it was given its time";
        EXPECT_TRUE(said_goodbye_last(other));
        world.advance(milliseconds(1'100));
        EXPECT_TRUE(finished(world)) << seed;
    }
}

TEST(Shutdown, WhoReadsSlowlyGetsWhatWaitsBeforeTheGoodbye) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& slow = world.online({.client_id = "s"});
        SimClient& publisher = world.online({.client_id = "p"});
        slow.subscribe("t", 1);
        world.settle();
        slow.read_room = 0;
        slow.to_client().room = 50;
        for (int i = 0; i < 20; ++i)
            publisher.publish("t", std::to_string(i), 1);
        world.settle();
        EXPECT_EQ(publisher.pubacks.size(), 20U);
        world.control->shut_down(seconds(5));
        world.settle();
        slow.read_room = 7;
        world.settle();
        EXPECT_TRUE(finished(world)) << seed;
        EXPECT_EQ(slow.received.size(), 20U) << seed;
        EXPECT_TRUE(said_goodbye_last(slow));
    }
}

}  // namespace
}  // namespace latchkey::sim
