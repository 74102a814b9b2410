// CONNECT and CONNACK: MQTT 5.0 and 3.1.1, 3.1 and 3.2, as a server has to keep them, byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "conformance/wire_client.h"

namespace latchkey::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ConnectConformance : public OnShards {};

constexpr unsigned kLevels[] = {5, 4, 3};

std::string expiry(std::uint32_t seconds_kept) {
    return b({0x11}) + u32(seconds_kept);
}

TEST_P(ConnectConformance, MQTT_3_1_2_1_NameAndLevelDecideTheAnswer) {
    const std::string four = b({0x20, 0x02, 0x00, 0x00});
    EXPECT_EQ(hex(client().say(Hello{.level = 4}.bytes())), hex(four));
    EXPECT_EQ(hex(client().say(Hello{.client_id = "d", .level = 3}.bytes())), hex(four));
    EXPECT_EQ(online({.client_id = "e"}).say(kPing), kPong);
    ConnectBytes six;
    six.level = 6;
    six.payload = block() + s("c");
    const auto refused = client().ask(six.str());
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code(), 0x84U);
    ConnectBytes two;
    two.level = 2;
    WireClient& old = client();
    EXPECT_EQ(hex(old.say(two.str())), hex(b({0x20, 0x02, 0x00, 0x01})));
    EXPECT_TRUE(old.closed());
}

TEST_P(ConnectConformance, MQTT_3_1_2_4_5_6_SessionPresentSaysWhatWasKept) {
    struct Row {
        const char* what;
        unsigned level;
        bool first_clean;
        std::uint32_t kept_s;
        bool then_clean;
        int wait_s;
        bool present;
    };
    for (const Row& row : {Row{"nothing to keep", 5, true, 0, false, 0, false},
                           Row{"kept and asked for", 5, true, 100, false, 0, true},
                           Row{"kept but not wanted", 5, true, 100, true, 0, false},
                           Row{"kept until it expired", 5, true, 100, false, 101, false},
                           Row{"kept just so long", 5, true, 100, false, 99, true},
                           Row{"kept for ever", 5, false, 0xFFFFFFFF, false, 900'000, true},
                           Row{"3.1.1, clean first", 4, true, 0, false, 0, false},
                           Row{"3.1.1, never clean", 4, false, 0, false, 900'000, true},
                           Row{"3.1.1, clean again", 4, false, 0, true, 0, false}}) {
        const std::string properties = row.level == 5 ? expiry(row.kept_s) : "";
        const std::string id = row.what;
        WireClient& first = client();
        const Wire fresh = first.connect(
            {.client_id = id, .level = row.level, .clean = row.first_clean, .properties = properties});
        EXPECT_EQ(fresh.body()[0], '\0') << row.what << ": there was nothing before";
        first.say(subscribe("kept/" + id, 1, 5, row.level));
        first.cut();
        world().advance(seconds(row.wait_s));
        WireClient& second = client();
        const Wire connack = second.connect(
            {.client_id = id, .level = row.level, .clean = row.then_clean, .properties = properties});
        EXPECT_EQ(connack.body()[0] == 1, row.present) << row.what;
        // What the flag says is true of the state itself.
        WireClient& publisher = online({.client_id = "p", .level = 4});
        publisher.say(publish0("kept/" + id, "x", 4));
        EXPECT_EQ(second.heard().size(), row.present ? 1U : 0U) << row.what;
        second.cut();
        // Gone before the next row, whatever its level.
        online({.client_id = id, .level = 4}).cut();
    }
}

TEST_P(ConnectConformance, Level31SaysNothingAboutTheSession) {
    online({.client_id = "old", .level = 3, .clean = false}).cut();
    WireClient& again = client();
    EXPECT_EQ(hex(again.say(Hello{.client_id = "old", .level = 3, .clean = false}.bytes())),
              hex(b({0x20, 0x02, 0x00, 0x00})));
}

TEST_P(ConnectConformance, MQTT_3_1_2_14_AWillIsRetainedOnlyIfItSaysSo) {
    for (const unsigned level : kLevels) {
        for (const unsigned qos : {0U, 1U, 2U}) {
            for (const bool retain : {false, true}) {
                const std::string topic =
                    "w/" + std::to_string(level) + std::to_string(qos) + (retain ? "r" : "n");
                WireClient& watcher = online({.client_id = "watch"});
                watcher.say(subscribe(topic, 2));
                online({.client_id = "dies",
                        .level = level,
                        .will_topic = topic,
                        .will_payload = "gone",
                        .will_qos = qos,
                        .will_retain = retain})
                    .cut();
                const std::string live = qos == 0 ? publish0(topic, "gone") : publish(qos, topic, "gone", 1);
                EXPECT_EQ(hex(watcher.take()), hex(live));
                WireClient& later = online({.client_id = "later"});
                const auto heard = later.ask(subscribe(topic, 0));
                ASSERT_EQ(heard.size(), retain ? 2U : 1U) << topic;
                if (retain) {
                    EXPECT_EQ(hex(heard[1].bytes), hex(publish0(topic, "gone", 5, "", true)));
                }
            }
        }
    }
}

TEST_P(ConnectConformance, MQTT_3_1_2_26_NoTopicAliasAboveWhatTheClientAllows) {
    WireClient& publisher = online({.client_id = "p"});
    for (const unsigned most : {0U, 2U}) {
        WireClient& reader = online({.client_id = "r", .properties = b({0x22}) + u16(most)});
        WireClient& silent = online({.client_id = "s"});  // says nothing about aliases: as 0
        for (WireClient* one : {&reader, &silent})
            one->say(subscribe("t/#", 0));
        for (int round = 0; round < 3; ++round) {
            for (const char* topic : {"t/1", "t/2", "t/3", "t/4"})
                publisher.say(publish0(topic, "x"));
        }
        const auto check = [](const std::vector<Wire>& heard, unsigned limit) {
            ASSERT_EQ(heard.size(), 12U);
            for (const Wire& one : heard) {
                const auto alias = property_of(one, 0x23);
                if (!alias) continue;
                EXPECT_GT(*alias, u16(0));
                EXPECT_LE(*alias, u16(limit));
            }
        };
        check(reader.heard(), most);
        check(silent.heard(), 0);
        reader.cut();
        silent.cut();
    }
}

TEST_P(ConnectConformance, MQTT_3_1_2_28_NoResponseInformationUnasked) {
    for (const std::string& asked : {std::string(), b({0x19, 0})}) {
        WireClient& one = client();
        EXPECT_FALSE(property_of(one.connect({.properties = asked}), 0x1A));
    }
}

TEST_P(ConnectConformance, MQTT_3_1_2_29_WithoutProblemInformationAcknowledgementsCarryNoWords) {
    world().realm->users["poor"] = {.roles = {"nothing"}};
    world().realm->allow("nothing", "open/#");
    ASSERT_TRUE(world().adopt());
    for (const unsigned wanted : {0U, 1U}) {
        WireClient& poor = online({.properties = b({0x17, wanted}), .user = "poor"});
        const std::string words[] = {poor.say(publish(1, "no", "x", 1)), poor.say(publish(2, "no", "x", 2)),
                                     poor.say(subscribe("no", 0, 3))};
        const std::string bare[] = {packet(0x40, u16(1) + b({0x87})), packet(0x50, u16(2) + b({0x87})),
                                    packet(0x90, u16(3) + block() + b({0x87}))};
        for (int i = 0; i < 3; ++i) {
            if (wanted == 0) {
                EXPECT_EQ(hex(words[i]), hex(bare[i]));
            } else {
                EXPECT_GT(words[i].size(), bare[i].size()) << "says why";
            }
        }
    }
}

TEST_P(ConnectConformance, MQTT_3_1_3_1_ThePayloadIsReadInItsOrder) {
    WireClient& watcher = online({.client_id = "watch"});
    watcher.say(subscribe("#", 0));
    // Each field would do as any other: only the order tells them apart.
    online({.client_id = "one", .user = "u", .will_topic = "two", .will_payload = "three"}).cut();
    EXPECT_EQ(hex(watcher.take()), hex(publish0("two", "three")));
}

TEST_P(ConnectConformance, MQTT_3_1_3_5_EveryIdentifierOfTheStandardIsTaken) {
    const std::string all = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const unsigned level : kLevels) {
        for (std::size_t size = 1; size <= 23; ++size)
            online({.client_id = all.substr(size, size), .level = level}).cut();
        for (const char one : all)
            online({.client_id = std::string(1, one), .level = level}).cut();
    }
    // Longer ones too, at level 3 as well: the brokers that people come from take them.
    for (const unsigned level : kLevels)
        EXPECT_EQ(online({.client_id = all, .level = level}).say(kPing), kPong);
}

TEST_P(ConnectConformance, MQTT_3_1_3_6_AnEmptyIdentifierIsAssignedAUniqueOne) {
    std::set<std::string> seen;
    for (int i = 0; i < 5; ++i) {
        WireClient& one = client();
        const auto assigned =
            property_of(one.connect({.client_id = "", .clean = i % 2 == 0, .properties = expiry(60)}), 0x12);
        ASSERT_TRUE(assigned);
        EXPECT_TRUE(seen.insert(*assigned).second);
        EXPECT_EQ(one.say(kPing), kPong);
        if (i != 4) continue;
        // It is the session's name from then on [MQTT-3.1.3-7].
        one.cut();
        WireClient& again = client();
        const Wire connack = again.connect({.client_id = assigned->substr(2), .clean = false});
        EXPECT_EQ(connack.body()[0], 1);
        EXPECT_FALSE(property_of(connack, 0x12));
    }
    WireClient& first = online({.client_id = "", .level = 4});
    WireClient& second = online({.client_id = "", .level = 4});
    EXPECT_EQ(first.say(kPing), kPong) << "the second has another identifier";
    EXPECT_EQ(second.say(kPing), kPong);
}

TEST_P(ConnectConformance, MQTT_3_1_3_8_ARefusedIdentifierIsToldSo) {
    for (const unsigned level : kLevels) {
        WireClient& one = client();
        const auto heard = one.ask(Hello{.client_id = "line\nfeed", .level = level}.bytes());
        ASSERT_EQ(heard.size(), 1U);
        EXPECT_EQ(heard[0].code(), level == 5 ? 0x85U : 2U);
        EXPECT_TRUE(one.closed());
    }
    WireClient& nameless = client();
    EXPECT_EQ(hex(nameless.say(Hello{.client_id = "", .level = 4, .clean = false}.bytes())),
              hex(b({0x20, 0x02, 0x00, 0x02})));
    EXPECT_TRUE(nameless.closed());
}

TEST_P(ConnectConformance, MQTT_3_1_4_3_WhoIsTakenOverIsToldSoAndClosed) {
    for (const unsigned old_level : kLevels) {
        for (const unsigned new_level : kLevels) {
            WireClient& before = online({.client_id = "one", .level = old_level});
            WireClient& after = online({.client_id = "one", .level = new_level});
            // 3.x servers have no DISCONNECT; no session expiry stands in ours [MQTT-3.14.2-2].
            EXPECT_EQ(hex(before.take()), old_level == 5 ? hex(b({0xE0, 0x01, 0x8E})) : "");
            EXPECT_TRUE(before.closed());
            EXPECT_EQ(after.say(kPing), kPong);
            after.cut();
        }
    }
}

TEST_P(ConnectConformance, MQTT_3_1_4_6_NothingBehindARefusedConnectIsProcessed) {
    WireClient& watcher = online({.client_id = "watch"});
    watcher.say(subscribe("#", 0));
    for (const unsigned level : kLevels) {
        WireClient& stranger = client();
        const auto heard = stranger.ask(
            Hello{
                .client_id = "x", .level = level, .user = "stranger", .will_topic = "w", .will_payload = "w"}
                .bytes() +
            publish0("t", "x", level) + kPing);
        ASSERT_EQ(heard.size(), 1U);
        EXPECT_EQ(heard[0].code(), level == 5 ? 0x87U : 5U);
        EXPECT_EQ(heard[0].body()[0], '\0');
        EXPECT_TRUE(stranger.closed());
        EXPECT_EQ(hex(watcher.take()), "");
    }
}

TEST_P(ConnectConformance, MQTT_3_2_0_1_OneConnackAndItComesFirst) {
    for (const unsigned level : kLevels) {
        WireClient& one = client();
        const auto heard = one.ask(Hello{.client_id = "c", .level = level}.bytes() +
                                   subscribe("t", 1, 7, level) + publish(1, "t", "x", 8, level) + kPing);
        ASSERT_EQ(heard.size(), 5U);
        EXPECT_EQ(heard[0].type(), 2U);
        EXPECT_EQ(heard[0].body()[0], '\0') << "the other flag bits are reserved [MQTT-3.2.2-1]";
        for (std::size_t i = 1; i < heard.size(); ++i)
            EXPECT_NE(heard[i].type(), 2U);
        one.cut();
    }
}

TEST_P(ConnectConformance, MQTT_3_2_2_9_EveryQosAndRetainedMessagesAreOffered) {
    WireClient& one = client();
    const Wire connack = one.connect(
        {.client_id = "c", .will_topic = "w", .will_payload = "x", .will_qos = 2, .will_retain = true});
    for (const unsigned limit : {0x24U, 0x25U, 0x28U, 0x29U})
        EXPECT_FALSE(property_of(connack, limit)) << hex(b({limit}));
    EXPECT_EQ(hex(one.say(subscribe("t/+", 2, 7))), hex(packet(0x90, u16(7) + block() + b({2}))));
}

TEST_P(ConnectConformance, MQTT_3_1_2_22_KeepAliveIsOneAndAHalfTimesToHalfASecond) {
    for (const unsigned level : kLevels) {
        for (const unsigned keep_alive : {1U, 2U, 7U, 60U}) {
            WireClient& watcher = online({.client_id = "watch"});
            watcher.say(subscribe("w", 0));
            WireClient& one = online({.client_id = "quiet",
                                      .level = level,
                                      .keep_alive = keep_alive,
                                      .will_topic = "w",
                                      .will_payload = "x"});
            // Any packet counts from anew.
            world().advance(milliseconds(1400) * keep_alive);
            EXPECT_EQ(one.say(kPing), kPong);
            world().advance(milliseconds(1500) * keep_alive - milliseconds(500));
            EXPECT_FALSE(one.closed()) << keep_alive;
            world().advance(seconds(1));
            EXPECT_TRUE(one.closed()) << keep_alive;
            EXPECT_EQ(hex(one.take()), level == 5 ? hex(b({0xE0, 0x01, 0x8D})) : "");
            EXPECT_EQ(hex(watcher.take()), hex(publish0("w", "x"))) << "as if the network had failed";
        }
    }
}

TEST_P(ConnectConformance, MQTT_3_14_4_3_WhatBecomesOfTheWillAtEachDisconnect) {
    WireClient& watcher = online({.client_id = "watch"});
    watcher.say(subscribe("w", 0));
    for (const unsigned code :
         {0x00U, 0x04U, 0x80U, 0x81U, 0x82U, 0x83U, 0x90U, 0x93U, 0x94U, 0x95U, 0x96U, 0x97U, 0x98U, 0x99U}) {
        WireClient& one = online({.client_id = "c", .will_topic = "w", .will_payload = "x"});
        EXPECT_EQ(hex(one.say(packet(0xE0, b({code})) + publish0("w", "behind it"))), "");
        EXPECT_TRUE(one.closed());
        EXPECT_EQ(hex(watcher.take()), code == 0 ? "" : hex(publish0("w", "x"))) << hex(b({code}));
    }
    for (const unsigned level : {4U, 3U}) {
        WireClient& one = online({.client_id = "c", .level = level, .will_topic = "w", .will_payload = "x"});
        one.say(kGoodbye);
        EXPECT_TRUE(one.closed());
        EXPECT_EQ(hex(watcher.take()), "");
    }
}

TEST_P(ConnectConformance, MQTT_4_12_0_6_WithoutAMethodThereIsNoAuthentication) {
    WireClient& one = client();
    const auto heard = one.ask(Hello{}.bytes() + publish(1, "t", "x", 1) + kPing);
    ASSERT_EQ(heard.size(), 3U);
    EXPECT_FALSE(property_of(heard[0], 0x15));
    EXPECT_FALSE(property_of(heard[0], 0x16));
    for (const Wire& each : heard)
        EXPECT_NE(each.type(), 15U);
    // A method that nobody speaks is refused, whatever else would do.
    WireClient& other = client();
    const auto refused =
        other.ask(Hello{.client_id = "d", .properties = b({0x15}) + s("UNHEARD-OF")}.bytes());
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].type(), 2U);
    EXPECT_EQ(refused[0].code(), 0x8CU);
    EXPECT_TRUE(other.closed());
}

TEST_P(ConnectConformance, MQTT_4_2_0_1_NothingIsSentUnasked) {
    // Over any ordered stream: a client that has said nothing hears nothing, and is let go in the end.
    WireClient& silent = client();
    world().advance(seconds(9));
    EXPECT_FALSE(silent.closed());
    world().advance(seconds(2));
    EXPECT_TRUE(silent.closed());
    EXPECT_EQ(silent.take(), "");
}

INSTANTIATE_TEST_SUITE_P(Shards, ConnectConformance, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::conformance
