// Shared subscriptions (MQTT5 4.8.2): one member of a group gets a message, in turn, and only one that may
// have it and has room. Each case on one shard and on three, with members away from the group's owner.
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "sim/crew.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;

TEST(SimShared, IsFairWithinTenPerCentOver10000MessagesAnd7Members) {
    for (const std::uint8_t qos : kAnyQos) {
        everywhere(2, [qos](std::uint32_t shards, std::uint64_t seed) {
            Crew crew(shards, seed);
            std::vector<SimClient*> members;
            for (std::uint32_t n = 0; n < 7; ++n)
                members.push_back(&crew.member(n, 2));
            SimClient& publisher = crew.publisher();
            for (int i = 0; i < 10'000; i += 200) {
                crew.say(publisher, i, i + 200, qos);
                crew.world.settle();
            }
            std::size_t sum = 0;
            for (const SimClient* member : members) {
                sum += member->received.size();
                EXPECT_GE(member->received.size(), 10'000U / 7 * 9 / 10);
                EXPECT_LE(member->received.size(), 10'000U / 7 * 11 / 10);
            }
            EXPECT_EQ(sum, 10'000U);
        });
    }
}

TEST(SimShared, EachOfTwoGroupsGetsOneCopy) {
    everywhere(10, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& a = crew.connect(0);
        SimClient& b = crew.connect(1);
        SimClient& c = crew.connect(2);
        crew.subscribe(a, "$share/one/t/#");
        crew.subscribe(b, "$share/one/t/#");
        crew.subscribe(c, "$share/two/t/+");
        crew.say(crew.publisher(), 0, 40);
        crew.world.settle();
        expect_each_once(count({&a, &b}), 0, 40);
        EXPECT_EQ(c.payloads(), numbered(0, 40));
    });
}

TEST(SimShared, ASharedAndAPlainSubscriptionOfOneClientBothGetTheMessage) {
    everywhere(10, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& a = crew.connect(0);
        crew.subscribe(a, kShare, 1, 7);
        crew.subscribe(a, "t/#", 1, 9);
        SimClient& publisher = crew.publisher();
        crew.say(publisher, 0, 1);
        crew.world.settle();
        ASSERT_EQ(a.received.size(), 2U);
        const std::set<std::vector<std::uint32_t>> ids{a.received[0].ids, a.received[1].ids};
        EXPECT_EQ(ids, (std::set<std::vector<std::uint32_t>>{{7}, {9}}));
        // Each ends alone.
        a.unsubscribe("t/#");
        crew.world.settle();
        crew.say(publisher, 1, 2);
        crew.world.settle();
        ASSERT_EQ(a.received.size(), 3U);
        EXPECT_EQ(a.received[2].ids, std::vector<std::uint32_t>{7});
    });
}

TEST(SimShared, WhatIsPublishedAfterSubackArrives) {
    everywhere(30, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& publisher = crew.publisher();
        crew.say(publisher, 0, 1);  // the route is cached
        crew.world.settle();
        SimClient& member = crew.connect(static_cast<std::uint32_t>(seed));
        member.subscribe(kShare, 1);
        while (member.subacks.empty())
            crew.world.step();
        crew.say(publisher, 1, 2);
        crew.world.settle();
        EXPECT_EQ(member.payloads(), Payloads{"1"});
    });
}

TEST(SimShared, QosIsTheLowerOneAndTheIdentifierComesAlong) {
    everywhere(3, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& member = crew.connect(0);
        crew.subscribe(member, kShare, 1, 42);
        SimClient& publisher = crew.publisher();
        for (const std::uint8_t qos : kAnyQos)
            crew.say(publisher, qos, qos + 1, qos);
        crew.world.settle();
        ASSERT_EQ(member.received.size(), 3U);
        for (std::uint8_t i = 0; i < 3; ++i) {
            EXPECT_EQ(member.received[i].qos, std::min<std::uint8_t>(i, 1));
            EXPECT_EQ(member.received[i].ids, std::vector<std::uint32_t>{42});
        }
        // Subscribed again: what it asks for last counts, and it stays one member.
        crew.subscribe(member, kShare, 0, 43);
        crew.say(publisher, 3, 4, 2);
        crew.world.settle();
        ASSERT_EQ(member.received.size(), 4U);
        EXPECT_EQ(member.received[3].qos, 0);
        EXPECT_EQ(member.received[3].ids, std::vector<std::uint32_t>{43});
    });
}

TEST(SimShared, ASubscribeBringsNoRetainedMessages) {
    everywhere(3, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& publisher = crew.publisher();
        publisher.publish("t/kept", "kept", 1, true);
        crew.world.settle();
        SimClient& member = crew.member(0);
        EXPECT_TRUE(member.received.empty());
        publisher.publish("t/kept", "live", 1, true);
        crew.world.settle();
        ASSERT_EQ(member.payloads(), Payloads{"live"});
        EXPECT_FALSE(member.received[0].retain);
    });
}

TEST(SimShared, NoLocalOnASharedSubscriptionIsAProtocolError) {
    Crew crew(1, 1);
    SimClient& member = crew.connect(0);
    member.subscribe(kShare, 1, 0, 0, true);
    crew.world.settle();
    EXPECT_EQ(member.disconnected, Reason::ProtocolError);
    EXPECT_TRUE(crew.no_groups());
}

TEST(SimShared, ARuleWithoutGroupsAllowsNone) {
    everywhere(3, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        crew.world.realm->rules.clear();
        crew.world.realm->allow("all", "#");
        ASSERT_TRUE(crew.world.adopt());
        SimClient& member = crew.connect(0);
        member.subscribe(kShare, 1);
        crew.world.settle();
        EXPECT_EQ(member.subacks.back().second, std::vector<Reason>{Reason::NotAuthorized});
        EXPECT_TRUE(crew.no_groups());
    });
}

TEST(SimShared, AClientOfLevel311MayShareToo) {
    everywhere(3, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& a = crew.member(0, 1, {.level = mqtt::Level::V311});
        SimClient& b = crew.member(1);
        crew.say(crew.publisher(), 0, 20);
        crew.world.settle();
        EXPECT_EQ(a.received.size(), 10U);
        expect_each_once(count({&a, &b}), 0, 20);
    });
}

TEST(SimShared, ASingleMemberGetsAPublishersMessagesInOrderAlsoOverABrokenConnection) {
    everywhere(30, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& first = crew.member(0, 1, {.expiry_s = 600});
        SimClient& publisher = crew.publisher();
        crew.say_slowly(publisher, 0, 30);
        first.cut();
        crew.say_slowly(publisher, 30, 60);
        crew.world.settle();
        crew.say(publisher, 60, 70);
        SimClient& again = crew.connect(0, {.clean = false, .expiry_s = 600});
        EXPECT_TRUE(again.session_present);
        crew.say_slowly(publisher, 70, 90);
        crew.world.settle();
        Payloads got = first.payloads();
        // What was on the wire unacknowledged comes again, first.
        for (const Received& one : again.received) {
            if (std::ranges::find(got, one.payload) == got.end()) got.push_back(one.payload);
        }
        EXPECT_EQ(got, numbered(0, 90));
        EXPECT_EQ(again.payloads().back(), "89");
        EXPECT_TRUE(std::ranges::is_sorted(again.received, {}, [](const Received& one) {
            return std::stoi(one.payload);
        })) << "order";
    });
}

TEST(SimShared, AMembershipSurvivesWithItsSessionAndEndsWithIt) {
    everywhere(5, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& first = crew.member(0, 1, {.expiry_s = 600});
        first.cut();
        crew.world.settle();
        SimClient& again = crew.connect(0, {.clean = false, .expiry_s = 600});
        EXPECT_TRUE(again.session_present);
        SimClient& publisher = crew.publisher();
        crew.say(publisher, 0, 5);
        crew.world.settle();
        EXPECT_EQ(again.payloads(), numbered(0, 5));
        again.cut();
        crew.world.settle();
        EXPECT_FALSE(crew.no_groups());
        crew.world.advance(std::chrono::seconds(601));
        EXPECT_TRUE(crew.no_groups());
    });
}

TEST(SimShared, WhoIsAwayIsChosenOnlyWhenNobodyIsThereAndNeverForQos0) {
    everywhere(10, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& durable = crew.member(0, 1, {.expiry_s = 600});
        SimClient& there = crew.member(1);
        SimClient& publisher = crew.publisher();
        durable.cut();
        crew.world.settle();
        crew.say(publisher, 0, 10);
        crew.world.settle();
        EXPECT_EQ(there.payloads(), numbered(0, 10));
        there.disconnect();
        crew.world.settle();
        crew.say(publisher, 10, 20);
        crew.world.settle();
        EXPECT_EQ(crew.dropped(), 0U);
        crew.say(publisher, 20, 25, 0);
        crew.world.settle();
        EXPECT_EQ(crew.dropped(), 5U) << "QoS 0 waits for nobody";
        SimClient& again = crew.connect(0, {.clean = false, .expiry_s = 600});
        crew.world.settle();
        EXPECT_EQ(again.payloads(), numbered(10, 20));
    });
}

TEST(SimShared, WhatWaitsForAnAbsentMemberGoesToOneThatComes) {
    everywhere(20, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& gone = crew.member(0, 1, {.expiry_s = 600});
        SimClient& publisher = crew.publisher();
        crew.say_slowly(publisher, 0, 5);
        crew.world.settle();
        gone.cut();
        crew.say_slowly(publisher, 5, 20);
        crew.world.settle();
        SimClient& other = crew.member(1);
        crew.world.settle();
        SimClient& again = crew.connect(0, {.clean = false, .expiry_s = 600});
        crew.world.settle();
        const auto times = count({&gone, &other, &again});
        EXPECT_EQ(times.size(), 20U);
        // Only what was on its way to the broken connection may come twice, and then to the same session.
        expect_each_once(count({&other}), 20 - static_cast<int>(other.received.size()), 20);
        EXPECT_GE(other.received.size(), 1U);
        for (const Received& one : again.received)
            EXPECT_EQ(count({&other}).count(one.payload), 0U) << one.payload;
    });
}

TEST(SimShared, AFullForwardLanePausesPublishersAndLosesNothing) {
    for (std::uint64_t seed = 2; seed <= 40; seed += 2) {  // lanes of two and four entries
        Crew crew(3, seed);
        const auto owner = broker::Groups::owner_of(*crew.world.mesh, kShare);
        const std::uint32_t home = (owner + 1) % 3;
        SimClient& a = crew.member(home);
        SimClient& near = crew.publisher(owner);
        SimClient& far = crew.publisher(owner + 2);
        SimClient& watcher = crew.connect(owner + 3);
        crew.subscribe(watcher, "live");
        crew.world.frozen[home] = true;
        crew.say(near, 0, 50);
        for (int i = 50; i < 100; ++i)
            far.publish("t/y", std::to_string(i), 1);
        crew.world.settle();
        EXPECT_LE(near.pubacks.size(), 2U) << "one more than the lane takes is the stash";
        EXPECT_LE(far.pubacks.size(), 5U) << "its publish lane, and one entry that was drained";
        EXPECT_GE(far.pubacks.size(), 4U);
        crew.world.frozen[home] = false;
        crew.world.settle();
        EXPECT_EQ(near.pubacks.size(), 50U);
        EXPECT_EQ(far.pubacks.size(), 50U);
        Payloads x;
        Payloads y;
        for (const Received& one : a.received)
            (one.topic == "t/x" ? x : y).push_back(one.payload);
        EXPECT_EQ(x, numbered(0, 50));
        EXPECT_EQ(y, numbered(50, 100));
    }
}

TEST(SimShared, OnlyEntitledMembersGetMessagesAndWhatOneHeldGoesToOthers) {
    everywhere(20, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& some = crew.member(0, 1, {.user = "s", .receive_maximum = 2});
        some.auto_ack = false;
        SimClient& other = crew.member(1);
        SimClient& publisher = crew.publisher();
        crew.say_slowly(publisher, 0, 20);
        crew.world.settle();
        ASSERT_EQ(some.received.size(), 2U);
        crew.grant("elsewhere/#");
        crew.world.settle();
        EXPECT_EQ(other.received.size(), 18U) << "eight waited for one who may not any more";
        crew.say_slowly(publisher, 20, 40);
        crew.world.settle();
        EXPECT_EQ(some.received.size(), 2U);
        expect_each_once(count({&some, &other}), 0, 40);
        // The right comes back, and so does the member.
        crew.grant("t/#");
        for (const Received& one : some.received)
            some.ack(mqtt::PacketType::Puback, one.packet_id);
        some.auto_ack = true;
        crew.say_slowly(publisher, 40, 60);
        crew.world.settle();
        EXPECT_EQ(some.received.size(), 12U);
        expect_each_once(count({&some, &other}), 0, 60);
        EXPECT_EQ(crew.dropped(), 0U);
    });
}

TEST(SimShared, AMessageThatNoMemberMayHaveVisitsEachOnceAndIsDropped) {
    everywhere(10, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        std::vector<SimClient*> members;
        for (std::uint32_t n = 0; n < 5; ++n) {
            members.push_back(&crew.member(n, 1, {.user = "s", .receive_maximum = 1}));
            members.back()->auto_ack = false;
        }
        SimClient& publisher = crew.publisher();
        crew.say_slowly(publisher, 0, 15);
        crew.world.settle();
        crew.grant("elsewhere/#");
        crew.world.settle();
        EXPECT_EQ(crew.dropped(), 10U);
        for (const SimClient* member : members)
            EXPECT_EQ(member->received.size(), 1U);
        crew.say(publisher, 15, 20);
        crew.world.settle();
        EXPECT_EQ(crew.dropped(), 15U);
    });
}

TEST(SimShared, AFullMemberPassesOnAndComesBackWhenItHasRoom) {
    everywhere(10, [](std::uint32_t shards, std::uint64_t seed) {
        broker::Settings settings;
        settings.max_queued_messages = 8;
        Crew crew(shards, seed, settings);
        SimClient& full = crew.member(0, 1, {.receive_maximum = 1});
        full.auto_ack = false;
        SimClient& other = crew.member(1);
        SimClient& publisher = crew.publisher();
        for (int i = 0; i < 100; i += 4) {
            crew.say(publisher, i, i + 4);
            crew.world.settle();
        }
        EXPECT_EQ(full.received.size(), 1U);
        EXPECT_EQ(other.received.size(), 91U) << "one is on the wire, eight wait";
        EXPECT_EQ(crew.dropped(), 0U);
        full.auto_ack = true;
        full.ack(mqtt::PacketType::Puback, full.received[0].packet_id);
        crew.world.settle();
        crew.say(publisher, 100, 110);
        crew.world.settle();
        EXPECT_EQ(full.received.size(), 14U);
        expect_each_once(count({&full, &other}), 0, 110);
    });
}

TEST(SimShared, WhenAllAreFullTheMessageIsDroppedAndCountedAndOneWithRoomIsFoundAgain) {
    everywhere(10, [](std::uint32_t shards, std::uint64_t seed) {
        broker::Settings settings;
        settings.max_queued_messages = 4;
        Crew crew(shards, seed, settings);
        SimClient& a = crew.member(0, 1, {.receive_maximum = 1});
        SimClient& b = crew.member(1, 1, {.receive_maximum = 1});
        a.auto_ack = b.auto_ack = false;
        SimClient& publisher = crew.publisher();
        for (int i = 0; i < 20; ++i) {
            crew.say(publisher, i, i + 1);
            crew.world.settle();
        }
        EXPECT_EQ(crew.dropped(), 10U);
        b.auto_ack = true;
        b.ack(mqtt::PacketType::Puback, b.received[0].packet_id);
        crew.world.settle();
        EXPECT_EQ(b.received.size(), 5U);
        crew.say(publisher, 20, 21);
        crew.world.settle();
        EXPECT_EQ(b.received.size(), 6U);
        EXPECT_EQ(crew.dropped(), 10U);
    });
}

TEST(SimShared, AMessageTooLargeForOneMemberGoesToAnother) {
    everywhere(5, [](std::uint32_t shards, std::uint64_t seed) {
        for (const std::uint8_t qos : kLowQos) {
            Crew crew(shards, seed);
            SimClient& small = crew.member(0, 1, {.max_packet = 100});
            SimClient& large = crew.member(1);
            SimClient& publisher = crew.publisher();
            for (int i = 0; i < 6; ++i)
                publisher.publish("t/x", std::string(200, 'x'), qos);
            crew.world.settle();
            EXPECT_TRUE(small.received.empty());
            EXPECT_EQ(large.received.size(), 6U);
            crew.say(publisher, 0, 2, qos);
            crew.world.settle();
            EXPECT_EQ(small.received.size(), 1U);
        }
    });
}

TEST(SimShared, JoinsThatNoOwnerHasAnsweredAreBounded) {
    broker::Settings settings;
    settings.max_subscriptions = 4;
    Crew crew(3, 1, settings);
    const auto owner = broker::Groups::owner_of(*crew.world.mesh, kShare);
    SimClient& a = crew.connect((owner + 1) % 3);
    crew.world.frozen[owner] = true;
    for (int i = 0; i < 10; ++i)
        a.subscribe(kShare, 1);
    crew.world.settle();
    ASSERT_EQ(a.subacks.size(), 6U) << "refusals need no owner";
    for (const auto& [id, reasons] : a.subacks)
        EXPECT_EQ(reasons, std::vector<Reason>{Reason::QuotaExceeded});
    EXPECT_EQ(crew.session(a)->memberships->asked, 4U);
    crew.world.frozen[owner] = false;
    crew.world.settle();
    EXPECT_EQ(a.subacks.size(), 10U);
    EXPECT_EQ(crew.session(a)->memberships->asked, 0U);
}

TEST(SimShared, ABrokerThatStopsWithHandoffsUnderWayFreesThem) {
    Crew crew(3, 2);
    const auto owner = broker::Groups::owner_of(*crew.world.mesh, kShare);
    const std::uint32_t home = (owner + 1) % 3;
    crew.member(home);
    crew.world.frozen[home] = true;
    crew.say(crew.publisher(owner), 0, 10);
    crew.world.settle();
    EXPECT_TRUE(crew.world.shards[owner]->ingress().stashed());
    // Nothing is thawed: the end of the scope is the test, under a leak checker.
}

}  // namespace
}  // namespace latchkey::sim
