// The matching tree against the obvious matcher, under random inserts and erases; and what it costs.
// SPDX-License-Identifier: Apache-2.0
#include "topic/trie.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "topic/universe_for_test.h"

namespace latchkey::topic {
namespace {

constexpr HashSeed kSeed{};
using testing::universe;

std::vector<int> matched(Trie<int>& trie, std::string_view topic) {
    std::vector<int> out;
    trie.match(topic, [&](int& value) { out.push_back(value); });
    std::sort(out.begin(), out.end());
    return out;
}

TEST(TopicTrie, PlusMatchesExactlyOneEmptyLevel) {
    Trie<int> trie(kSeed);
    trie.insert("a/+", 1);
    EXPECT_EQ(matched(trie, "a/"), std::vector<int>{1});
    EXPECT_TRUE(matched(trie, "a").empty());
    EXPECT_TRUE(matched(trie, "a//").empty());
}

TEST(TopicTrie, LeadingWildcardsNeverMeetDollar) {
    Trie<int> trie(kSeed);
    trie.insert("#", 1);
    trie.insert("+/x", 2);
    trie.insert("$SYS/#", 3);
    EXPECT_EQ(matched(trie, "$SYS/x"), std::vector<int>{3});
    EXPECT_EQ(matched(trie, "a/x"), (std::vector<int>{1, 2}));
}

TEST(TopicTrie, AgreesWithTheObviousMatcherWhileItChanges) {
    const auto& u = universe();
    constexpr std::uint64_t kRandomSeed = 41;
    SeededRandom random(kRandomSeed);
    Trie<int> trie(kSeed);
    std::map<std::size_t, int> twin;  // filter number -> value
    for (int step = 0; step < 20'000; ++step) {
        const auto f = static_cast<std::size_t>(random.below(u.filters.size()));
        if (random.below(2) == 0) {
            ASSERT_TRUE(trie.insert(u.filters[f], step));
            twin[f] = step;
        } else {
            ASSERT_EQ(trie.erase(u.filters[f]), twin.erase(f) == 1);
        }
        ASSERT_EQ(trie.size(), twin.size());
        const int* found = trie.find(u.filters[f]);
        ASSERT_EQ(found != nullptr, twin.contains(f));
        const auto t = static_cast<std::size_t>(random.below(u.topics.size()));
        std::vector<int> expected;
        for (const auto& [filter, value] : twin) {
            if (u.sets[filter][t]) expected.push_back(value);
        }
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(matched(trie, u.topics[t]), expected)
            << u.topics[t] << " at step " << step << " seed " << kRandomSeed;
    }
    std::set<std::string> listed;
    trie.for_each([&](std::string_view filter, int&) { listed.emplace(filter); });
    std::set<std::string> expected;
    for (const auto& [filter, value] : twin)
        expected.insert(u.filters[filter]);
    EXPECT_EQ(listed, expected);
    for (const std::string& filter : expected)
        EXPECT_TRUE(trie.erase(filter));
    EXPECT_EQ(trie.node_count(), 1U) << "nothing is left but the root";
}

TEST(TopicTrie, DepthIsBounded) {
    Trie<int> trie(kSeed);
    std::string deep = "a";
    for (std::size_t i = 1; i < kMaxTrieLevels; ++i)
        deep += "/a";
    EXPECT_TRUE(trie.insert(deep, 1));
    EXPECT_FALSE(trie.insert(deep + "/a", 2));
    EXPECT_FALSE(trie.erase(deep + "/a"));
    EXPECT_EQ(matched(trie, deep), std::vector<int>{1});
    EXPECT_TRUE(matched(trie, deep + "/a").empty()) << "a deeper topic is another topic";
    trie.insert("a/#", 3);
    EXPECT_EQ(matched(trie, deep + "/a/a/a"), std::vector<int>{3});
}

TEST(TopicTrie, AHundredThousandFiltersStayWithin250BytesEach) {
    Trie<std::uint32_t> trie(kSeed);
    constexpr std::uint32_t kCount = 100'000;
    for (std::uint32_t i = 0; i < kCount; ++i) {
        const std::string device = std::to_string(i);
        trie.insert("plant/line" + std::to_string(i % 100) + "/device-" + device + "/+", i);
    }
    ASSERT_EQ(trie.size(), kCount);
    const double each = static_cast<double>(trie.memory_bytes()) / kCount;
    std::cout << each << " bytes per filter\n";
    EXPECT_LT(each, 250.0);
    std::size_t hits = 0;
    trie.match("plant/line42/device-42/temperature",
               [&](std::uint32_t& value) { hits += value == 42 ? 1 : 100; });
    EXPECT_EQ(hits, 1U);
}

}  // namespace
}  // namespace latchkey::topic
