// Members of shared groups that leave (MQTT5 4.8.2): by UNSUBSCRIBE, with their session, by takeover. What
// they leave behind goes to others once.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/crew.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;

TEST(SimShared, NothingArrivesAfterUnsubackAndTheOthersGetItOnce) {
    for (const std::uint8_t qos : kAnyQos) {
        everywhere(30, [qos](std::uint32_t shards, std::uint64_t seed) {
            Crew crew(shards, seed);
            SimClient& a = crew.member(0, 2);
            SimClient& b = crew.member(1, 2);
            SimClient& publisher = crew.publisher(static_cast<std::uint32_t>(seed));
            crew.say_slowly(publisher, 0, 30, qos);
            a.unsubscribe(kShare);
            crew.say_slowly(publisher, 30, 60, qos);
            crew.world.settle();
            expect_each_once(count({&a, &b}), 0, 60);
            const std::string unsuback = "suback " + std::to_string(a.last_id());
            const auto end =
                std::ranges::find_if(a.order, [&](const auto& one) { return one.starts_with(unsuback); });
            ASSERT_NE(end, a.order.end());
            EXPECT_TRUE(
                std::none_of(end, a.order.end(), [](const auto& one) { return one.starts_with("publish"); }));
            EXPECT_EQ(crew.dropped(), 0U);
        });
    }
}

TEST(SimShared, UnsubackWaitsForWhatIsOnTheForwardLane) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Crew crew(3, seed);
        const auto owner = broker::Groups::owner_of(*crew.world.mesh, kShare);
        const std::uint32_t home = (owner + 1) % 3;
        SimClient& a = crew.member(home);
        SimClient& b = crew.member(owner);
        SimClient& publisher = crew.publisher(owner);
        // Its shard stands still while more is handed over than the lane takes, and UNSUBSCRIBE arrives.
        crew.world.frozen[home] = true;
        crew.say(publisher, 0, 20);
        crew.world.settle();
        a.unsubscribe(kShare);
        crew.world.frozen[home] = false;
        crew.world.settle();
        expect_each_once(count({&a, &b}), 0, 20);
        EXPECT_TRUE(a.order.back().starts_with("suback")) << a.order.back();
        EXPECT_EQ(crew.dropped(), 0U);
    }
}

/// How a member with unacknowledged and waiting messages ends its session.
enum class Ending { Goodbye, Broken, CleanStart, Expiry };

void end_session(Crew& crew, SimClient& who, Ending how) {
    switch (how) {
        case Ending::Goodbye:
            return who.disconnect_with_expiry(0);
        case Ending::Broken:
            return who.cut();
        case Ending::CleanStart:
            crew.connect(0, {.clean = true});
            return;
        case Ending::Expiry:
            who.cut();
            return crew.world.advance(std::chrono::seconds(11));
    }
}

void with_endings(std::uint8_t qos, const std::function<void(Crew&, SimClient&, SimClient&)>& check) {
    for (const Ending how : {Ending::Goodbye, Ending::Broken, Ending::CleanStart, Ending::Expiry}) {
        everywhere(8, [&](std::uint32_t shards, std::uint64_t seed) {
            SCOPED_TRACE(static_cast<int>(how));
            Crew crew(shards, seed);
            const bool durable = how == Ending::CleanStart || how == Ending::Expiry;
            // It takes three and acknowledges none.
            SimClient& a = crew.member(0, 2, {.expiry_s = durable ? 10U : 0U, .receive_maximum = 3});
            a.auto_ack = false;
            SimClient& b = crew.member(1, 2);
            SimClient& publisher = crew.publisher();
            crew.say_slowly(publisher, 0, 40, qos);
            crew.world.settle();
            ASSERT_EQ(a.received.size(), 3U);
            ASSERT_EQ(b.received.size(), 20U);
            end_session(crew, a, how);
            crew.say_slowly(publisher, 40, 60, qos);
            crew.world.settle();
            check(crew, a, b);
            EXPECT_EQ(crew.dropped(), 0U);
        });
    }
}

TEST(SimShared, AnEndedSessionsQos1MessagesGoToOthersOnceWithWhatItDidNotAcknowledge) {
    with_endings(1, [](Crew&, SimClient&, SimClient& b) { expect_each_once(count({&b}), 0, 60); });
}

TEST(SimShared, AnEndedSessionsQos2MessagesGoToOthersOnceWithoutWhatWasOnTheWire) {
    with_endings(2, [](Crew&, SimClient& a, SimClient& b) {
        expect_each_once(count({&a, &b}), 0, 60);
        EXPECT_EQ(a.received.size(), 3U);
    });
}

TEST(SimShared, AQos2MessageThatABrokenConnectionInterruptedIsCompletedWithItsMember) {
    everywhere(10, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& a = crew.member(0, 2, {.expiry_s = 600, .receive_maximum = 1});
        a.auto_ack = false;
        SimClient& b = crew.member(1, 2);
        crew.say(crew.publisher(), 0, 2, 2);
        crew.world.settle();
        ASSERT_EQ(a.received.size(), 1U);
        a.cut();
        crew.world.settle();
        EXPECT_EQ(b.received.size(), 1U) << "nobody else gets it [MQTT-4.8.2-5]";
        SimClient& again = crew.connect(0, {.clean = false, .expiry_s = 600});
        crew.world.settle();
        ASSERT_EQ(again.payloads(), a.payloads());
        EXPECT_TRUE(again.received[0].dup) << "[MQTT-4.8.2-4]";
        EXPECT_EQ(b.received.size(), 1U);
        EXPECT_EQ(crew.session(again)->memberships->by_key.begin()->second.entries, 0U);
    });
}

TEST(SimShared, AnErrorInTheAcknowledgementDiscardsTheMessage) {
    for (const std::uint8_t qos : kAcknowledgedQos) {
        everywhere(5, [qos](std::uint32_t shards, std::uint64_t seed) {
            Crew crew(shards, seed);
            SimClient& a = crew.member(0, 2);
            a.auto_ack = false;
            SimClient& b = crew.member(1, 2);
            crew.say(crew.publisher(), 0, 2, qos);
            crew.world.settle();
            ASSERT_EQ(a.received.size(), 1U);
            a.ack(qos == 1 ? mqtt::PacketType::Puback : mqtt::PacketType::Pubrec, a.received[0].packet_id,
                  Reason::UnspecifiedError);
            crew.world.settle();
            a.disconnect();
            crew.world.settle();
            EXPECT_EQ(b.received.size(), 1U) << "it went to nobody else [MQTT-4.8.2-6]";
        });
    }
}

TEST(SimShared, UnsubscribeRightBehindSubscribeLeavesNothing) {
    everywhere(20, [](std::uint32_t shards, std::uint64_t seed) {
        Crew crew(shards, seed);
        SimClient& a = crew.connect(0);
        SimClient& publisher = crew.publisher();
        for (int i = 0; i < 5; ++i) {
            a.subscribe(kShare, 1);
            a.unsubscribe(kShare);
        }
        crew.world.settle();
        ASSERT_EQ(a.subacks.size(), 10U);
        for (const auto& [id, reasons] : a.subacks)
            EXPECT_FALSE(mqtt::is_error(reasons.at(0)));
        EXPECT_TRUE(crew.no_groups());
        EXPECT_TRUE(crew.session(a)->memberships->by_key.empty());
        EXPECT_EQ(crew.session(a)->memberships->asked, 0U);
        crew.say(publisher, 0, 1);
        crew.world.settle();
        EXPECT_TRUE(a.received.empty());
        // A client that is gone before its owner answered leaves nothing either.
        a.subscribe(kShare, 1);
        a.cut();
        crew.world.settle();
        EXPECT_TRUE(crew.no_groups());
    });
}

TEST(SimShared, MembersThatComeAndGoLoseNothingWhileOneStays) {
    for (const std::uint8_t qos : kAcknowledgedQos) {
        everywhere(20, [qos](std::uint32_t shards, std::uint64_t seed) {
            Crew crew(shards, seed);
            SimClient& stays = crew.member(9, 2);
            std::vector<SimClient*> others;
            for (std::uint32_t n = 0; n < 4; ++n)
                others.push_back(&crew.member(n, 2));
            SimClient& publisher = crew.publisher();
            std::vector<bool> in(4, true);
            for (int i = 0; i < 150; ++i) {
                publisher.publish("t/x", std::to_string(i), qos);
                const auto n = crew.world.schedule.below(12);
                if (n < 4) {
                    in[n] ? others[n]->unsubscribe(kShare) : others[n]->subscribe(kShare, 2);
                    in[n] = !in[n];
                }
                crew.steps();
            }
            crew.world.settle();
            expect_each_once(count({&stays, others[0], others[1], others[2], others[3]}), 0, 150);
            EXPECT_EQ(crew.dropped(), 0U);
        });
    }
}

}  // namespace
}  // namespace latchkey::sim
