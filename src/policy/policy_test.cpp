// What the builder takes and refuses, ids and words of rules.
// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <gtest/gtest.h>

#include "policy/build_for_test.h"
#include "policy/errors.h"

namespace latchkey::policy {
namespace {

using namespace testing;  // NOLINT: test vocabulary

TEST(PolicyBuilder, RefusesRulesThatCannotMatch) {
    const auto dead = [](auto change) {
        Rule r = allow(acts_of(Act::Publish, Act::Subscribe), "a");
        change(r);
        PolicyBuilder builder;
        const auto added = builder.add(role("x"), r);
        return !added && added.error().is(kDeadRule);
    };
    EXPECT_TRUE(dead([](Rule& r) { r.acts = 0; }));
    EXPECT_TRUE(dead([](Rule& r) { r.qos = 0; }));
    EXPECT_TRUE(dead([](Rule& r) { r.retain = 0; }));
    EXPECT_TRUE(dead([](Rule& r) { r.via = 0; }));
    EXPECT_TRUE(dead([](Rule& r) { r.wild = 0; }));
    EXPECT_TRUE(dead([](Rule& r) { r.share.plain = false; }));
    EXPECT_FALSE(dead([](Rule&) {}));
}

TEST(PolicyBuilder, RefusesWhatBelongsToProgramsThatDecideAsWritten) {
    for (const Rel rel : {Rel::Same, Rel::Probe, Rel::Any}) {
        Rule r = allow(kSub, "a");
        r.rel = rel;
        PolicyBuilder builder;
        const auto added = builder.add(role("x"), r);
        ASSERT_FALSE(added);
        EXPECT_TRUE(added.error().is(kNotInSetMode));
    }
    Rule r = allow(kSub, "a");
    r.share.kind = ShareKind::Raw;
    PolicyBuilder builder;
    EXPECT_FALSE(builder.add(role("x"), r));
}

TEST(PolicyBuilder, RefusesBadGroups) {
    for (const char* group : {"", "a/b", "+", "g#"}) {
        Rule r = allow(kSub, "a");
        r.share = {true, ShareKind::Group, group};
        PolicyBuilder builder;
        const auto added = builder.add(role("x"), r);
        ASSERT_FALSE(added) << group;
        EXPECT_TRUE(added.error().is(kBadGroup));
    }
}

TEST(PolicyBuilder, IdsAreUniqueAndStable) {
    Rule named = allow(kPub, "a");
    named.id = "mine";
    PolicyBuilder twice;
    ASSERT_TRUE(twice.add(role("x"), named));
    ASSERT_TRUE(twice.add(role("y"), named));
    const auto refused = twice.build(1);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(kDuplicateRule));

    Rule taken = allow(kPub, "b");
    taken.id = "file/role/x/2";
    const auto policy = policy_of({{"x", {allow(kPub, "a"), allow(kPub, "b"), taken}}});
    const auto& rules = policy->find(role("x"))->rules;
    EXPECT_EQ(rules[0].id, "file/role/x/1");
    EXPECT_EQ(rules[1].id, "file/role/x/2.2");
    EXPECT_EQ(rules[2].id, "file/role/x/2");
}

TEST(PolicyBuilder, UnknownSubjectsAreNotThere) {
    const auto policy = policy_of({{"x", {}}}, 7);
    EXPECT_EQ(policy->version(), 7U);
    EXPECT_NE(policy->find(role("x")), nullptr) << "known, without rules";
    EXPECT_EQ(policy->find(role("X")), nullptr);
    EXPECT_EQ(policy->find({"other", BlockKind::Role, "x"}), nullptr);
    EXPECT_EQ(policy->find({"file", BlockKind::User, "x"}), nullptr);
}

TEST(PolicyRule, DescribesItself) {
    Rule r = allow(acts_of(Act::Publish, Act::Subscribe, Act::Receive), "a/${mqtt-clientid}");
    r.qos = qos_bit(0) | qos_bit(2);
    r.retain = kNo;
    r.share = {false, ShareKind::Group, "g"};
    r.origin = {"conf/roles.xml", 12, 7};
    EXPECT_EQ(
        describe(r),
        "allow publish,subscribe a/${mqtt-clientid} qos=0,2 retain=no share=group:g (conf/roles.xml:12:7)");
    EXPECT_EQ(where(r), "conf/roles.xml:12:7");
}

}  // namespace
}  // namespace latchkey::policy
