// What a trace says, which near miss a denial names, and the ring that keeps denials under their ids.
// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include <set>

#include <gtest/gtest.h>

#include "policy/build_for_test.h"
#include "policy/decision_ring.h"

namespace latchkey::policy {
namespace {

using namespace testing;  // NOLINT: test vocabulary

Request publish(std::string_view topic, std::uint8_t qos = 0, bool retain = false) {
    Request out;
    out.topic = topic;
    out.qos = qos;
    out.retain = retain;
    return out;
}
Request subscribe(std::string_view filter) {
    Request out;
    out.act = Act::Subscribe;
    out.topic = filter;
    return out;
}

TEST(Explain, TheTraceNamesWhyEachRuleDidNotDecide) {
    Rule qos = allow(kPub, "a/b");
    qos.qos = qos_bit(0);
    Rule retain = allow(kPub, "a/b");
    retain.retain = kYes;
    const Bench b({allow(kSub, "a/b"), qos, retain, allow(kPub, "a/c"), allow(kPub, "${mqtt-username}/x"),
                   allow(kPub, "a/+")});
    TraceSink trace;
    ASSERT_TRUE(decide(b.program, publish("a/b", 1), &trace).allowed());
    std::vector<Miss> misses;
    for (const TraceStep& step : trace.steps())
        misses.push_back(step.miss);
    EXPECT_EQ(misses, (std::vector<Miss>{Miss::Unusable, Miss::Act, Miss::Qos, Miss::Retain, Miss::Topic,
                                         Miss::Matched}));
    EXPECT_EQ(describe(trace.steps()[0]), "void: ${mqtt-username} has no usable value");
    EXPECT_EQ(describe(trace.steps()[2]), "is only for QoS 0");
    EXPECT_EQ(describe(trace.steps()[4]), "topic differs at level 2 of a/c");
    EXPECT_EQ(trace.steps()[5].filter, "a/+");
}

TEST(Explain, ARefusedFilterShowsATopicThatIsNotAllowed) {
    const Bench b({deny(kSub, "a/secret"), allow(kSub, "a/#")});
    TraceSink trace;
    const Decision decision = decide(b.program, subscribe("a/+"), &trace);
    EXPECT_FALSE(decision.allowed());
    EXPECT_EQ(trace.uncovered_topic(), "a/secret");
    ASSERT_NE(decision.rule, nullptr);
    EXPECT_EQ(decision.rule->effect, Effect::Deny);
    EXPECT_EQ(decision.reason, Reason::Rule);
    TraceSink wider;
    EXPECT_EQ(decide(Bench({allow(kSub, "a/+")}).program, subscribe("a/#"), &wider).reason, Reason::NoMatch);
    EXPECT_EQ(wider.steps()[0].miss, Miss::Part);
    EXPECT_FALSE(wider.uncovered_topic().empty());
}

TEST(Explain, TheNearestAllowIsTheSameTopicFirst) {
    Rule qos0 = allow(kPub, "plant/+");
    qos0.qos = qos_bit(0);
    const Roles roles{
        {"reader", {allow(kSub, "plant/#")}}, {"writer", {qos0}}, {"admin", {allow(kPub, "#")}}};
    const Bench b(roles, {"reader", "writer"});
    const auto scalar = nearest_allow(b.program, publish("plant/x", 1));
    ASSERT_TRUE(scalar);
    EXPECT_EQ(scalar->kind, NearMiss::Kind::Scalar);
    EXPECT_EQ(describe(*scalar),
              "role writer: allow publish plant/+ qos=0 (roles.xml:1:1), but only for QoS 0");
    const auto other = nearest_allow(b.program, publish("office/x"));
    ASSERT_TRUE(other);
    EXPECT_EQ(other->kind, NearMiss::Kind::OtherBlock);
    EXPECT_EQ(other->block->ref.name, "admin");
}

TEST(Explain, ThenAnotherRoleThenTheClosestFilter) {
    const Bench b({{"r", {allow(kPub, "topic-1"), allow(kPub, "plant/line1/+"), allow(kSub, "topic-3")}}},
                  {"r"});
    const auto close = nearest_allow(b.program, publish("plant/line2/x"));
    ASSERT_TRUE(close);
    EXPECT_EQ(close->kind, NearMiss::Kind::Filter);
    EXPECT_EQ(close->filter, "plant/line1/+");
    EXPECT_EQ(nearest_allow(b.program, publish("topic-3"))->filter, "topic-1");
    const Bench unusable({allow(kPub, "t/${mqtt-clientid}")}, "a/b");
    const auto voided = nearest_allow(unusable.program, publish("t/a"));
    ASSERT_TRUE(voided);
    EXPECT_EQ(voided->kind, NearMiss::Kind::Unusable);
    EXPECT_EQ(voided->filter, "mqtt-clientid");
    EXPECT_FALSE(nearest_allow(Bench(std::vector<Rule>{}).program, publish("a")));
    EXPECT_FALSE(nearest_allow(b.program, publish("topic-1"))) << "it is allowed";
    EXPECT_FALSE(nearest_allow(b.program, publish("$SYS/x"))) << "no rule could";
    EXPECT_FALSE(nearest_allow(Program{}, publish("a")));
}

TEST(Explain, NearMissesInABigPolicyStayCheap) {
    std::vector<Rule> many(kNearestScan + 10, allow(kPub, "x/y"));
    many.push_back(allow(kPub, "wanted"));
    const Bench b({{"big", many}, {"r", {allow(kPub, "other")}}}, {"r"});
    const auto found = nearest_allow(b.program, publish("wanted"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, NearMiss::Kind::Filter) << "the scan ended before it came to the wanted rule";
}

TEST(DecisionId, IsShortAndComesBack) {
    std::set<std::string> seen;
    for (const std::uint64_t value : {0ULL, 1ULL, 31ULL, 32ULL, 0xFFFF'FFFF'FFFF'FFFFULL, 1ULL << 63}) {
        const std::string text = to_text(DecisionId{value});
        EXPECT_EQ(text.size(), 15U);
        EXPECT_EQ(parse_decision_id(text), DecisionId{value}) << text;
        EXPECT_TRUE(seen.insert(text).second);
    }
    for (const char* bad :
         {"", "d-", "d-000000000000", "d-00000000000000", "x-0000000000000", "d-000000000000l",
          "d-000000000000u", "d-g000000000000", "d-zzzzzzzzzzzzz", "d_0000000000000"}) {
        EXPECT_FALSE(parse_decision_id(bad)) << bad;
    }
}

TEST(DecisionRing, AnIdExplainsItselfOnThePolicyOfItsTime) {
    DecisionRing ring(3, 9, 4);
    DecisionId id;
    {
        const auto policy = policy_of({{"r", {deny(kPub, "a"), allow(kPub, "#")}}}, 17);
        const Bench b(policy, holder({"r"}));
        const std::string topic = "a";
        const Request request = publish(topic, 1, true);
        const Denial& denial =
            ring.record(b.program, request, decide(b.program, request), "client-1", "tls", WallTime{});
        id = denial.id;
        EXPECT_EQ(id.shard(), 3U);
    }
    const Denial* found = ring.find(id);  // policy, table and texts of the caller are gone
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->client_id, "client-1");
    EXPECT_EQ(found->decision.policy_version, 17U);
    EXPECT_EQ(describe(*found->decision.rule), "deny publish a (roles.xml:1:1)");
    TraceSink trace;
    const Decision again = decide(found->program, found->request(), &trace);
    EXPECT_EQ(again.rule, found->decision.rule);
    EXPECT_EQ(trace.steps().size(), 1U);
}

TEST(DecisionRing, ForgetsTheOldestAndKeepsTextsShort) {
    DecisionRing ring(0, 1, 3);
    const Bench b(std::vector<Rule>{});
    std::vector<DecisionId> ids;
    for (int i = 0; i < 5; ++i) {
        const Request request = publish("a");
        ids.push_back(ring.record(b.program, request, decide(b.program, request), "c", "l", WallTime{}).id);
    }
    EXPECT_EQ(std::set<DecisionId>(ids.begin(), ids.end()).size(), 5U);
    EXPECT_EQ(ring.find(ids[0]), nullptr);
    EXPECT_EQ(ring.find(ids[1]), nullptr);
    for (int i = 2; i < 5; ++i)
        EXPECT_NE(ring.find(ids[static_cast<std::size_t>(i)]), nullptr);
    const auto recent = ring.recent(2);
    ASSERT_EQ(recent.size(), 2U);
    EXPECT_EQ(recent[0]->id, ids[4]);
    EXPECT_EQ(recent[1]->id, ids[3]);
    EXPECT_EQ(ring.find(DecisionId{}), nullptr);

    const std::string longest(60'000, 'x');
    const Request request = publish(longest);
    const Denial& cut = ring.record(b.program, request, decide(b.program, request), longest, "l", WallTime{});
    EXPECT_TRUE(cut.topic_cut);
    EXPECT_EQ(cut.topic.size(), Denial::kMaxTopic);
    EXPECT_LE(cut.client_id.size(), 256U);
}

TEST(DecisionRing, TwoShardsAndTwoStartsNeverShareAnId) {
    const Bench b(std::vector<Rule>{});
    const Request request = publish("a");
    std::set<DecisionId> ids;
    for (std::uint32_t shard = 0; shard < 3; ++shard) {
        for (std::uint32_t epoch = 1; epoch < 4; ++epoch) {
            DecisionRing ring(shard, epoch, 2);
            ids.insert(ring.record(b.program, request, decide(b.program, request), "c", "l", WallTime{}).id);
        }
    }
    EXPECT_EQ(ids.size(), 9U);
}

}  // namespace
}  // namespace latchkey::policy
