// The covering question against enumeration: random rule lists over a small world, no disagreement allowed.
// LK_PROPERTY_RUNS and LK_PROPERTY_SEED in the environment change how many and which.
// SPDX-License-Identifier: Apache-2.0
#include "topic/covered.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

#include "base/random.h"
#include "topic/filter.h"
#include "topic/universe_for_test.h"

namespace latchkey::topic {
namespace {

using testing::universe;
using testing::Universe;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string show(std::string_view filter, const std::vector<EffectFilter>& rules) {
    std::string out = "SUBSCRIBE " + std::string(filter) + " under";
    for (const EffectFilter& rule : rules)
        out += (rule.allow ? " +" : " -") + std::string(rule.filter);
    return out;
}

/// The filters that `x/#` falls into: `x` and `x/+/#`, as far as the small world has them.
std::vector<std::size_t> parts_of(const Universe& u, std::string_view filter) {
    const std::string_view full = canonical(filter);
    std::vector<std::size_t> out;
    if (!full.ends_with("/#")) return out;
    const std::string parent(full.substr(0, full.size() - 2));
    for (const std::string& part : {parent, parent + "/+/#"}) {
        const auto at = std::find(u.filters.begin(), u.filters.end(), part);
        if (at != u.filters.end()) out.push_back(static_cast<std::size_t>(at - u.filters.begin()));
    }
    return out;
}

TEST(TopicCovered, AgreesWithEnumerationOfTopics) {
    const Universe& u = universe();
    const std::uint64_t runs = from_environment("LK_PROPERTY_RUNS", 50'000);
    const std::uint64_t seed = from_environment("LK_PROPERTY_SEED", 20'261'124);
    SeededRandom random(seed);
    std::vector<std::vector<std::size_t>> parts_by_filter;
    std::vector<std::size_t> some_deep;  // filters that rules together may cover
    for (std::size_t f = 0; f < u.filters.size(); ++f) {
        parts_by_filter.push_back(parts_of(u, u.filters[f]));
        if (!parts_by_filter.back().empty()) some_deep.push_back(f);
    }
    std::uint64_t granted = 0;
    std::uint64_t by_several = 0;
    for (std::uint64_t run = 0; run < runs; ++run) {
        std::vector<EffectFilter> rules;
        Universe::Set allowed;
        Universe::Set decided;
        std::uint64_t asked = random.below(u.filters.size());
        if (random.below(3) == 0) asked = some_deep[random.below(some_deep.size())];
        const std::vector<std::size_t>& parts = parts_by_filter[asked];
        const std::uint64_t count = random.below(8);
        for (std::uint64_t i = 0; i < count; ++i) {
            std::uint64_t pick = random.below(u.filters.size());
            // Rules that have nothing to do with the question teach little: try again once or twice.
            for (int again = 0; again < 2 && (u.sets[pick] & u.sets[asked]).none(); ++again) {
                pick = random.below(u.filters.size());
            }
            if (!parts.empty() && random.below(4) == 0) pick = parts[random.below(parts.size())];
            rules.push_back({random.below(100) < 60, u.filters[pick]});
            if (rules.back().allow) allowed |= u.sets[pick] & ~decided;
            decided |= u.sets[pick];
        }
        const Universe::Set missing = u.sets[asked] & ~allowed;
        const Coverage answer = covered(u.filters[asked], rules);
        ASSERT_FALSE(answer.over_budget) << show(u.filters[asked], rules);
        ASSERT_EQ(answer.covered, missing.none()) << show(u.filters[asked], rules) << " seed " << seed;
        const auto example = witness(u.filters[asked], rules);
        ASSERT_EQ(example.has_value(), !answer.covered) << show(u.filters[asked], rules);
        if (answer.covered) {
            ++granted;
            bool one = false;
            for (const EffectFilter& rule : rules)
                one = one || (rule.allow && contains(rule.filter, u.filters[asked]));
            by_several += one ? 0 : 1;
            continue;
        }
        ASSERT_TRUE(testing::obvious_match(u.filters[asked], *example)) << *example;
        for (const EffectFilter& rule : rules) {
            if (!testing::obvious_match(rule.filter, *example)) continue;
            ASSERT_FALSE(rule.allow) << show(u.filters[asked], rules) << " witness " << *example;
            break;
        }
    }
    std::cout << runs << " questions, " << granted << " granted, " << by_several
              << " by several rules together, seed " << seed << '\n';
    ASSERT_GT(granted, runs / 50);
    ASSERT_GT(by_several, runs / 2'000);
}

TEST(TopicCovered, FirstMatchDecides) {
    using Rules = std::vector<EffectFilter>;
    EXPECT_FALSE(covered("a/#", Rules{}).covered);
    EXPECT_TRUE(covered("a/#", Rules{{true, "a/#"}}).covered);
    EXPECT_FALSE(covered("a/#", Rules{{false, "a/x"}, {true, "a/#"}}).covered);
    EXPECT_TRUE(covered("a/#", Rules{{true, "a/#"}, {false, "a/x"}}).covered);
    EXPECT_TRUE(covered("a/#", Rules{{true, "a/x"}, {false, "a/x"}, {true, "a/#"}}).covered);
    EXPECT_TRUE(covered("a/#", Rules{{true, "a"}, {true, "a/+/#"}}).covered);
    EXPECT_FALSE(covered("a/#", Rules{{true, "a/+"}, {true, "a/+/#"}}).covered);
    EXPECT_TRUE(covered("#", Rules{{true, "+"}, {true, "+/+/#"}}).covered);
    EXPECT_FALSE(covered("$SYS/#", Rules{{true, "#"}}).covered);
    EXPECT_TRUE(covered("#", Rules{{false, "$SYS/#"}, {true, "#"}}).covered) << "# never meant $SYS";
}

TEST(TopicCovered, TheWitnessUsesAWordThatNoRuleUses) {
    const std::vector<EffectFilter> rules{{true, "a/x"}, {true, "a/x1"}};
    EXPECT_EQ(witness("a/+", rules), "a/x2");
    EXPECT_EQ(witness("a/x", rules), std::nullopt);
}

/// Pairs of an allow and a useless deny of the same filter; any two filters overlap, so that the question
/// looks at their subsets.
std::vector<std::string> crossing_filters(int count) {
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) {
        std::string filter;
        for (int level = 0; level < count; ++level) {
            filter += level > 0 ? "/" : "";
            filter += level == i ? "a" : "+";
        }
        out.push_back(filter);
    }
    return out;
}
std::vector<EffectFilter> allowed_then_denied(const std::vector<std::string>& filters) {
    std::vector<EffectFilter> out;
    for (const std::string& filter : filters) {
        out.push_back({true, filter});
        out.push_back({false, filter});
    }
    out.push_back({true, "#"});
    return out;
}

TEST(TopicCovered, OverBudgetIsNoAndNeverSlow) {
    const auto few = crossing_filters(6);
    EXPECT_TRUE(covered("#", allowed_then_denied(few)).covered);
    const auto many = crossing_filters(24);
    const Coverage answer = covered("#", allowed_then_denied(many));
    EXPECT_TRUE(answer.over_budget);
    EXPECT_FALSE(answer.covered) << "what we cannot afford to decide is refused";
    EXPECT_LE(answer.steps, kCoverBudget + 16);
    EXPECT_EQ(witness("#", allowed_then_denied(many)), std::nullopt);
}

TEST(TopicCovered, LongPlainListsStayWithinTheBudget) {
    std::vector<EffectFilter> plain(10'000, {true, "a/b"});
    plain.push_back({true, "a/#"});
    EXPECT_TRUE(covered("a/#", plain).covered);
    plain.pop_back();
    const Coverage answer = covered("a/#", plain);
    EXPECT_FALSE(answer.covered);
    EXPECT_FALSE(answer.over_budget);
}

}  // namespace
}  // namespace latchkey::topic
