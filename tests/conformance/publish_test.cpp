// PUBLISH and what answers it: MQTT 5.0 3.3 to 3.7, 4.3, 4.4, 4.9, and their counterparts in 3.1.1.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "conformance/wire_client.h"

namespace latchkey::conformance {
namespace {

using std::chrono::seconds;

class PublishConformance : public OnShards {
  protected:
    /// A reader of `filter` at QoS 2 with a session, and what its SUBACK said taken away.
    WireClient& reader(std::string_view filter, const std::string& properties = {}, unsigned level = 5) {
        WireClient& one =
            online({.client_id = "reader", .level = level, .clean = level == 5, .properties = properties});
        one.say(subscribe(filter, 2, 9, level));
        return one;
    }
    WireClient& back(const std::string& properties = {}, unsigned level = 5) {
        return online({.client_id = "reader", .level = level, .clean = false, .properties = properties});
    }
};

const std::string kKept = b({0x11}) + u32(600);

std::string receive_maximum(unsigned most) {
    return b({0x21}) + u16(most);
}

TEST_P(PublishConformance, MQTT_3_3_1_3_DupIsNotPassedOn) {
    for (const unsigned level : {5U, 4U, 3U}) {
        WireClient& one = reader("t", "", level);
        WireClient& publisher = online({.client_id = "p", .level = level});
        publisher.say(publish(1, "t", "x", 77, level, "", 0x08));
        EXPECT_EQ(hex(one.take()), hex(publish(1, "t", "x", 1, level)));
        one.say(ack(4, 1));
        online({.client_id = "reader"}).cut();
    }
}

TEST_P(PublishConformance, MQTT_3_3_1_5_RetainedMessagesAreStoredReplacedRemovedOrLeftAlone) {
    struct Row {
        const char* what;
        const char* payload;
        bool retain;
        const char* kept;  ///< afterwards; empty: none
    };
    for (const unsigned level : {5U, 4U, 3U}) {
        WireClient& publisher = online({.client_id = "p", .level = level});
        WireClient& live = online({.client_id = "live", .level = level});
        live.say(subscribe("t", 0, 9, level));
        unsigned qos = 0;
        for (const Row& row :
             {Row{"stored", "1", true, "1"}, Row{"left alone", "2", false, "1"},
              Row{"replaced", "3", true, "3"}, Row{"an empty one is not kept", "", true, ""},
              Row{"nor is one that is not retained", "4", false, ""}, Row{"stored again", "5", true, "5"},
              Row{"left alone, empty", "", false, "5"}, Row{"removed", "", true, ""}}) {
            qos = (qos + 1) % 3;
            const unsigned flags = row.retain ? 1 : 0;
            publisher.say(qos == 0 ? publish0("t", row.payload, level, "", row.retain)
                                   : publish(qos, "t", row.payload, 5, level, "", flags));
            if (qos == 2) publisher.say(ack(6, 5));
            EXPECT_EQ(hex(live.take()), hex(publish0("t", row.payload, level))) << row.what;
            WireClient& later = online({.client_id = "later", .level = level});
            const auto heard = later.ask(subscribe("t", 0, 9, level));
            ASSERT_EQ(heard.size(), *row.kept ? 2U : 1U) << row.what;
            if (*row.kept) {
                EXPECT_EQ(hex(heard[1].bytes), hex(publish0("t", row.kept, level, "", true))) << row.what;
            }
            later.cut();
        }
        live.cut();
    }
}

TEST_P(PublishConformance, MQTT_3_3_2_PropertiesArriveAsTheyWereSent) {
    // In an order of no table, with a name that repeats: every byte of it must come through.
    const std::string properties = b({0x26}) + s("b") + s("2") + b({0x08}) + s("answer/here") + b({0x26}) +
                                   s("a") + s("1") + b({0x01, 0x01}) + b({0x09}) + s(b({0, 255, 7})) +
                                   b({0x26}) + s("b") + s("") + b({0x03}) + s("text/x") + b({0x26}) + s("b") +
                                   s("2");
    WireClient& live = reader("t/#", kKept);
    WireClient& old = online({.client_id = "old", .level = 4});
    old.say(subscribe("t/#", 0, 9, 4));
    WireClient& publisher = online({.client_id = "p"});
    publisher.say(publish(1, "t/live", "x", 1, 5, properties, 1));
    EXPECT_EQ(hex(live.take()), hex(publish(1, "t/live", "x", 1, 5, properties))) << "live";
    EXPECT_EQ(hex(old.take()), hex(publish0("t/live", "x", 4))) << "level 4 has no properties";
    live.say(ack(4, 1));
    live.cut();
    publisher.say(publish(1, "t/queued", "x", 2, 5, properties));
    WireClient& again = back(kKept);
    EXPECT_EQ(hex(again.take()), hex(publish(1, "t/queued", "x", 2, 5, properties))) << "queued";
    const auto kept = online({.client_id = "late"}).ask(subscribe("t/live", 0));
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_EQ(hex(kept[1].bytes), hex(publish0("t/live", "x", 5, properties, true))) << "retained";
    online({.client_id = "dies", .will_properties = properties, .will_topic = "t/will", .will_payload = "x"})
        .cut();
    EXPECT_EQ(hex(again.take()), hex(publish0("t/will", "x", 5, properties))) << "will [MQTT-3.1.3-10]";
}

TEST_P(PublishConformance, MQTT_3_3_2_12_TopicAliasesHoldForOneConnection) {
    broker::Settings settings;
    settings.packets.topic_alias_maximum = 3;
    world(settings);
    WireClient& one = reader("t/#");
    WireClient& publisher = client();
    EXPECT_EQ(property_of(publisher.connect({.client_id = "p"}), 0x22), u16(3));
    const auto alias = [](unsigned number) { return b({0x23}) + u16(number); };
    for (unsigned number = 1; number <= 3; ++number) {
        const std::string topic = "t/" + std::to_string(number);
        publisher.say(publish0(topic, "set", 5, alias(number)));
        EXPECT_EQ(hex(one.take()), hex(publish0(topic, "set"))) << "the alias ends here";
        publisher.say(publish0("", "used", 5, alias(number)));
        EXPECT_EQ(hex(one.take()), hex(publish0(topic, "used")));
    }
    publisher.say(publish0("t/new", "x", 5, alias(1)) + publish0("", "y", 5, alias(1)));
    EXPECT_EQ(hex(one.take()), hex(publish0("t/new", "x") + publish0("t/new", "y")));
    WireClient& again = online({.client_id = "p", .clean = false});
    const auto heard = again.ask(publish0("", "z", 5, alias(1)));
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].code(), 0x82U) << "of another connection [MQTT-3.3.2-7]";
    EXPECT_EQ(one.take(), "");
}

TEST_P(PublishConformance, MQTT_3_3_4_1_EachQosIsAnsweredInItsWay) {
    for (const unsigned level : {5U, 4U, 3U}) {
        WireClient& one = online({.client_id = "p", .level = level});
        EXPECT_EQ(hex(one.say(publish0("t", "x", level))), "");
        EXPECT_EQ(hex(one.say(publish(1, "t", "x", 0x1234, level))), hex(ack(4, 0x1234)));
        EXPECT_EQ(hex(one.say(publish(2, "t", "x", 0xFFFF, level))), hex(ack(5, 0xFFFF)));
        EXPECT_EQ(hex(one.say(ack(6, 0xFFFF))), hex(ack(7, 0xFFFF)));
        // Released before, or never known: answered all the same, so that the sender can end it.
        EXPECT_EQ(hex(one.say(ack(6, 0xFFFF))),
                  hex(level == 5 ? packet(0x70, u16(0xFFFF) + b({0x92})) : ack(7, 0xFFFF)));
    }
}

TEST_P(PublishConformance, MQTT_4_3_2_5_AfterItsAcknowledgementAnIdentifierIsNewAgain) {
    WireClient& one = reader("t", receive_maximum(9));
    WireClient& publisher = online({.client_id = "p"});
    publisher.say(publish(1, "t", "a", 5) + publish(1, "t", "b", 5, 5, "", 8));
    publisher.say(publish(2, "t", "c", 5));
    publisher.say(publish(2, "t", "not twice", 5, 5, "", 8));
    publisher.say(ack(6, 5));
    publisher.say(publish(2, "t", "d", 5, 5, "", 8));
    publisher.say(ack(6, 5));
    EXPECT_EQ(hex(one.take()), hex(publish(1, "t", "a", 1) + publish(1, "t", "b", 2) +
                                   publish(2, "t", "c", 3) + publish(2, "t", "d", 4)));
}

TEST_P(PublishConformance, MQTT_4_3_3_9_AfterAnErrorAnIdentifierIsNewAgain) {
    world().realm->users["some"] = {.roles = {"some"}};
    world().realm->allow("some", "t");
    ASSERT_TRUE(world().adopt());
    WireClient& one = reader("#");
    WireClient& publisher = online({.client_id = "p", .properties = b({0x17, 0}), .user = "some"});
    EXPECT_EQ(hex(publisher.say(publish(2, "no", "x", 5))), hex(packet(0x50, u16(5) + b({0x87}))));
    EXPECT_EQ(hex(publisher.say(publish(2, "t", "y", 5))), hex(ack(5, 5)));
    EXPECT_EQ(hex(publisher.say(ack(6, 5))), hex(ack(7, 5)));
    EXPECT_EQ(hex(one.take()), hex(publish(2, "t", "y", 1)));
}

TEST_P(PublishConformance, MQTT_4_3_3_TheServersPacketsForEachQosAndWhatItSendsAgain) {
    for (const unsigned level : {5U, 4U}) {
        WireClient& publisher = online({.client_id = "p", .level = 4});
        const std::string kept = level == 5 ? kKept : "";
        WireClient& one = reader("t", kept, level);
        publisher.say(publish(1, "t", "a", 1, 4) + publish(2, "t", "b", 2, 4) + ack(6, 2));
        EXPECT_EQ(hex(one.take()), hex(publish(1, "t", "a", 1, level) + publish(2, "t", "b", 2, level)));
        one.cut();
        // Neither was acknowledged: both again, in their order, with their identifiers, DUP set.
        WireClient& second = back(kept, level);
        EXPECT_EQ(hex(second.take()),
                  hex(publish(1, "t", "a", 1, level, "", 8) + publish(2, "t", "b", 2, level, "", 8)));
        EXPECT_EQ(hex(second.say(ack(4, 1))), "");
        EXPECT_EQ(hex(second.say(ack(5, 2))), hex(ack(6, 2)));
        second.cut();
        // Released: PUBREL again and never the PUBLISH.
        WireClient& third = back(kept, level);
        EXPECT_EQ(hex(third.take()), hex(ack(6, 2)));
        EXPECT_EQ(hex(third.say(ack(7, 2))), "");
        third.cut();
        WireClient& fourth = back(kept, level);
        EXPECT_EQ(hex(fourth.take()), "");
        EXPECT_EQ(hex(fourth.say(ack(5, 2))), hex(level == 5 ? packet(0x62, u16(2) + b({0x92})) : ack(6, 2)));
        // At no other time is anything sent again.
        publisher.say(publish(1, "t", "c", 3, 4));
        EXPECT_EQ(fourth.heard().size(), 1U);
        world().advance(seconds(500));
        EXPECT_EQ(hex(fourth.take()), "");
        online({.client_id = "reader", .level = 4}).cut();
    }
}

TEST_P(PublishConformance, MQTT_4_3_3_7_OnceSentQoS2IsCompletedThoughItExpires) {
    WireClient& one = reader("t", kKept);
    WireClient& publisher = online({.client_id = "p"});
    const std::string expiry = b({0x02}) + u32(2);
    publisher.say(publish(2, "t", "x", 1, 5, expiry) + ack(6, 1));
    EXPECT_EQ(hex(one.take()), hex(publish(2, "t", "x", 1, 5, expiry)));
    one.cut();
    publisher.say(publish(2, "t", "never sent", 2, 5, expiry) + ack(6, 2));
    world().advance(seconds(30));
    WireClient& again = back(kKept);
    EXPECT_EQ(hex(again.take()), hex(publish(2, "t", "x", 1, 5, b({0x02}) + u32(0), 8)));
    EXPECT_EQ(hex(again.say(ack(5, 1))), hex(ack(6, 1)));
    EXPECT_EQ(hex(again.say(ack(7, 1))), "");
}

TEST_P(PublishConformance, MQTT_4_3_3_13_AReceivedQoS2IsCompletedThoughItHasExpired) {
    WireClient& one = reader("t", kKept);
    WireClient& publisher = online({.client_id = "p"});
    EXPECT_EQ(hex(publisher.say(publish(2, "t", "x", 1, 5, b({0x02}) + u32(1)))), hex(ack(5, 1)));
    world().advance(seconds(30));
    EXPECT_EQ(hex(publisher.say(ack(6, 1))), hex(ack(7, 1)));
    EXPECT_EQ(hex(one.take()), "");
}

TEST_P(PublishConformance, MQTT_4_4_0_2_AnErrorAnswerFreesThePlaceAndIsNotSentAgain) {
    WireClient& one = reader("t", kKept + receive_maximum(1));
    WireClient& publisher = online({.client_id = "p", .level = 4});
    publisher.say(publish(1, "t", "a", 1, 4) + publish(2, "t", "b", 2, 4) + ack(6, 2) +
                  publish(1, "t", "c", 3, 4));
    EXPECT_EQ(hex(one.take()), hex(publish(1, "t", "a", 1)));
    EXPECT_EQ(hex(one.say(packet(0x40, u16(1) + b({0x97})))), hex(publish(2, "t", "b", 2)));
    EXPECT_EQ(hex(one.say(packet(0x50, u16(2) + b({0x80})))), hex(publish(1, "t", "c", 3)))
        << "and no PUBREL";
    one.say(ack(4, 3));
    one.cut();
    EXPECT_EQ(hex(back(kKept).take()), "");
}

TEST_P(PublishConformance, MQTT_3_3_4_10_AFullWindowHoldsUpNothingElse) {
    WireClient& one = reader("t/#", receive_maximum(2));
    WireClient& publisher = online({.client_id = "p", .level = 4});
    for (unsigned id = 1; id <= 4; ++id)
        publisher.say(publish(1, "t/1", std::to_string(id), id, 4));
    EXPECT_EQ(hex(one.take()), hex(publish(1, "t/1", "1", 1) + publish(1, "t/1", "2", 2)));
    EXPECT_EQ(hex(one.say(kPing)), hex(kPong));
    EXPECT_EQ(hex(one.say(subscribe("u", 1, 30))), hex(packet(0x90, u16(30) + block() + b({1}))));
    EXPECT_EQ(hex(one.say(publish(1, "v", "x", 31))), hex(ack(4, 31)));
    EXPECT_EQ(hex(one.say(publish(2, "v", "x", 32))), hex(ack(5, 32)));
    EXPECT_EQ(hex(one.say(packet(0xA2, u16(33) + block() + s("u")))),
              hex(packet(0xB0, u16(33) + block() + b({0}))));
    EXPECT_EQ(hex(one.say(ack(4, 2))), hex(publish(1, "t/1", "3", 3))) << "one place, one message";
    EXPECT_EQ(hex(one.say(ack(4, 1))), hex(publish(1, "t/1", "4", 4)));
}

TEST_P(PublishConformance, MQTT_2_2_1_4_IdentifiersAreNeverZeroAndNeverInUse) {
    WireClient& one = reader("t", receive_maximum(3));
    WireClient& publisher = online({.client_id = "p", .level = 4});
    publisher.say(publish(1, "t", "held", 1, 4));
    EXPECT_EQ(hex(one.take()), hex(publish(1, "t", "held", 1))) << "identifier 1 stays in use";
    for (unsigned i = 2; i <= 70'000; ++i) {
        publisher.say(publish(1, "t", "x", 2, 4));
        const auto heard = one.heard();
        ASSERT_EQ(heard.size(), 1U);
        const std::string id = heard[0].body().substr(3, 2);
        ASSERT_NE(id, u16(0));
        ASSERT_NE(id, u16(1));
        one.write(packet(0x40, id));
    }
}

INSTANTIATE_TEST_SUITE_P(Shards, PublishConformance, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::conformance
