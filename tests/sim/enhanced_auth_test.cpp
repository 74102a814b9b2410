// Enhanced authentication: exchanges of AUTH packets before CONNACK and reauthentication after it
// (MQTT5 4.12, policy 3), with a realm of two steps. Each case on one shard and on three.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using mqtt::Reason;
using Payloads = std::vector<std::string>;

class SimEnhancedAuth : public testing::TestWithParam<std::uint32_t> {
  protected:
    SimEnhancedAuth() {
        world.realm->users["v"] = {};
        world.realm->users["narrow"] = {.roles = {"narrow"}};
        world.realm->allow("narrow", "n/#");
        world.adopt();
    }
    static ConnectSpec spec(std::string client_id, std::string data = "hello") {
        return {.client_id = std::move(client_id),
                .clean = false,
                .expiry_s = 600,
                .auth_method = "SIM",
                .auth_data = std::move(data)};
    }
    /// A client that has been asked for its proof.
    SimClient& asked(const ConnectSpec& connect) {
        SimClient& client = world.client(connect);
        world.settle();
        EXPECT_FALSE(client.connack);
        EXPECT_EQ(client.auths.size(), 1U);
        return client;
    }
    void answer(SimClient& client, std::string_view data, std::string_view method = "SIM") {
        client.auth(Reason::ContinueAuthentication, method, data);
        world.settle();
    }
    /// A client that came in by an exchange.
    SimClient& online(const std::string& client_id) {
        SimClient& client = asked(spec(client_id));
        answer(client, "proof:u");
        EXPECT_EQ(client.connack, Reason::Success);
        return client;
    }
    void again(SimClient& client, std::string_view data = "hello") {
        client.auth(Reason::ReAuthenticate, "SIM", data);
        world.settle();
    }

    World world{{.shards = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Shards, SimEnhancedAuth, testing::Values(1U, 3U));

TEST_P(SimEnhancedAuth, AChallengeThatIsMetLetsInWithTheMethodAndTheLastWords) {
    SimClient& client = asked(spec("c"));
    EXPECT_EQ(client.auths[0], (std::pair{Reason::ContinueAuthentication, std::string("nonce")}));
    EXPECT_EQ(world.session("c"), nullptr) << "nothing is touched before granted";
    answer(client, "proof:u");
    EXPECT_EQ(client.connack, Reason::Success);
    EXPECT_EQ(client.connack_method, "SIM");
    EXPECT_EQ(client.connack_data, "welcome u");
    client.subscribe("t", 1);
    client.publish("t", "hi", 1);
    world.settle();
    EXPECT_EQ(client.payloads(), Payloads{"hi"});
}

TEST_P(SimEnhancedAuth, AChallengeThatIsNotMetRefuses) {
    for (const char* data : {"proof:nobody", "wrong", "", "hello", "not mine"}) {
        SimClient& client = asked(spec("c"));
        answer(client, data);
        EXPECT_EQ(client.connack, Reason::NotAuthorized) << data;
        world.advance(std::chrono::seconds(5));
        EXPECT_TRUE(client.closed());
        EXPECT_EQ(world.session("c"), nullptr);
    }
}

TEST_P(SimEnhancedAuth, AProofWithoutAChallengeIsWorthNothing) {
    SimClient& client = world.client(spec("c", "proof:u"));
    world.settle();
    EXPECT_EQ(client.connack, Reason::NotAuthorized);
}

TEST_P(SimEnhancedAuth, ARealmThatFailsMidwayIsToldApart) {
    SimClient& client = asked(spec("c"));
    answer(client, "fail");
    EXPECT_EQ(client.connack, Reason::ServerUnavailable);
}

TEST_P(SimEnhancedAuth, AMethodThatNoRealmSpeaksIsRefusedEvenWithAGoodUserName) {
    ConnectSpec other = spec("c");
    other.auth_method = "OTHER";
    SimClient& client = world.client(other);
    world.settle();
    EXPECT_EQ(client.connack, Reason::BadAuthenticationMethod);
    other.auth_method = "";
    SimClient& empty = world.client(other);
    world.settle();
    EXPECT_EQ(empty.connack, Reason::BadAuthenticationMethod);
}

TEST_P(SimEnhancedAuth, AnotherMethodOrNoneInAuthIsAProtocolError) {
    for (const char* method : {"OTHER", ""}) {
        SimClient& client = asked(spec("c"));
        answer(client, "proof:u", method);
        EXPECT_EQ(client.connack, Reason::ProtocolError) << method;
    }
    SimClient& bare = asked(spec("c"));
    bare.raw(std::string_view("\xF0\x02\x18\x00", 4));
    world.settle();
    EXPECT_EQ(bare.connack, Reason::ProtocolError) << "AUTH without a method";
}

TEST_P(SimEnhancedAuth, BeforeConnackNothingButAuthAndDisconnect) {
    SimClient& eager = asked(spec("c"));
    eager.publish("t", "too early", 0);
    world.settle();
    EXPECT_EQ(eager.connack, Reason::ProtocolError);
    SimClient& leaving = asked(spec("c"));
    leaving.disconnect();
    world.settle();
    EXPECT_FALSE(leaving.connack);
    EXPECT_TRUE(leaving.closed());
    SimClient& again = asked(spec("c"));
    again.auth(Reason::ReAuthenticate, "SIM", "hello");
    world.settle();
    EXPECT_EQ(again.connack, Reason::ProtocolError) << "there is nothing to repeat yet";
}

TEST_P(SimEnhancedAuth, ARealmThatAsksWithoutEndIsCutOff) {
    SimClient& client = asked(spec("c"));
    for (int i = 0; i < 20 && !client.connack; ++i)
        answer(client, "more");
    EXPECT_EQ(client.connack, Reason::NotAuthorized);
    EXPECT_EQ(client.auths.size(), 8U);
}

TEST_P(SimEnhancedAuth, TheDeadlineOfTheLoginRunsOnThroughAllRounds) {
    world.advance(std::chrono::milliseconds(1));
    SimClient& client = asked(spec("c"));
    world.advance(std::chrono::seconds(15));
    answer(client, "more");
    EXPECT_FALSE(client.connack);
    world.advance(std::chrono::seconds(6));
    EXPECT_EQ(client.connack, Reason::ServerUnavailable);
}

TEST_P(SimEnhancedAuth, AClientThatGoesMidwayLeavesNothing) {
    world.realm->hold = true;
    SimClient& waiting = world.client(spec("c"));
    world.settle();
    waiting.cut();
    world.settle();
    world.realm->let_go();
    world.settle();
    world.realm->hold = false;
    SimClient& client = asked(spec("c"));
    client.cut();
    world.settle();
    world.advance(std::chrono::seconds(30));
    EXPECT_EQ(world.session("c"), nullptr);
    std::size_t clients = 0;
    for (const auto& shard : world.shards)
        clients += shard->client_count();
    EXPECT_EQ(clients, 0U);
}

TEST_P(SimEnhancedAuth, AnExchangeDisturbsNobodyUntilItIsGranted) {
    SimClient& first = online("c");
    SimClient& second = asked(spec("c"));
    EXPECT_FALSE(first.disconnected);
    answer(second, "proof:u");
    EXPECT_EQ(second.connack, Reason::Success);
    EXPECT_TRUE(second.session_present);
    EXPECT_EQ(first.disconnected, Reason::SessionTakenOver);
}

TEST_P(SimEnhancedAuth, AnExchangeThatANewerLoginOvertookIsClosedWithoutAnAnswer) {
    SimClient& slow = asked(spec("c"));
    SimClient& quick = online("c");
    answer(slow, "proof:u");
    EXPECT_FALSE(slow.connack);
    EXPECT_TRUE(slow.closed());
    EXPECT_FALSE(quick.disconnected);
}

TEST_P(SimEnhancedAuth, AnotherConfigurationMidwayFails) {
    SimClient& client = asked(spec("c"));
    world.fresh_pipeline = true;
    ASSERT_TRUE(world.adopt());
    answer(client, "proof:u");
    EXPECT_EQ(client.connack, Reason::ServerUnavailable) << "the challenge was another configuration's";
    SimClient& kept = asked(spec("d"));
    world.fresh_pipeline = false;
    ASSERT_TRUE(world.adopt());
    answer(kept, "proof:u");
    EXPECT_EQ(kept.connack, Reason::Success) << "the same realms under another policy";
}

TEST_P(SimEnhancedAuth, AConfigurationThatComesWithTheProofFailsToo) {
    SimClient& client = asked(spec("c"));
    world.realm->hold = true;
    answer(client, "proof:u");
    world.fresh_pipeline = true;
    ASSERT_TRUE(world.adopt());
    world.realm->let_go();
    world.settle();
    EXPECT_EQ(client.connack, Reason::ServerUnavailable);
}

TEST_P(SimEnhancedAuth, ReauthenticationGoesOnBesideMessages) {
    SimClient& client = online("c");
    client.subscribe("t", 1);
    world.settle();
    again(client);
    ASSERT_EQ(client.auths.size(), 2U);
    client.publish("t", "meanwhile", 1);
    world.settle();
    EXPECT_EQ(client.payloads(), Payloads{"meanwhile"});
    answer(client, "proof:u");
    ASSERT_EQ(client.auths.size(), 3U);
    EXPECT_EQ(client.auths[2], (std::pair{Reason::Success, std::string("welcome u")}));
    again(client);
    answer(client, "proof:u");
    EXPECT_EQ(client.auths.size(), 5U) << "as often as it likes";
    client.publish("t", "after", 1);
    world.settle();
    EXPECT_EQ(client.payloads(), (Payloads{"meanwhile", "after"}));
}

TEST_P(SimEnhancedAuth, NarrowerRightsActAtOnce) {
    SimClient& client = online("c");
    SimClient& author = world.online({.client_id = world.name_on(0, "author")});
    SimClient& late = world.online({.client_id = world.name_on(0, "late")});
    client.subscribe("w/#", 1);
    client.subscribe("n/#", 1);
    client.publish({.topic = "w/kept", .payload = "accepted before", .qos = 1, .retain = true});
    world.settle();
    const std::size_t before = client.received.size();
    world.realm->users["u"].roles = {"narrow"};
    again(client);
    answer(client, "proof:u");
    ASSERT_EQ(client.auths.back().first, Reason::Success);
    author.publish("w/x", "withheld", 1);
    author.publish("n/x", "mine", 1);
    const std::uint16_t denied = client.publish("w/y", "no longer", 1);
    world.settle();
    ASSERT_EQ(client.received.size(), before + 1);
    EXPECT_EQ(client.received.back().payload, "mine");
    EXPECT_EQ(client.pubacks.back(), (std::pair{denied, Reason::NotAuthorized}));
    world.realm->users["u"].roles = {"all"};  // `late` asks under its old rights
    late.subscribe("w/#", 1);
    world.settle();
    EXPECT_EQ(late.payloads(), Payloads{"accepted before"}) << "what was accepted stays";
    again(client);
    answer(client, "proof:u");
    author.publish("w/z", "again", 1);
    world.settle();
    EXPECT_EQ(client.received.back().payload, "again") << "what was withheld comes back with the right";
}

TEST_P(SimEnhancedAuth, ANewEndReplacesTheOldOne) {
    world.realm->users["u"].expires_at = world.clock.wall() + std::chrono::seconds(60);
    SimClient& client = online("c");
    world.advance(std::chrono::seconds(50));
    world.realm->users["u"].expires_at = world.clock.wall() + std::chrono::seconds(60);
    again(client);
    answer(client, "proof:u");
    world.advance(std::chrono::seconds(40));
    EXPECT_FALSE(client.disconnected);
    world.advance(std::chrono::seconds(25));
    EXPECT_EQ(client.disconnected, Reason::MaximumConnectTime);
}

TEST_P(SimEnhancedAuth, WhoFailsToReauthenticateIsDisconnectedAndKeepsTheSession) {
    struct Row {
        const char* first;
        const char* second;
        Reason reason;
    };
    const Row rows[] = {
        {"wrong", nullptr, Reason::NotAuthorized},    {"not mine", nullptr, Reason::NotAuthorized},
        {"fail", nullptr, Reason::ServerBusy},        {"hello", "wrong", Reason::NotAuthorized},
        {"hello", "not mine", Reason::NotAuthorized}, {"hello", "fail", Reason::ServerBusy},
        {"hello", "proof:v", Reason::NotAuthorized}};  // somebody else
    for (const Row& row : rows) {
        SimClient& client = online("c");
        client.subscribe("t", 1);
        world.settle();
        again(client, row.first);
        if (row.second) answer(client, row.second);
        EXPECT_EQ(client.disconnected, row.reason) << row.first;
        world.advance(std::chrono::seconds(3));
        EXPECT_TRUE(client.closed());
        ASSERT_NE(world.session("c"), nullptr) << row.first;
        EXPECT_EQ(world.session("c", "v"), nullptr);
        EXPECT_EQ(world.session("c")->subscriptions.size(), 1U);
    }
}

TEST_P(SimEnhancedAuth, AReauthenticationAtATimeAndInTurn) {
    SimClient& twice = online("c");
    twice.auth(Reason::ReAuthenticate, "SIM", "hello");
    twice.auth(Reason::ReAuthenticate, "SIM", "hello");
    world.settle();
    EXPECT_EQ(twice.disconnected, Reason::ProtocolError);
    SimClient& other = online("d");
    other.auth(Reason::ReAuthenticate, "OTHER", "hello");
    world.settle();
    EXPECT_EQ(other.disconnected, Reason::ProtocolError);
    SimClient& unasked = online("e");
    unasked.auth(Reason::ContinueAuthentication, "SIM", "proof:u");
    world.settle();
    EXPECT_EQ(unasked.disconnected, Reason::ProtocolError);
    SimClient& hasty = online("f");
    world.realm->hold = true;
    again(hasty);
    answer(hasty, "proof:u");
    EXPECT_EQ(hasty.disconnected, Reason::ProtocolError) << "an answer before the challenge";
    world.realm->hold = false;
    SimClient& plain = world.online({.client_id = "g"});
    plain.auth(Reason::ReAuthenticate, "SIM", "hello");
    world.settle();
    EXPECT_EQ(plain.disconnected, Reason::ProtocolError) << "it named no method in CONNECT";
}

TEST_P(SimEnhancedAuth, AReauthenticationHasADeadline) {
    SimClient& client = online("c");
    again(client);
    world.advance(std::chrono::seconds(19));
    EXPECT_FALSE(client.disconnected);
    world.advance(std::chrono::seconds(2));
    EXPECT_EQ(client.disconnected, Reason::ServerBusy);
    ASSERT_NE(world.session("c"), nullptr);
}

TEST_P(SimEnhancedAuth, ReauthenticationsCannotBeAskedForWithoutEnd) {
    SimClient& client = online("c");
    int granted = 0;
    for (int i = 0; i < 30 && !client.disconnected; ++i) {
        again(client);
        if (client.disconnected) break;
        answer(client, "proof:u");
        ++granted;
    }
    EXPECT_EQ(client.disconnected, Reason::MessageRateTooHigh);
    EXPECT_EQ(granted, 8);
}

TEST_P(SimEnhancedAuth, AReauthenticationUnderAnotherConfigurationFailsOnceChallenged) {
    SimClient& client = online("c");
    again(client);
    world.fresh_pipeline = true;
    ASSERT_TRUE(world.adopt());
    answer(client, "proof:u");
    EXPECT_EQ(client.disconnected, Reason::ServerBusy);
    SimClient& begun = online("d");
    world.realm->hold = true;
    again(begun);
    ASSERT_TRUE(world.adopt());
    world.realm->let_go();
    world.settle();
    ASSERT_EQ(world.realm->held(), 1U) << "no challenge was out: the new configuration is asked";
    world.realm->hold = false;
    world.realm->let_go();
    world.settle();
    answer(begun, "proof:u");
    EXPECT_EQ(begun.auths.back().first, Reason::Success);
}

TEST_P(SimEnhancedAuth, AnAnswerForAClientThatWasTakenOverIsDropped) {
    SimClient& client = online("c");
    again(client);
    world.realm->hold = true;
    answer(client, "proof:u");
    ASSERT_EQ(world.realm->held(), 1U);
    world.realm->hold = false;
    SimClient& newer = online("c");
    EXPECT_EQ(client.disconnected, Reason::SessionTakenOver);
    world.realm->users["u"].roles = {"narrow"};
    world.realm->let_go();
    world.settle();
    newer.subscribe("w/#", 1);
    newer.publish("w/x", "all rights", 1);
    world.settle();
    EXPECT_EQ(newer.payloads(), Payloads{"all rights"});
}

}  // namespace
}  // namespace latchkey::sim
