// What touches thousands of filters is cut into slices: a large SUBSCRIBE, a session that is taken up again,
// a new policy, an end. Between two slices the rights hold all the same.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;

constexpr int kFilters = 3000;

/// SUBSCRIBE (QoS 1) or UNSUBSCRIBE with the filters STEM0/+ ... and packet id 7.
std::string large(bool subscribe, const std::string& stem, int count = kFilters) {
    std::string body("\x00\x07\x00", 3);
    for (int i = 0; i < count; ++i) {
        const std::string filter = stem + std::to_string(i) + "/+";
        body.push_back(static_cast<char>(filter.size() >> 8));
        body.push_back(static_cast<char>(filter.size() & 0xFF));
        body += filter;
        if (subscribe) body.push_back(1);
    }
    std::string packet(1, static_cast<char>(subscribe ? 0x82 : 0xA2));
    std::size_t left = body.size();
    do {
        packet.push_back(static_cast<char>((left & 0x7F) | (left > 0x7F ? 0x80 : 0)));
        left >>= 7;
    } while (left != 0);
    return packet + body;
}

class Slices : public testing::TestWithParam<std::uint32_t> {
  protected:
    Slices() : world({.shards = GetParam(), .seed = 11}) {
        world.realm->users["r"] = {.roles = {"reader"}};
        grant({"f/#", "g/#"});
    }
    void grant(const std::vector<std::string>& filters) {
        world.realm->rules.clear();
        world.realm->allow("all", "#");
        for (const std::string& filter : filters)
            world.realm->allow_shared("reader", filter);
        EXPECT_TRUE(world.adopt());
    }
    SimClient& reader(bool clean) {
        return world.online(
            {.client_id = world.name_on(0, "r"), .user = "r", .clean = clean, .expiry_s = 600});
    }
    void turn() {
        world.step(0);
        world.pump();
    }
    /// Until the first filters are in.
    void begin() {
        while (totals().subscriptions == 0)
            turn();
    }
    /// To some of the filters below f and g, at QoS 1, payload "f" or "g".
    void publish_between_slices(SimClient& writer) {
        for (int i = 0; i < kFilters; i += 100) {
            for (const std::string stem : {"f", "g"})
                writer.publish(stem + "/" + std::to_string(i) + "/x", stem, 1);
            world.step();
        }
        world.settle();
    }
    broker::Totals totals() { return world.shards[0]->totals(); }
    World world;
};

TEST_P(Slices, ALargeSubscribeIsWorkedOffOverTurnsAndAnsweredOnceInOrder) {
    SimClient& many = reader(true);
    SimClient& other = world.online({.client_id = world.name_on(0, "other")});
    many.raw(large(true, "f/"));
    many.ping();
    begin();
    EXPECT_LT(totals().subscriptions, 1000U) << "not all within one turn";
    other.subscribe("beside");
    while (other.subacks.empty() && many.subacks.empty())
        turn();
    EXPECT_EQ(many.subacks.size(), 0U) << "a small packet is not kept waiting for a large one";
    world.settle();
    ASSERT_EQ(many.subacks.size(), 1U);
    EXPECT_EQ(many.order.back(), "pingresp") << "nothing overtakes it";
    EXPECT_EQ(many.subacks[0].first, 7);
    EXPECT_EQ(many.subacks[0].second, std::vector<Reason>(kFilters, Reason::GrantedQos1));
    EXPECT_EQ(totals().subscriptions, kFilters + 1U);
    many.raw(large(false, "f/"));
    world.settle();
    ASSERT_EQ(many.subacks.size(), 2U);
    EXPECT_EQ(many.subacks[1].second, std::vector<Reason>(kFilters, Reason::Success));
    EXPECT_EQ(totals().subscriptions, 1U);
}

TEST_P(Slices, SharedOnesAreAnsweredWhenEveryOwnerOfThePacketHas) {
    SimClient& many = reader(true);
    many.raw(large(true, "$share/g/f/"));
    world.settle();
    ASSERT_EQ(many.subacks.size(), 1U);
    EXPECT_EQ(many.subacks[0].second, std::vector<Reason>(kFilters, Reason::GrantedQos1));
    SimClient& writer = world.online({.client_id = "writer"});
    writer.publish("f/2999/x", "last", 1);
    world.settle();
    EXPECT_EQ(many.payloads(), (Payloads{"last"}));
    many.disconnect_with_expiry(0);
    world.settle();
    EXPECT_EQ(totals().shared_subscriptions, 0U);
}

TEST_P(Slices, WhoIsTakenOverInTheMiddleOfItsSubscribeHarmsNobody) {
    SimClient& many = reader(true);
    many.raw(large(true, "f/"));
    begin();
    SimClient& again = reader(false);
    EXPECT_TRUE(many.closed());
    EXPECT_LT(totals().subscriptions, kFilters + 0U);
    again.raw(large(true, "f/"));
    world.settle();
    ASSERT_EQ(again.subacks.size(), 1U);
    EXPECT_EQ(totals().subscriptions, kFilters + 0U);
}

TEST_P(Slices, WhatANewPolicyForbidsIsNotDeliveredThoughItsFilterIsNotJudgedYet) {
    SimClient& many = reader(true);
    many.raw(large(true, "f/"));
    many.raw(large(true, "g/"));
    SimClient& writer = world.online({.client_id = "writer"});
    world.settle();
    grant({"f/#"});
    publish_between_slices(writer);
    EXPECT_EQ(many.payloads(), Payloads(kFilters / 100, "f"));
    grant({"f/#", "g/#"});
    world.settle();
    writer.publish("g/5/x", "again", 1);
    world.settle();
    EXPECT_EQ(many.payloads().back(), "again");
}

TEST_P(Slices, ASessionTakenUpAgainUnderNarrowerRightsGetsNothingBeyondThem) {
    SimClient& before = reader(true);
    before.raw(large(true, "f/"));
    before.raw(large(true, "g/"));
    SimClient& writer = world.online({.client_id = "writer"});
    world.settle();
    before.cut();
    world.settle();
    world.realm->users["r"] = {.roles = {"narrow"}};
    world.realm->allow("narrow", "f/#");
    ASSERT_TRUE(world.adopt());
    SimClient& after =
        world.client({.client_id = world.name_on(0, "r"), .user = "r", .clean = false, .expiry_s = 600}, 0);
    publish_between_slices(writer);
    EXPECT_EQ(after.payloads(), Payloads(kFilters / 100, "f"));
    EXPECT_EQ(totals().subscriptions, kFilters + 0U) << "what is not covered was removed";
}

TEST_P(Slices, WhoComesBackAllTheTimeDoesNotKeepOthersFromWhatTheyAreGrantedAgain) {
    SimClient& other = world.online({.client_id = world.name_on(0, "other"), .user = "r"});
    other.subscribe("g/1/+", 1);
    SimClient& many = reader(true);
    many.raw(large(true, "f/"));
    world.settle();
    SimClient& writer = world.online({.client_id = "writer"});
    grant({"f/#"});
    world.settle();
    const auto come_back = [&] {
        world.client({.client_id = many.name, .user = "r", .clean = false, .expiry_s = 600}, 0);
        for (int turns = 0; turns < 4; ++turns)
            turn();
    };
    come_back();
    ASSERT_NE(world.session(many.name, "r")->pass, 0U);
    world.realm->allow_shared("reader", "g/#");
    world.control->adopt(world.make_epoch(), [] {});
    for (int i = 0; i < 40 && other.received.empty(); ++i) {
        come_back();
        writer.publish("g/1/x", "granted again");
        world.step();
    }
    EXPECT_FALSE(other.received.empty());
}

TEST_P(Slices, AFilterAddedWhileTheOthersAreJudgedIsNotForgotten) {
    SimClient& many = reader(true);
    many.raw(large(true, "f/"));
    world.settle();
    grant({"f/#", "h/#"});
    world.step(0);
    many.raw(large(true, "h/"));
    world.settle();
    grant({"f/#"});
    world.settle();
    SimClient& writer = world.online({.client_id = "writer"});
    for (int i = 0; i < kFilters; i += 500)
        writer.publish("h/" + std::to_string(i) + "/x", "h", 1);
    world.settle();
    EXPECT_EQ(many.received.size(), 0U);
    EXPECT_EQ(totals().subscriptions, 2U * kFilters) << "withheld, not removed";
}

INSTANTIATE_TEST_SUITE_P(Shards, Slices, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::sim
