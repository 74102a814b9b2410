// Which names and filters are legal, and how they fall into levels.
// SPDX-License-Identifier: Apache-2.0
#include "topic/name.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "topic/errors.h"

namespace latchkey::topic {
namespace {

struct Row {
    std::string text;
    const ErrorInfo* as_name;  // nullptr: legal
    const ErrorInfo* as_filter;
    const char* why;
};

std::string levels(std::size_t n) {
    std::string out = "a";
    for (std::size_t i = 1; i < n; ++i)
        out += "/a";
    return out;
}

TEST(TopicName, TheStandardsRules) {
    const std::vector<Row> rows{
        {"a", nullptr, nullptr, "one level"},
        {"/", nullptr, nullptr, "two empty levels"},
        {"a//b", nullptr, nullptr, "an empty level inside"},
        {"/a", nullptr, nullptr, "an empty level first"},
        {"a/", nullptr, nullptr, "an empty level last"},
        {"$SYS/x", nullptr, nullptr, "a dollar is a character"},
        {"a b", nullptr, nullptr, "so is a space"},
        {"", &kEmpty, &kEmpty, "[MQTT-4.7.3-1] at least one character"},
        {std::string("a\0b", 3), &kNul, &kNul, "[MQTT-4.7.3-2] no NUL"},
        {std::string(65'535, 'a'), nullptr, nullptr, "[MQTT-4.7.3-3] the longest"},
        {std::string(65'536, 'a'), &kTooLong, &kTooLong, "[MQTT-4.7.3-3] one too long"},
        {"+", &kWildcardInName, nullptr, "[MQTT-3.3.2-2] no wildcards in names"},
        {"#", &kWildcardInName, nullptr, "[MQTT-3.3.2-2]"},
        {"a/+/b", &kWildcardInName, nullptr, "+ fills a level"},
        {"+/+/#", &kWildcardInName, nullptr, "both"},
        {"/#", &kWildcardInName, nullptr, "below the empty level"},
        {"a+", &kWildcardInName, &kMisplacedWildcard, "[MQTT-4.7.1-2] + beside a character"},
        {"+a/b", &kWildcardInName, &kMisplacedWildcard, "[MQTT-4.7.1-2]"},
        {"a/++", &kWildcardInName, &kMisplacedWildcard, "[MQTT-4.7.1-2]"},
        {"a#", &kWildcardInName, &kMisplacedWildcard, "[MQTT-4.7.1-1] # beside a character"},
        {"a/#/b", &kWildcardInName, &kMisplacedWildcard, "[MQTT-4.7.1-1] # before the end"},
        {"#/", &kWildcardInName, &kMisplacedWildcard, "[MQTT-4.7.1-1] an empty level after #"},
        {"+#", &kWildcardInName, &kMisplacedWildcard, "two in one level"},
        {levels(128), nullptr, nullptr, "as deep as the default limit"},
        {levels(129), &kTooManyLevels, &kTooManyLevels, "one deeper"},
    };
    for (const Row& row : rows) {
        const auto name = validate_name(row.text);
        const auto filter = validate_filter(row.text);
        EXPECT_EQ(name ? nullptr : &name.error().info(), row.as_name) << row.why;
        EXPECT_EQ(filter ? nullptr : &filter.error().info(), row.as_filter) << row.why;
    }
}

TEST(TopicName, TheLevelLimitIsTheCallers) {
    EXPECT_TRUE(validate_name("a/b", 2));
    EXPECT_FALSE(validate_name("a/b/c", 2));
    EXPECT_TRUE(validate_name(levels(200), 200));
    EXPECT_FALSE(validate_filter("a/b/#", 2));
}

TEST(TopicName, EmptyLevelsCount) {
    const auto split = [](std::string_view text) {
        std::vector<std::string> out;
        for (Levels l(text); !l.done(); l.next())
            out.emplace_back(l.level());
        return out;
    };
    using Texts = std::vector<std::string>;
    EXPECT_EQ(split("a"), (Texts{"a"}));
    EXPECT_EQ(split("/a"), (Texts{"", "a"}));
    EXPECT_EQ(split("a/"), (Texts{"a", ""}));
    EXPECT_EQ(split("a//b"), (Texts{"a", "", "b"}));
    EXPECT_EQ(split("/"), (Texts{"", ""}));
    for (const char* text : {"a", "/a", "a/", "a//b", "/", "a/b/c"}) {
        EXPECT_EQ(level_count(text), split(text).size()) << text;
    }
    EXPECT_EQ(first_level("$SYS/x"), "$SYS");
    EXPECT_EQ(first_level("/x"), "");
    EXPECT_EQ(first_level("x"), "x");
}

}  // namespace
}  // namespace latchkey::topic
