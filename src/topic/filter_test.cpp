// Filters as sets: the standard's examples, and agreement with enumeration over a small world.
// SPDX-License-Identifier: Apache-2.0
#include "topic/filter.h"

#include <gtest/gtest.h>

#include "topic/name.h"
#include "topic/universe_for_test.h"

namespace latchkey::topic {
namespace {

using testing::universe;
using testing::Universe;

TEST(TopicFilter, TheStandardsExamples) {
    struct Row {
        const char* filter;
        const char* topic;
        bool matches;
    };
    for (const Row& row : {Row{"sport/tennis/player1/#", "sport/tennis/player1", true},
                           Row{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
                           Row{"sport/#", "sport", true},
                           Row{"#", "a/b", true},
                           Row{"sport/tennis/+", "sport/tennis/player1", true},
                           Row{"sport/tennis/+", "sport/tennis/player1/ranking", false},
                           Row{"sport/+", "sport", false},
                           Row{"sport/+", "sport/", true},
                           Row{"+/+", "/finance", true},
                           Row{"/+", "/finance", true},
                           Row{"+", "/finance", false},
                           Row{"#", "$SYS/x", false},
                           Row{"+/monitor/Clients", "$SYS/monitor/Clients", false},
                           Row{"$SYS/#", "$SYS/x", true},
                           Row{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
                           Row{"a/+", "a/$x", true},
                           Row{"a/#", "a/$x/b", true},
                           Row{"a/#", "ab", false},
                           Row{"a/+/#", "a", false},
                           Row{"/#", "/", true},
                           Row{"/#", "a", false},
                           Row{"ACCOUNTS", "Accounts", false}}) {
        EXPECT_EQ(matches(row.filter, row.topic), row.matches) << row.filter << " on " << row.topic;
    }
}

TEST(TopicFilter, FourTopicsThatLookAlikeAreFour) {
    const char* texts[] = {"a//b", "/a", "a/", "a"};
    for (const char* filter : texts) {
        for (const char* topic : texts)
            EXPECT_EQ(matches(filter, topic), std::string_view(filter) == topic);
    }
}

TEST(TopicFilter, ANarrowerFilterNeverContainsAWider) {
    EXPECT_FALSE(contains("a/+", "a/#"));
    EXPECT_FALSE(contains("+", "#"));
    EXPECT_FALSE(contains("a/b", "a/b/"));
    EXPECT_TRUE(contains("a/#", "a"));
    EXPECT_TRUE(contains("a/#", "a/+/b"));
    EXPECT_TRUE(contains("+/#", "#"));
    EXPECT_FALSE(contains("#", "$SYS/#"));
    EXPECT_FALSE(intersects("+/a", "$x/a"));
    EXPECT_EQ(intersection("+/b", "x/+"), "x/b");
    EXPECT_EQ(intersection("a/#", "a"), "a");
    EXPECT_EQ(intersection("a", "b"), std::nullopt);
}

TEST(TopicFilter, MatchingAgreesWithTheObviousMatcherEverywhere) {
    const Universe& u = universe();
    for (std::size_t f = 0; f < u.filters.size(); ++f) {
        ASSERT_TRUE(validate_filter(u.filters[f])) << u.filters[f];
        for (std::size_t t = 0; t < u.topics.size(); ++t) {
            ASSERT_EQ(matches(u.filters[f], u.topics[t]), u.sets[f][t])
                << u.filters[f] << " on " << u.topics[t];
        }
    }
}

TEST(TopicFilter, SetsAgreeWithEnumerationForEveryPair) {
    const Universe& u = universe();
    for (std::size_t l = 0; l < u.filters.size(); ++l) {
        for (std::size_t r = 0; r < u.filters.size(); ++r) {
            const Universe::Set both = u.sets[l] & u.sets[r];
            ASSERT_EQ(contains(u.filters[l], u.filters[r]), both == u.sets[r])
                << u.filters[l] << " > " << u.filters[r];
            ASSERT_EQ(intersects(u.filters[l], u.filters[r]), both.any())
                << u.filters[l] << " & " << u.filters[r];
            const auto common = intersection(u.filters[l], u.filters[r]);
            ASSERT_EQ(common.has_value(), both.any());
            if (!common) continue;
            ASSERT_TRUE(validate_filter(*common)) << *common;
            ASSERT_EQ(u.set_of(*common), both) << u.filters[l] << " & " << u.filters[r] << " = " << *common;
        }
    }
}

}  // namespace
}  // namespace latchkey::topic
