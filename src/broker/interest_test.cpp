// Interest and the route cache over it: bits, generations, and what makes a cached route stale.
// SPDX-License-Identifier: Apache-2.0
#include "broker/interest.h"

#include <gtest/gtest.h>

#include "broker/route_cache.h"
#include "policy/bind.h"

namespace latchkey::broker {
namespace {

class InterestTest : public testing::Test {
  protected:
    HashSeed seed_{};
    Interest interest_{seed_};
};

TEST_F(InterestTest, AWalkGivesTheShardsOfEveryFilterThatHoldsTheTopic) {
    interest_.set(0, "a/b", true, false);
    interest_.set(3, "a/#", true, true);
    interest_.set(5, "x", true, true);
    const Reach reach = interest_.walk("a/b");
    EXPECT_EQ(reach.any, 0b1001U);
    EXPECT_EQ(reach.durable, 0b1000U);
    EXPECT_EQ(interest_.walk("$SYS/a").any, 0U);
}

TEST_F(InterestTest, ABitFallsOnlyForItsOwnShard) {
    interest_.set(0, "a", true, true);
    interest_.set(1, "a", true, false);
    interest_.set(0, "a", false, false);
    EXPECT_EQ(interest_.walk("a").any, 0b10U);
    EXPECT_EQ(interest_.walk("a").durable, 0U);
}

TEST_F(InterestTest, TheGenerationMovesAtEveryInsertAlsoWhenTheBitStood) {
    const auto counter = interest_.counter_of("a/b/c");
    const Generation before = interest_.generation(counter);
    interest_.set(0, "a/b/#", true, false);
    const Generation first = interest_.generation(counter);
    EXPECT_NE(first, before);
    interest_.set(0, "a/b/#", true, false);
    EXPECT_NE(interest_.generation(counter), first);
}

TEST_F(InterestTest, AFilterWithAWildcardInItsFirstTwoLevelsMovesEveryTopic) {
    for (const std::string_view filter : {"#", "+/x", "a/+", "a/#"}) {
        const auto counter = interest_.counter_of("q/r");
        const Generation before = interest_.generation(counter);
        interest_.set(0, filter, true, false);
        EXPECT_NE(interest_.generation(counter), before) << filter;
    }
}

TEST_F(InterestTest, ACachedRouteIsWalkedAgainAfterAnInsertAndRightsAfterANewPolicy) {
    policy::AuthorityTable authorities(seed_);
    const policy::BlockRef block{"r", policy::BlockKind::Role, "role"};
    const auto authority =
        *authorities.intern({.principal = {"p", policy::PrincipalKind::User, "s", 0}, .blocks = {block}});
    const auto program = [&](policy::PolicyVersion version, bool allowed) {
        policy::PolicyBuilder builder;
        if (allowed) {
            policy::Rule rule;
            rule.effect = policy::Effect::Allow;
            rule.acts = policy::acts_of(policy::Act::Publish);
            rule.topic = *policy::Template::literal("a/#");
            EXPECT_TRUE(builder.add(block, std::move(rule)));
        }
        return policy::bind(*builder.build(version), authority);
    };
    RouteCache cache(seed_, interest_);
    const policy::Program open = program(1, true);
    EXPECT_EQ(cache.find("a/b", open).reach.any, 0U);
    interest_.set(2, "a/b", true, false);
    EXPECT_EQ(cache.find("a/b", open).reach.any, 0b100U);
    EXPECT_EQ(cache.reach("a/b", authority->number()).any, 0b100U);
    EXPECT_TRUE(policy::mask_allows(cache.find("a/b", open).allowed, 1, true));
    EXPECT_EQ(cache.find("a/b", program(2, false)).allowed, 0U);
}

TEST_F(InterestTest, AnotherTopicInTheSameSlotIsNotTakenForThisOne) {
    RouteCache cache(seed_, interest_);
    policy::AuthorityTable authorities(seed_);
    const auto authority = *authorities.intern({.principal = {"p", policy::PrincipalKind::User, "s", 0}});
    policy::PolicyBuilder builder;
    const policy::Program program = policy::bind(*builder.build(1), authority);
    for (int i = 0; i < 40'000; ++i) {
        const std::string topic = "t/" + std::to_string(i);
        EXPECT_EQ(cache.find(topic, program).topic, topic);
    }
}

}  // namespace
}  // namespace latchkey::broker
