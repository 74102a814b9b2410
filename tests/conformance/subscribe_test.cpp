// SUBSCRIBE, UNSUBSCRIBE and their answers: MQTT 5.0 and 3.1.1, 3.8 to 3.12, and what level 3 does instead.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "conformance/wire_client.h"

namespace latchkey::conformance {
namespace {

class SubscribeConformance : public OnShards {
  protected:
    /// May use a, b and c, and hears no reason strings.
    WireClient& restricted(unsigned level) {
        if (!world().realm->users.contains("some")) {
            world().realm->users["some"] = {.roles = {"some"}};
            for (const char* filter : {"a", "b", "c"})
                world().realm->allow("some", filter);
            EXPECT_TRUE(world().adopt());
        }
        return online({.level = level, .properties = level == 5 ? b({0x17, 0}) : "", .user = "some"});
    }
};

std::string unsubscribe(std::initializer_list<const char*> filters, unsigned id, unsigned level = 5) {
    std::string body = u16(id) + (level == 5 ? block() : "");
    for (const char* filter : filters)
        body += s(filter);
    return packet(0xA2, body);
}

TEST_P(SubscribeConformance, MQTT_3_8_4_EveryFilterIsAnsweredInItsPlaceByOnePacket) {
    const std::string filters = s("c") + b({2}) + s("no") + b({0}) + s("a") + b({0}) + s("a/#/b") + b({1}) +
                                s("$share/x") + b({0}) + s("b") + b({1}) + s("b+") + b({1});
    WireClient& five = restricted(5);
    EXPECT_EQ(hex(five.say(packet(0x82, u16(0x0102) + block() + filters))),
              hex(packet(0x90, u16(0x0102) + block() + b({2, 0x87, 0, 0x8F, 0x8F, 1, 0x8F}))));
    WireClient& four = restricted(4);
    EXPECT_EQ(hex(four.say(packet(0x82, u16(0x0102) + filters))),
              hex(packet(0x90, u16(0x0102) + b({2, 0x80, 0, 0x80, 0x80, 1, 0x80}))));
    WireClient& publisher = online({.client_id = "p", .level = 4});
    for (const char* topic : {"a", "b", "c", "no"})
        publisher.say(publish0(topic, "x", 4));
    EXPECT_EQ(four.heard().size(), 3U) << "what was granted counts, what was not does not";
}

TEST_P(SubscribeConformance, MQTT_3_10_4_EveryUnsubscribeIsAnsweredFilterByFilter) {
    for (const unsigned level : {5U, 4U, 3U}) {
        WireClient& one = online({.level = level});
        for (const char* filter : {"a", "a/+", "b"})
            one.say(subscribe(filter, 0, 9, level));
        const std::string codes = level == 5 ? block() + b({0x11, 0, 0x8F, 0, 0x11}) : "";
        EXPECT_EQ(hex(one.say(unsubscribe({"a/b", "a/+", "a/#/b", "b", "B"}, 300, level))),
                  hex(packet(0xB0, u16(300) + codes)));
        // Character by character: only what was named is gone.
        WireClient& publisher = online({.client_id = "p", .level = 4});
        for (const char* topic : {"a", "a/b", "b"})
            publisher.say(publish0(topic, "x", 4));
        EXPECT_EQ(hex(one.take()), hex(publish0("a", "x", level)));
        EXPECT_EQ(hex(one.say(unsubscribe({"nothing"}, 301, level))),
                  hex(packet(0xB0, u16(301) + (level == 5 ? block() + b({0x11}) : ""))));
    }
}

TEST_P(SubscribeConformance, MQTT_3_10_4_3_WhatWasBegunIsCompletedAfterUnsubscribe) {
    WireClient& one = online({.properties = b({0x21}) + u16(1)});
    one.say(subscribe("t", 2));
    WireClient& publisher = online({.client_id = "p", .level = 4});
    publisher.say(publish(2, "t", "begun", 1, 4) + ack(6, 1));
    EXPECT_EQ(hex(one.take()), hex(publish(2, "t", "begun", 1)));
    one.say(unsubscribe({"t"}, 40));
    publisher.say(publish(2, "t", "too late", 2, 4) + ack(6, 2));
    EXPECT_EQ(hex(one.say(ack(5, 1))), hex(ack(6, 1)));
    EXPECT_EQ(hex(one.say(ack(7, 1))), "") << "nothing new after UNSUBACK [MQTT-3.10.4-2]";
}

TEST_P(SubscribeConformance, MQTT_3_8_4_3_TheSameFilterReplacesItsSubscription) {
    WireClient& publisher = online({.client_id = "p", .level = 4});
    publisher.say(publish0("t", "kept", 4, "", true));
    WireClient& one = online({});
    const auto id = [](unsigned number) { return b({0x0B, number}); };
    const auto told = [&](unsigned options, unsigned number) {
        std::string out;
        for (const Wire& wire : one.ask(subscribe("t", options, 9, 5, id(number)))) {
            if (wire.type() == 3) out += wire.bytes;
        }
        return hex(out);
    };
    EXPECT_EQ(told(0x02, 5), hex(publish0("t", "kept", 5, id(5), true)));
    EXPECT_EQ(told(0x10, 6), "") << "handling 1: it existed";
    EXPECT_EQ(told(0x20, 7), "") << "handling 2: never";
    EXPECT_EQ(told(0x00, 8), hex(publish0("t", "kept", 5, id(8), true))) << "handling 0: each time";
    publisher.say(publish(1, "t", "live", 1, 4));
    EXPECT_EQ(hex(one.take()), hex(publish0("t", "live", 5, id(8)))) << "one copy, at the new QoS";
}

TEST_P(SubscribeConformance, MQTT_3_8_3_3_NoLocalHoldsLiveAndForRetainedMessages) {
    WireClient& one = online({.client_id = "self"});
    one.say(subscribe("t/#", 0x04));
    one.say(publish0("t/1", "mine", 5, "", true));
    EXPECT_EQ(hex(one.take()), "");
    WireClient& other = online({.client_id = "other"});
    other.say(publish0("t/2", "yours", 5, "", true));
    EXPECT_EQ(hex(one.take()), hex(publish0("t/2", "yours")));
    // Asked for again: still not its own.
    const auto heard = one.ask(subscribe("t/#", 0x04));
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_EQ(hex(heard[1].bytes), hex(publish0("t/2", "yours", 5, "", true)));
    EXPECT_EQ(one.ask(subscribe("t/#", 0x00)).size(), 3U) << "without no-local, both";
}

TEST_P(SubscribeConformance, MQTT_3_8_4_8_TheQosIsTheLowerOfBoth) {
    for (const unsigned level : {5U, 4U, 3U}) {
        WireClient& publisher = online({.client_id = "p", .level = 4});
        for (const unsigned granted : {0U, 1U, 2U}) {
            for (const unsigned sent : {0U, 1U, 2U}) {
                WireClient& one = online({.client_id = "one", .level = level});
                one.say(subscribe("t", granted, 9, level));
                publisher.say(sent == 0 ? publish0("t", "x", 4) : publish(sent, "t", "x", 3, 4));
                if (sent == 2) publisher.say(ack(6, 3));
                const unsigned lower = std::min(granted, sent);
                EXPECT_EQ(hex(one.take()),
                          hex(lower == 0 ? publish0("t", "x", level) : publish(lower, "t", "x", 1, level)));
            }
        }
    }
}

TEST_P(SubscribeConformance, MQTT_3_12_4_1_EveryPingIsAnswered) {
    for (const unsigned level : {5U, 4U, 3U})
        EXPECT_EQ(hex(online({.level = level}).say(kPing + kPing)), hex(kPong + kPong));
}

TEST_P(SubscribeConformance, Level31HasNoWayToRefuseAFilterButToClose) {
    for (const char* filter : {"a/#/b", "b+", "$share/x", "no"}) {
        WireClient& one = restricted(3);
        const auto heard = one.ask(packet(0x82, u16(7) + s("a") + b({0}) + s(filter) + b({0})));
        EXPECT_TRUE(heard.empty()) << filter << ": no SUBACK can say it";
        EXPECT_TRUE(one.closed()) << filter;
    }
    WireClient& fine = restricted(3);
    EXPECT_EQ(hex(fine.say(packet(0x82, u16(7) + s("a") + b({2})))), hex(packet(0x90, u16(7) + b({2}))));
}

TEST_P(SubscribeConformance, MQTT_4_7_TopicsAreComparedByteByByte) {
    WireClient& one = online({});
    for (const char* filter : {"#", "+/monitor", "a//b", "/a", "A",
                               "\xEF\xBB\xBF"
                               "bom",
                               "a/"})
        one.say(subscribe(filter, 0));
    one.say(unsubscribe({"#"}, 50));
    WireClient& publisher = online({.client_id = "p"});
    struct Row {
        const char* topic;
        bool comes;
    };
    for (const Row& row : {Row{"a/monitor", true}, Row{"a//b", true}, Row{"a/b", false}, Row{"/a", true},
                           Row{"a", false}, Row{"A", true}, Row{"bom", false},
                           Row{"\xEF\xBB\xBF"
                               "bom",
                               true},
                           Row{"a/", true}, Row{"e\xCC\x81", false}}) {
        publisher.say(publish0(row.topic, "x"));
        EXPECT_EQ(hex(one.take()), row.comes ? hex(publish0(row.topic, "x")) : "") << row.topic;
    }
}

INSTANTIATE_TEST_SUITE_P(Shards, SubscribeConformance, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::conformance
