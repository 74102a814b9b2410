// Hand-over and takeover (data-path 2): who may attach, what an attach does to the session that was there,
// and that nobody who was not let in changes anything.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;

/// Two logins of one client id wait; the newer is answered first.
struct Race {
    explicit Race(std::uint64_t seed, std::uint32_t newer_expiry_s)
        : world({.shards = 3, .seed = seed}), id(world.name_on(static_cast<std::uint32_t>(seed % 3), "d")) {
        world.realm->hold = true;
        older = &world.client({.client_id = id, .clean = true, .expiry_s = 50});
        world.settle();
        newer = &world.client({.client_id = id, .clean = true, .expiry_s = newer_expiry_s});
        world.settle();
        EXPECT_EQ(world.realm->held(), 2U);
        world.realm->let_go(1);
        world.settle();
        EXPECT_EQ(newer->connack, Reason::Success);
        world.realm->hold = false;
    }
    void answer_older() {
        world.realm->let_go(0);
        world.settle();
        EXPECT_TRUE(older->closed());
        EXPECT_TRUE(older->order.empty()) << "an answer left: " << older->order.front();
    }
    World world;
    std::string id;
    SimClient* older = nullptr;
    SimClient* newer = nullptr;
};

TEST(Takeover, AnOlderLoginIsClosedWithoutAnAnswerWhileTheNewerIsAttached) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Race race(seed, 100);
        race.newer->subscribe("t", 1);
        race.answer_older();
        EXPECT_FALSE(race.newer->disconnected) << seed;
        race.newer->publish("t", "still here", 1);
        race.world.settle();
        EXPECT_EQ(race.newer->payloads(), (Payloads{"still here"})) << seed;
    }
}

TEST(Takeover, AnOlderLoginDoesNotWipeTheSessionThatTheNewerLeftBehind) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Race race(seed, 100);
        race.newer->subscribe("t", 1);
        race.world.settle();
        race.newer->cut();
        race.world.settle();
        race.answer_older();
        race.world.online({.client_id = "p"}).publish("t", "kept", 1);
        race.world.settle();
        SimClient& back = race.world.online({.client_id = race.id, .clean = false, .expiry_s = 100});
        race.world.settle();
        EXPECT_TRUE(back.session_present) << seed;
        EXPECT_EQ(back.payloads(), (Payloads{"kept"})) << seed;
    }
}

TEST(Takeover, AnOlderLoginIsClosedEvenAfterTheNewerSessionHasEnded) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Race race(seed, 0);
        race.newer->cut();
        race.world.settle();
        ASSERT_EQ(race.world.session(race.id), nullptr);
        // As late as a login may be: until its own time is over the number is remembered.
        race.world.advance(std::chrono::seconds(19));
        race.answer_older();
        EXPECT_EQ(race.world.session(race.id), nullptr) << seed;
        // A login that is really newer is welcome.
        race.world.online({.client_id = race.id});
    }
}

TEST(Takeover, OneReadPerSessionKeyAndWhoWaitsForItAttachesInOrder) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 2, .seed = seed});
        const std::string id = world.name_on(1, "d");
        SimStore& store = *world.stores[1];
        store.hold_loads = true;
        SimClient& first = world.client({.client_id = id, .expiry_s = 100});
        world.settle();
        SimClient& second = world.client({.client_id = id, .clean = false, .expiry_s = 100});
        world.settle();
        SimClient& third = world.client({.client_id = id, .clean = false, .expiry_s = 100});
        world.settle();
        EXPECT_FALSE(first.connack || second.connack || third.connack);
        EXPECT_EQ(store.most_reads, 1) << "several reads of one key at a time";
        world.shards[1]->mailbox().deliver([&store] { store.answer_loads(); });
        world.settle();
        // Each answer found the session that the one before had put into memory.
        EXPECT_TRUE(first.disconnected == Reason::SessionTakenOver || first.closed()) << seed;
        EXPECT_TRUE(third.session_present) << seed;
        EXPECT_FALSE(third.disconnected);
        EXPECT_EQ(world.session(id)->epoch, 3U);
        EXPECT_EQ(store.most_reads, 1);
    }
}

TEST(Takeover, WhoWasOvertakenWhileItsSessionLoadedIsClosedWithoutAnAnswer) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 2, .seed = seed});
        const std::string id = world.name_on(0, "d");
        SimStore& store = *world.stores[0];
        store.hold_loads = true;
        world.realm->hold = true;
        SimClient& older = world.client({.client_id = id, .expiry_s = 100});
        world.settle();
        SimClient& newer = world.client({.client_id = id, .expiry_s = 100});
        world.settle();
        ASSERT_EQ(world.realm->held(), 2U);
        world.realm->let_go(1);
        world.settle();
        world.realm->let_go(0);  // both claims passed: nobody has attached yet
        world.settle();
        world.shards[0]->mailbox().deliver([&store] { store.answer_loads(); });
        world.settle();
        EXPECT_EQ(newer.connack, Reason::Success);
        EXPECT_FALSE(newer.disconnected) << seed;
        EXPECT_TRUE(older.closed());
        EXPECT_TRUE(older.order.empty()) << seed;
    }
}

struct AttachRow {
    const char* what;
    std::uint32_t expiry_s;
    std::uint32_t will_delay_s;
    bool clean;
    bool will_fires;
    bool present;
};
constexpr AttachRow kAttachRows[] = {
    {"no expiry: session and will end at once", 0, 0, false, true, false},
    {"no expiry: the delay does not outlive the session", 0, 30, false, true, false},
    {"no delay: the will fires, the session stays", 100, 0, false, true, true},
    {"a delayed will is cancelled by coming back", 100, 30, false, false, true},
    {"clean start ends the session and its waiting will fires", 100, 30, true, true, false},
    {"clean start, will without delay: it fires once", 100, 0, true, true, false},
};

TEST(Takeover, AttachFollowsItsFourStepsInOrder) {
    for (const AttachRow& row : kAttachRows) {
        for (const bool attached : {true, false}) {
            for (std::uint64_t seed = 1; seed <= 6; ++seed) {
                SCOPED_TRACE(std::string(row.what) + (attached ? ", attached" : ", away"));
                World world({.shards = 2, .seed = seed});
                SimClient& watcher = world.online({.client_id = "w"});
                watcher.subscribe("will", 1);
                world.settle();
                const ConnectSpec spec{.client_id = "dev",
                                       .expiry_s = row.expiry_s,
                                       .will = ConnectSpec::WillSpec{
                                           .topic = "will", .payload = "x", .delay_s = row.will_delay_s}};
                SimClient& first = world.online(spec);
                const std::uint64_t epoch = world.session("dev")->epoch;
                if (!attached) {
                    first.cut();
                    world.settle();
                }
                SimClient& second =
                    world.online({.client_id = "dev", .clean = row.clean, .expiry_s = row.expiry_s});
                EXPECT_EQ(first.disconnected.has_value(), attached);
                if (attached) {
                    EXPECT_EQ(first.disconnected, Reason::SessionTakenOver);
                }
                EXPECT_TRUE(first.closed());
                EXPECT_EQ(second.session_present, row.present);
                EXPECT_EQ(watcher.received.size(), row.will_fires ? 1U : 0U);
                if (row.present) {
                    EXPECT_GT(world.session("dev")->epoch, epoch);
                }
                world.advance(std::chrono::seconds(40));
                EXPECT_EQ(watcher.received.size(), row.will_fires ? 1U : 0U);
                EXPECT_FALSE(second.disconnected);
            }
        }
    }
}

TEST(Takeover, AConnectThatIsRefusedOrFailsOrStillWaitsDisturbsNobody) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 2, .seed = seed});
        world.realm->users["down"].verdict = auth::VerdictKind::Failed;
        SimClient& watcher = world.online({.client_id = "w"});
        watcher.subscribe("will", 1);
        SimClient& first = world.online({.client_id = "dev",
                                         .expiry_s = 100,
                                         .will = ConnectSpec::WillSpec{.topic = "will", .payload = "x"}});
        first.subscribe("t", 1);
        world.settle();
        SimClient& stranger = world.client({.client_id = "dev", .user = "nobody"});
        SimClient& unlucky = world.client({.client_id = "dev", .user = "down"});
        // The right user, and a will that it may not publish: refused at the last moment.
        world.realm->rules.push_back(
            {"all", policy::Effect::Deny, policy::acts_of(policy::Act::Publish), "secret"});
        ASSERT_TRUE(world.adopt());
        SimClient& refused = world.client(
            {.client_id = "dev", .will = ConnectSpec::WillSpec{.topic = "secret", .payload = "x"}});
        world.settle();
        world.realm->hold = true;
        SimClient& waits = world.client({.client_id = "dev"});
        world.settle();
        EXPECT_EQ(stranger.connack, Reason::NotAuthorized);
        EXPECT_EQ(unlucky.connack, Reason::ServerUnavailable);
        EXPECT_EQ(refused.connack, Reason::NotAuthorized);
        EXPECT_FALSE(waits.connack);
        EXPECT_FALSE(first.disconnected) << seed;
        EXPECT_TRUE(watcher.received.empty());
        first.publish("t", "undisturbed", 1);
        world.settle();
        EXPECT_EQ(first.payloads(), (Payloads{"undisturbed"}));
    }
}

TEST(Takeover, TwoPrincipalsWithOneClientIdLiveSideBySide) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 2, .seed = seed});
        world.realm->users["v"] = {};
        SimClient& mine = world.online({.client_id = "dev", .user = "u", .expiry_s = 100});
        SimClient& yours = world.online({.client_id = "dev", .user = "v", .expiry_s = 100});
        mine.subscribe("mine", 1);
        yours.subscribe("yours", 1);
        world.settle();
        SimClient& again = world.online({.client_id = "dev", .user = "v", .clean = false, .expiry_s = 100});
        world.online({.client_id = "p"}).publish("mine", "1", 1);
        world.clients.back()->publish("yours", "2", 1);
        world.settle();
        EXPECT_FALSE(mine.disconnected) << seed;
        EXPECT_EQ(yours.disconnected, Reason::SessionTakenOver);
        EXPECT_TRUE(again.session_present);
        EXPECT_EQ(mine.payloads(), (Payloads{"1"}));
        EXPECT_EQ(again.payloads(), (Payloads{"2"}));
    }
}

TEST(Handover, WhatFollowsConnectInTheSameSegmentsIsNeitherLostNorReordered) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        for (std::uint32_t home = 0; home < 3; ++home) {
            for (int accepts = 0; accepts < 3; ++accepts) {
                World world({.shards = 3, .seed = seed});
                SimClient& client = world.client({.client_id = world.name_on(home, "d")});
                client.subscribe("t", 0);  // no acknowledgements of the client's in between
                Payloads sent;
                const std::string filler(100, '.');
                for (int i = 0; i < 100; ++i) {  // more than one read before CONNACK takes
                    sent.push_back(filler + std::to_string(i));
                    client.publish("t", sent.back(), 1);
                }
                client.ping();
                // The stream comes in pieces that end anywhere, also inside CONNECT.
                std::string stream = std::exchange(client.to_broker().bytes, {});
                bool accepted = false;
                while (!stream.empty()) {
                    const std::size_t n = 1 + world.schedule.below(std::min<std::size_t>(stream.size(), 900));
                    client.raw(std::string_view(stream).substr(0, n));
                    stream.erase(0, n);
                    if (!std::exchange(accepted, true)) {
                        while (world.acceptor.waiting())
                            world.step(static_cast<std::uint32_t>(accepts));
                    }
                    const std::uint64_t steps = world.schedule.below(6);
                    for (std::uint64_t i = 0; i < steps; ++i)
                        world.step();
                }
                world.settle();
                ASSERT_EQ(client.connack, Reason::Success) << seed;
                EXPECT_EQ(client.payloads(), sent) << seed << " home " << home << " accepts " << accepts;
                EXPECT_EQ(client.pubacks.size(), sent.size());
                EXPECT_EQ(client.order.back().find("PROTOCOL"), std::string::npos);
                EXPECT_NE(std::ranges::find(client.order, "pingresp"), client.order.end());
            }
        }
    }
}

TEST(Handover, ALoginThatWaitedGetsTheRightsOfThePolicyAtAttach) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& before = world.online({.client_id = "dev", .expiry_s = 100});
        before.subscribe("lost", 1);
        before.subscribe("ok/kept", 1);
        world.settle();
        before.cut();
        world.settle();
        world.realm->hold = true;
        SimClient& late = world.client({.client_id = "dev", .clean = false, .expiry_s = 100});
        world.settle();
        world.realm->rules.clear();
        world.realm->allow("all", "ok/#");
        ASSERT_TRUE(world.adopt());
        world.realm->let_go();
        world.settle();
        ASSERT_EQ(late.connack, Reason::Success) << seed;
        // Stored filters were decided again before CONNACK, new ones are decided now.
        EXPECT_EQ(world.session("dev")->subscriptions.size(), 1U);
        late.subscribe("ok/new", 0);
        late.subscribe("lost", 0);
        const auto denied = late.publish("lost", "x", 1);
        world.settle();
        ASSERT_EQ(late.subacks.size(), 2U);
        EXPECT_EQ(late.subacks[0].second[0], Reason::Success);
        EXPECT_EQ(late.subacks[1].second[0], Reason::NotAuthorized) << seed;
        ASSERT_TRUE(late.acked(denied));
        EXPECT_EQ(late.pubacks[0].second, Reason::NotAuthorized);
    }
}

TEST(Handover, AWillThatTheNewPolicyForbidsIsRefusedAtAttach) {
    World world({.shards = 2, .seed = 5});
    world.realm->hold = true;
    SimClient& late = world.client(
        {.client_id = "dev", .will = ConnectSpec::WillSpec{.topic = "forbidden", .payload = "x"}});
    world.settle();
    world.realm->rules.clear();
    world.realm->allow("all", "ok/#");
    ASSERT_TRUE(world.adopt());
    world.realm->let_go();
    world.settle();
    EXPECT_EQ(late.connack, Reason::NotAuthorized);
    EXPECT_EQ(world.session("dev"), nullptr);
}

TEST(Handover, APolicyThatChangesWhileTheSessionLoadsCounts) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        const std::string id = world.name_on(0, "d");
        world.stores[0]->hold_loads = true;
        SimClient& late = world.client({.client_id = id});
        world.settle();
        world.realm->rules.clear();
        ASSERT_TRUE(world.adopt());
        const auto answer = [&world] {
            world.shards[0]->mailbox().deliver([&world] { world.stores[0]->answer_loads(); });
            world.settle();
        };
        answer();
        answer();
        ASSERT_EQ(late.connack, Reason::Success) << seed;
        const auto denied = late.publish("t", "x", 1);
        world.settle();
        ASSERT_TRUE(late.acked(denied));
        EXPECT_EQ(late.pubacks[0].second, Reason::NotAuthorized);
    }
}

TEST(Handover, APipelineThatWasReplacedRunsAgainAndItsVerdictCounts) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        world.realm->hold = true;
        world.fresh_pipeline = true;
        SimClient& late = world.client({.client_id = "dev"});
        world.settle();
        world.realm->users["u"].verdict =
            auth::VerdictKind::Refused;  // the old verdict, already made, would still grant
        ASSERT_TRUE(world.adopt());
        world.realm->let_go();
        world.settle();
        ASSERT_EQ(world.realm->held(), 1U) << "the new pipeline was not asked";
        EXPECT_FALSE(late.connack);
        world.realm->let_go();
        world.settle();
        EXPECT_EQ(late.connack, Reason::NotAuthorized) << seed;
    }
}

TEST(Handover, ALoginIsDecidedAgainAtMostTwiceAndThenFails) {
    World world({.shards = 2, .seed = 9});
    world.realm->hold = true;
    world.fresh_pipeline = true;
    SimClient& late = world.client({.client_id = "dev"});
    world.settle();
    for (int replaced = 1; replaced <= 3; ++replaced) {
        ASSERT_EQ(world.realm->held(), 1U) << replaced;
        EXPECT_FALSE(late.connack) << replaced;
        ASSERT_TRUE(world.adopt());
        world.realm->let_go();
        world.settle();
    }
    EXPECT_EQ(world.realm->held(), 0U);
    EXPECT_EQ(late.connack, Reason::ServerUnavailable);
    EXPECT_EQ(world.session("dev"), nullptr);
}

}  // namespace
}  // namespace latchkey::sim
