// Rights that change after the fact: withheld filters and messages, wills, expiry against revocation, and how
// a denial is told. The rules of policy 2 and 3, on a whole broker.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;

/// User "r" reads and user "w" writes "t/..." as long as the policy says so; both may always use "open/...".
struct Rights2 {
    explicit Rights2(std::uint64_t seed = 1,
                     broker::DeniedPublish denied = broker::DeniedPublish::Acknowledge)
        : world({.shards = 3, .seed = seed, .denied = denied}) {
        world.realm->users["r"] = {.roles = {"reader"}};
        world.realm->users["w"] = {.roles = {"writer"}};
        world.realm->users["poor"] = {.roles = {"nothing"}};
        grant("t/#", "t/#");
    }
    bool grant(const std::string& reader, const std::string& writer) {
        world.realm->rules.clear();
        world.realm->allow("all", "#");
        for (const char* role : {"reader", "writer", "nothing"})
            world.realm->allow(role, "open/#");
        if (!reader.empty()) world.realm->allow("reader", reader);
        if (!writer.empty()) world.realm->allow("writer", writer);
        return world.adopt();
    }
    SimClient& reader(bool clean = true) {
        return world.online(
            {.client_id = world.name_on(0, "r"), .user = "r", .clean = clean, .expiry_s = 600});
    }
    SimClient& writer(bool clean = true) {
        return world.online(
            {.client_id = world.name_on(1, "w"), .user = "w", .clean = clean, .expiry_s = 600});
    }
    void say(SimClient& who, const std::string& topic, const std::string& payload, bool retain = false) {
        who.publish(topic, payload, 1, retain);
        world.settle();
    }
    void leave(SimClient& who) {
        who.cut();
        world.settle();
    }
    broker::Session* session_of(const SimClient& who, const char* user) {
        return world.session(who.name, user);
    }
    World world;
};

TEST(SimRights, AWithheldFilterDeliversNothingStaysAndComesBackWithThePolicy) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Rights2 it(seed);
        SimClient& reader = it.reader();
        SimClient& writer = it.writer();
        reader.subscribe("t/#", 1);
        it.world.settle();
        it.say(writer, "t/a", "1");
        ASSERT_TRUE(it.grant("t/a", "t/#"));  // no longer covers all of the filter
        it.say(writer, "t/a", "2");
        EXPECT_EQ(reader.payloads(), Payloads{"1"});
        EXPECT_EQ(it.session_of(reader, "r")->subscriptions.size(), 1U);
        ASSERT_TRUE(it.grant("t/#", "t/#"));
        it.say(writer, "t/a", "3");
        EXPECT_EQ(reader.payloads(), (Payloads{"1", "3"})) << seed;
    }
}

TEST(SimRights, AFilterThatIsStillUncoveredAtResumeIsRemoved) {
    Rights2 it;
    SimClient& reader = it.reader();
    SimClient& writer = it.writer();
    reader.subscribe("t/#", 1);
    reader.subscribe("open/#", 1);
    it.world.settle();
    it.leave(reader);
    ASSERT_TRUE(it.grant("", "t/#"));
    SimClient& again = it.reader(false);
    EXPECT_TRUE(again.session_present);
    EXPECT_EQ(it.session_of(again, "r")->subscriptions.size(), 1U);
    ASSERT_TRUE(it.grant("t/#", "t/#"));
    it.say(writer, "t/a", "nobody asked for it again");
    it.say(writer, "open/a", "kept");
    EXPECT_EQ(again.payloads(), Payloads{"kept"});
}

TEST(SimRights, RetainedPagesUnderWayAreNotDeliveredToAWithheldFilter) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Rights2 it(seed);
        it.say(it.writer(), it.world.name_on(1, "t/"), "secret", true);
        SimClient& reader = it.reader();
        it.world.frozen[1] = true;
        reader.subscribe("t/#", 1);
        it.world.settle();
        EXPECT_FALSE(it.grant("", "t/#")) << "the owner has not answered";
        it.world.frozen[1] = false;
        it.world.settle();
        EXPECT_TRUE(reader.received.empty()) << seed;
    }
}

TEST(SimRights, WhatWaitsGoesOutOnlyIfReaderAndAuthorBothStillMay) {
    for (const bool reader_may : {true, false}) {
        for (const bool author_may : {true, false}) {
            Rights2 it;
            SimClient& reader = it.reader();
            SimClient& writer = it.writer();
            reader.subscribe("t/#", 1);
            it.world.settle();
            it.leave(reader);
            it.say(writer, "t/a", "queued");
            ASSERT_TRUE(it.grant(reader_may ? "t/#" : "", author_may ? "t/#" : ""));
            EXPECT_EQ(it.reader(false).received.size(), reader_may && author_may ? 1U : 0U)
                << "reader " << reader_may << ", author " << author_may;
        }
    }
}

TEST(SimRights, MessagesOfANarrowedAuthorAreWithheldTopicByTopicAndComeBack) {
    Rights2 it;
    SimClient& reader = it.reader();
    SimClient& writer = it.writer();
    reader.subscribe("t/#", 1, 2);
    it.world.settle();
    it.leave(reader);
    for (const char* topic : {"t/a", "t/b"})
        it.say(writer, topic, topic, true);
    ASSERT_TRUE(it.grant("t/#", "t/b"));
    SimClient& narrow = it.world.online({.client_id = "narrow"});
    narrow.subscribe("t/#", 1);
    it.world.settle();
    EXPECT_EQ(narrow.payloads(), Payloads{"t/b"}) << "retained";
    ASSERT_TRUE(it.grant("t/#", "t/#"));
    SimClient& wide = it.world.online({.client_id = "wide"});
    wide.subscribe("t/#", 1);
    it.world.settle();
    EXPECT_EQ(wide.received.size(), 2U) << "retained, and back with the policy";
    EXPECT_EQ(it.reader(false).payloads(), (Payloads{"t/a", "t/b"})) << "queued, never judged while narrow";
}

TEST(SimRights, AReaderWhoComesBackWithLessGetsOnlyWhatItMayStillRead) {
    Rights2 it;
    SimClient& reader = it.reader();
    SimClient& writer = it.writer();
    reader.subscribe("t/#", 1);
    reader.subscribe("open/#", 1);
    it.world.settle();
    it.leave(reader);
    it.say(writer, "t/a", "secret");
    it.say(writer, "open/a", "open");
    it.world.realm->users["r"].roles = {"nothing"};  // the same policy, a narrower identity
    EXPECT_EQ(it.reader(false).payloads(), Payloads{"open"});
}

TEST(SimRights, ARightToSubscribeAtOneQosCoversWhatIsDeliveredBelowIt) {
    Rights2 rights;
    const auto only_qos_2 = [&] {
        rights.world.realm->rules.push_back({.role = "reader",
                                             .effect = policy::Effect::Allow,
                                             .acts = policy::acts_of(policy::Act::Subscribe),
                                             .filter = "t/#",
                                             .qos = policy::qos_bit(2)});
        return rights.world.adopt();
    };
    rights.grant("", "t/#");
    ASSERT_TRUE(only_qos_2());
    SimClient& reader = rights.reader();
    reader.subscribe("t/#", 2);
    rights.world.settle();
    rights.leave(reader);
    SimClient& writer = rights.writer();
    rights.say(writer, "t/a", "at QoS 1");
    rights.grant("", "t/#");
    ASSERT_TRUE(only_qos_2());
    SimClient& again = rights.reader(false);
    rights.world.settle();
    EXPECT_EQ(again.payloads(), (Payloads{"at QoS 1"}));
}

TEST(SimRights, AcceptedMessagesStayWhenTheirAuthorComesBackWithLess) {
    Rights2 it;
    SimClient& reader = it.reader();
    SimClient& writer = it.writer();
    reader.subscribe("t/#", 1);
    it.world.settle();
    it.leave(reader);
    it.say(writer, "t/a", "accepted");
    it.world.realm->users["w"].roles = {"nothing"};
    SimClient& poorer = it.writer(false);
    it.say(poorer, "t/a", "refused");
    EXPECT_EQ(it.reader(false).payloads(), Payloads{"accepted"});
}

TEST(SimRights, AWillIsDecidedAtConnectAndItsDenialNamesItsTopic) {
    Rights2 it;
    SimClient& client = it.world.client(
        {.client_id = "x", .user = "poor", .will = ConnectSpec::WillSpec{.topic = "t/will", .payload = "x"}});
    it.world.settle();
    EXPECT_EQ(client.connack, Reason::NotAuthorized);
    EXPECT_EQ(it.world.session("x", "poor"), nullptr);
    std::vector<std::string> topics;
    for (const auto& shard : it.world.shards) {
        for (const policy::Denial* denial : shard->rights().ring().recent(9)) {
            topics.push_back(denial->topic);
            EXPECT_EQ(denial->via, policy::Via::Will);
        }
    }
    EXPECT_EQ(topics, Payloads{"t/will"});
}

TEST(SimRights, AWillIsDecidedAgainWhenItFires) {
    for (const bool still : {true, false}) {
        Rights2 it;
        SimClient& watcher = it.world.online({.client_id = "watch"});
        watcher.subscribe("t/will", 1);
        SimClient& doomed =
            it.world.online({.client_id = "x",
                             .user = "w",
                             .will = ConnectSpec::WillSpec{.topic = "t/will", .payload = "gone"}});
        ASSERT_TRUE(it.grant("t/#", still ? "t/#" : ""));
        it.leave(doomed);
        EXPECT_EQ(watcher.received.size(), still ? 1U : 0U);
    }
}

TEST(SimRights, ExpiryIsNoRevocation) {
    Rights2 it;
    it.world.realm->users["w"].expires_at = it.world.clock.wall() + std::chrono::seconds(30);
    SimClient& reader = it.reader();
    SimClient& writer = it.writer();
    reader.subscribe("t/#", 1);
    it.world.settle();
    it.leave(reader);
    it.say(writer, "t/a", "said in time");
    it.world.advance(std::chrono::seconds(31));
    EXPECT_EQ(writer.disconnected, Reason::MaximumConnectTime);
    EXPECT_EQ(it.reader(false).payloads(), Payloads{"said in time"});
}

TEST(SimRights, WhatARevokedAuthorityLeftBehindDoesNotLeave) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Rights2 it(seed);
        SimClient& watcher = it.world.online({.client_id = "watch"});
        SimClient& reader = it.reader();
        for (SimClient* one : {&watcher, &reader})
            one->subscribe("t/#", 1);
        SimClient& writer =
            it.world.online({.client_id = "w",
                             .user = "w",
                             .expiry_s = 600,
                             .will = ConnectSpec::WillSpec{.topic = "t/will", .delay_s = 20}});
        it.leave(reader);
        it.say(writer, "t/a", "queued", true);
        it.leave(writer);
        const std::size_t before = watcher.received.size();
        ASSERT_TRUE(it.world.authorities.revoke(it.world.session("w", "w")->authority));
        EXPECT_TRUE(it.reader(false).received.empty()) << "queued";
        SimClient& late = it.world.online({.client_id = "late"});
        late.subscribe("t/#", 1);
        it.world.advance(std::chrono::seconds(30));
        EXPECT_TRUE(late.received.empty()) << "retained";
        EXPECT_EQ(watcher.received.size(), before) << "the will";
    }
}

TEST(SimRights, ASessionOfARevokedAuthorityCannotBeResumed) {
    for (const bool connected : {true, false}) {
        Rights2 it;
        SimClient& first = it.reader();
        first.subscribe("t/#", 1);
        it.world.settle();
        if (!connected) it.leave(first);
        ASSERT_TRUE(it.world.authorities.revoke(it.session_of(first, "r")->authority));
        SimClient& second = it.reader(false);
        EXPECT_FALSE(second.session_present);
        it.say(it.writer(), "t/a", "x");
        EXPECT_TRUE(second.received.empty()) << "its subscriptions are gone";
        EXPECT_FALSE(it.session_of(second, "r")->authority->revoked());
    }
}

TEST(SimRights, ARevokedAuthorityCanDoNothingOnItsOpenConnection) {
    Rights2 it;
    SimClient& reader = it.reader();
    SimClient& writer = it.writer();
    reader.subscribe("t/#", 1);
    it.say(writer, "t/a", "before");
    ASSERT_TRUE(it.world.authorities.revoke(it.session_of(writer, "w")->authority));
    it.say(writer, "t/a", "after");
    EXPECT_EQ(writer.pubacks.back().second, Reason::NotAuthorized);
    ASSERT_TRUE(it.world.authorities.revoke(it.session_of(reader, "r")->authority));
    it.say(it.world.online({.client_id = "u"}), "t/a", "to a revoked reader");
    reader.subscribe("open/#", 1);
    it.world.settle();
    EXPECT_EQ(reader.subacks.back().second, std::vector{Reason::NotAuthorized});
    EXPECT_EQ(reader.payloads(), Payloads{"before"});
}

TEST(SimRights, ANullAuthorityDenies) {
    World world({.shards = 1, .seed = 2});
    broker::Message* message = broker::Message::create({.topic = "t", .policy_version = 1});
    EXPECT_FALSE(world.shards[0]->rights().author_may(*message));
    broker::Message::release(message);
    const policy::Program nobody = world.shards[0]->rights().bind({});
    EXPECT_FALSE(policy::decide(nobody, {.act = policy::Act::Publish, .topic = "t"}).allowed());
    EXPECT_FALSE(policy::decide(nobody, {.act = policy::Act::Subscribe, .topic = "t"}).allowed());
    EXPECT_EQ(policy::publish_mask(nobody, "t"), 0);
}

/// The decision id at the end of a reason string, looked up in the shards' rings.
const policy::Denial* find_denial(World& world, std::string_view reason_string) {
    const std::size_t at = reason_string.rfind("d-");
    if (at == std::string_view::npos) return nullptr;
    const auto id = policy::parse_decision_id(reason_string.substr(at));
    return id ? world.shards[id->shard()]->rights().ring().find(*id) : nullptr;
}

TEST(SimRights, ADeniedPublishIsToldInTheListenersStyle) {
    using Style = broker::DeniedPublish;
    struct Row {
        Style style;
        mqtt::Level level;
        std::uint8_t qos;
        bool acknowledged;  ///< with 0x87
        bool stays;
        std::string_view why;
    };
    const Row rows[] = {
        {Style::Acknowledge, mqtt::Level::V5, 0, false, true, "dropped and counted"},
        {Style::Acknowledge, mqtt::Level::V5, 1, true, true, "PUBACK says no"},
        {Style::Acknowledge, mqtt::Level::V5, 2, true, true, "PUBREC says no"},
        {Style::Acknowledge, mqtt::Level::V311, 0, false, false, "3.1.1 can only be closed"},
        {Style::Acknowledge, mqtt::Level::V311, 1, false, false, "3.1.1 can only be closed"},
        {Style::Disconnect, mqtt::Level::V5, 0, false, false, "DISCONNECT 0x87"},
        {Style::Disconnect, mqtt::Level::V5, 1, true, false, "PUBACK, then DISCONNECT 0x87"},
        {Style::Disconnect, mqtt::Level::V5, 2, true, false, "PUBREC, then DISCONNECT 0x87"},
        {Style::Disconnect, mqtt::Level::V311, 2, false, false, "3.1.1 can only be closed"},
    };
    for (const Row& row : rows) {
        Rights2 it(1, row.style);
        SimClient& watcher = it.world.online({.client_id = "watch"});
        watcher.subscribe("#", 2);
        SimClient& poor = it.world.online({.client_id = "poor", .user = "poor", .level = row.level});
        poor.publish("t/a", "x", row.qos);
        it.world.settle();
        EXPECT_TRUE(watcher.received.empty()) << row.why;
        const auto& answers = row.qos == 2 ? poor.pubrecs : poor.pubacks;
        EXPECT_EQ(answers.size(), row.acknowledged ? 1U : 0U) << row.why;
        if (row.acknowledged) {
            EXPECT_EQ(answers.at(0).second, Reason::NotAuthorized) << row.why;
            ASSERT_EQ(poor.reason_strings.size(), 1U) << row.why;
            const policy::Denial* denial = find_denial(it.world, poor.reason_strings[0]);
            ASSERT_NE(denial, nullptr) << poor.reason_strings[0];
            EXPECT_EQ(denial->topic, "t/a");
            EXPECT_EQ(denial->client_id, "poor");
        }
        EXPECT_EQ(poor.closed(), !row.stays) << row.why;
        const bool told = !row.stays && row.level == mqtt::Level::V5;
        EXPECT_EQ(poor.disconnected, told ? std::optional(Reason::NotAuthorized) : std::nullopt) << row.why;
        std::uint64_t counted = 0;
        std::size_t kept = 0;
        for (const auto& shard : it.world.shards) {
            counted += shard->counters().publishes_denied;
            kept += shard->rights().ring().recent(9).size();
        }
        EXPECT_EQ(counted, 1U) << row.why;
        EXPECT_EQ(kept, 1U) << row.why;
    }
}

TEST(SimRights, ADeniedSubscribeIsToldAsItsLevelAllows) {
    struct Row {
        mqtt::Level level;
        std::optional<std::uint8_t> code;  ///< none: closed
    };
    for (const Row& row : {Row{mqtt::Level::V5, std::uint8_t{0x87}},
                           Row{mqtt::Level::V311, std::uint8_t{0x80}}, Row{mqtt::Level::V31, std::nullopt}}) {
        Rights2 it;
        SimClient& poor = it.world.online({.client_id = "poor", .user = "poor", .level = row.level});
        poor.subscribe("t/#", 1);
        it.world.settle();
        const int level = static_cast<int>(row.level);
        EXPECT_EQ(poor.closed(), !row.code) << level;
        ASSERT_EQ(poor.subacks.size(), row.code ? 1U : 0U) << level;
        if (row.code) {
            EXPECT_EQ(poor.subacks[0].second, std::vector{static_cast<Reason>(*row.code)}) << level;
        }
        if (row.level == mqtt::Level::V5) {
            ASSERT_EQ(poor.reason_strings.size(), 1U);
            const policy::Denial* denial = find_denial(it.world, poor.reason_strings[0]);
            ASSERT_NE(denial, nullptr);
            EXPECT_EQ(denial->topic, "t/#");
            EXPECT_EQ(denial->act, policy::Act::Subscribe);
        }
        it.say(it.world.online({.client_id = "u"}), "t/a", "x");
        EXPECT_TRUE(poor.received.empty()) << level;
    }
}

}  // namespace
}  // namespace latchkey::sim
