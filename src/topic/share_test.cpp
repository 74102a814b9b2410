// Shared subscriptions: what is one, what is malformed.
// SPDX-License-Identifier: Apache-2.0
#include "topic/share.h"

#include <gtest/gtest.h>

#include "topic/errors.h"

namespace latchkey::topic {
namespace {

TEST(TopicShare, TakesGroupAndFilterApart) {
    const auto simple = parse_share("$share/g/a/+/#");
    ASSERT_TRUE(simple);
    ASSERT_TRUE(simple->has_value());
    EXPECT_EQ((*simple)->group, "g");
    EXPECT_EQ((*simple)->filter, "a/+/#");
    const auto empty_first_level = parse_share("$share/g//a");
    ASSERT_TRUE(empty_first_level && empty_first_level->has_value());
    EXPECT_EQ((*empty_first_level)->filter, "/a");
}

TEST(TopicShare, OtherFiltersArePlain) {
    for (const char* text : {"a", "$share", "$shares/g/a", "a/$share/g", "$SHARE/g/a", "#"}) {
        const auto parsed = parse_share(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_FALSE(parsed->has_value()) << text;
    }
}

TEST(TopicShare, MalformedIsAnErrorAndNeverAPlainFilter) {
    struct Row {
        const char* text;
        const ErrorInfo* error;
    };
    for (const Row& row : {Row{"$share/", &kMalformedShare}, Row{"$share/g", &kMalformedShare},
                           Row{"$share//a", &kMalformedShare}, Row{"$share/g/", &kMalformedShare},
                           Row{"$share/+/a", &kMalformedShare}, Row{"$share/#/a", &kMalformedShare},
                           Row{"$share/g+/a", &kMalformedShare}, Row{"$share/g/a+", &kMisplacedWildcard},
                           Row{"$share/g/#/a", &kMisplacedWildcard}, Row{"a+", &kMisplacedWildcard}}) {
        const auto parsed = parse_share(row.text);
        ASSERT_FALSE(parsed) << row.text;
        EXPECT_TRUE(parsed.error().is(*row.error)) << row.text;
    }
    EXPECT_FALSE(parse_share("$share/g/a/b/c", 2));
    EXPECT_FALSE(parse_share(std::string_view("$share/g\0/a", 11)));
}

}  // namespace
}  // namespace latchkey::topic
