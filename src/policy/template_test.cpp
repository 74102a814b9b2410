// Templates: positions of faults, and what unusable values do to allows and denies.
// SPDX-License-Identifier: Apache-2.0
#include "policy/template.h"

#include <gtest/gtest.h>

#include "policy/build_for_test.h"
#include "policy/errors.h"
#include "topic/filter.h"

namespace latchkey::policy {
namespace {

using testing::variables;
using Texts = std::vector<std::string>;

Texts expand(std::string_view text, Effect effect, std::vector<TemplateValue> values) {
    const auto parsed = Template::parse(text, variables());
    EXPECT_TRUE(parsed) << text;
    return parsed ? parsed->expand(effect, values).filters : Texts{"?"};
}
std::vector<TemplateValue> id(std::string value) {
    return {{"mqtt-clientid", {std::move(value)}, false}};
}

TEST(PolicyTemplate, FaultsAreErrorsWithPosition) {
    struct Row {
        const char* text;
        const ErrorInfo* error;
        std::size_t offset;
    };
    for (const Row& row :
         {Row{"a/${nobody}/b", &kUnknownPlaceholder, 2}, Row{"${}", &kUnknownPlaceholder, 0},
          Row{"a/${mqtt-clientid", &kUnclosedPlaceholder, 2},
          Row{"${mqtt-clientid}/${x}", &kUnknownPlaceholder, 17},
          Row{"${MQTT-CLIENTID}", &kUnknownPlaceholder, 0}, Row{"${string-}", &kUnknownPlaceholder, 0},
          Row{"${string-A}", &kUnknownPlaceholder, 0}, Row{"", &kBadTemplate, 0},
          Row{"a/#/b", &kBadTemplate, 0}, Row{"a+/b", &kBadTemplate, 0},
          Row{"+${mqtt-clientid}", &kBadTemplate, 0}, Row{"#/${mqtt-clientid}", &kBadTemplate, 0},
          Row{"$${mqtt-clientid}/a", &kDollarPlaceholder, 1}}) {
        const auto parsed = Template::parse(row.text, variables());
        ASSERT_FALSE(parsed) << row.text;
        EXPECT_TRUE(parsed.error().error.is(*row.error))
            << row.text << ": " << parsed.error().error.message();
        EXPECT_EQ(parsed.error().offset, row.offset) << row.text;
    }
}

TEST(PolicyTemplate, SubstitutesOnceAndNeverItsOwnResult) {
    EXPECT_EQ(expand("a/${mqtt-clientid}/b", Effect::Allow, id("dev")), Texts{"a/dev/b"});
    EXPECT_EQ(expand("a/p-${mqtt-clientid}-s/#", Effect::Allow, id("dev")), Texts{"a/p-dev-s/#"});
    EXPECT_EQ(expand("a/${mqtt-clientid}", Effect::Allow, id("${mqtt-username}")),
              Texts{"a/${mqtt-username}"});
    EXPECT_EQ(expand("${mqtt-clientid}/${mqtt-clientid}", Effect::Allow, id("d")), Texts{"d/d"});
    EXPECT_EQ(expand("${string-tenant-1}/x", Effect::Allow, {{"string-tenant-1", {"t"}, true}}),
              Texts{"t/x"});
    EXPECT_EQ(expand("a/$b", Effect::Allow, {}), Texts{"a/$b"}) << "a dollar without brace is a dollar";
}

struct Row {
    const char* text;
    std::string value;
    Texts allow;
    Texts deny;
    const char* why;
};

TEST(PolicyTemplate, UnusableValuesVoidAnAllowAndWidenADeny) {
    const std::vector<Row> rows{
        {"a/${mqtt-clientid}/b", "", {}, {"a/+/b"}, "empty"},
        {"a/${mqtt-clientid}/b", "+", {}, {"a/+/b"}, "a plus"},
        {"a/${mqtt-clientid}/b", "x#", {}, {"a/+/b"}, "a hash"},
        {"a/${mqtt-clientid}/b", std::string("x\0y", 3), {}, {"a/+/b"}, "NUL"},
        {"a/p${mqtt-clientid}s/b", "+", {}, {"a/+/b"}, "the whole level, not the part"},
        {"a/${mqtt-clientid}/b", "x/y", {}, {"a/#"}, "a slash cuts the rest"},
        {"a/p${mqtt-clientid}/b", "/", {}, {"a/#"}, "a slash inside a level"},
        {"${mqtt-clientid}/b", "x/y", {}, {"#"}, "a slash in the first level"},
        {"a/${mqtt-clientid}", "$SYS", {"a/$SYS"}, {"a/$SYS"}, "below the first level a dollar is ordinary"},
        {"${mqtt-clientid}/b",
         "$SYS",
         {},
         {"$SYS/b"},
         "at the first level it opens nothing, and a deny stays literal"},
        {"${mqtt-clientid}/b",
         "$SYS/x",
         {},
         {"$SYS/#"},
         "a deny keeps its dollar level, because no wildcard reaches it"},
        {"${mqtt-clientid}/#", "$x+", {}, {"+/#"}, "no topic has that name"},
        {"${mqtt-clientid}", "#", {}, {"+"}, "a bare hash"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(expand(row.text, Effect::Allow, id(row.value)), row.allow) << row.text << ": " << row.why;
        EXPECT_EQ(expand(row.text, Effect::Deny, id(row.value)), row.deny) << row.text << ": " << row.why;
    }
    EXPECT_EQ(expand("a/${mqtt-clientid}", Effect::Allow, {}), Texts{}) << "absent";
    EXPECT_EQ(expand("a/${mqtt-clientid}", Effect::Deny, {}), Texts{"a/+"}) << "absent";
    EXPECT_EQ(expand("a/${mqtt-clientid}", Effect::Allow, {{"mqtt-clientid", {}, true}}), Texts{})
        << "empty list";
    EXPECT_EQ(expand("a/${mqtt-clientid}", Effect::Deny, {{"mqtt-clientid", {}, true}}), Texts{"a/+"})
        << "empty list";
}

TEST(PolicyTemplate, AListGivesOneRulePerElement) {
    const std::vector<TemplateValue> values{{"string-site", {"s1", "s/2", "s3"}, true}};
    EXPECT_EQ(expand("a/${string-site}/b", Effect::Allow, values), (Texts{"a/s1/b", "a/s3/b"}));
    EXPECT_EQ(expand("a/${string-site}/b", Effect::Deny, values), (Texts{"a/s1/b", "a/#", "a/s3/b"}));
    EXPECT_EQ(expand("${string-site}/${string-site}", Effect::Allow, values), (Texts{"s1/s1", "s3/s3"}))
        << "one element at a time";
    const std::vector<TemplateValue> two{{"string-a", {"1", "2"}, true}, {"string-b", {"x", "y"}, true}};
    EXPECT_EQ(expand("${string-a}/${string-b}", Effect::Allow, two), (Texts{"1/x", "1/y", "2/x", "2/y"}));
}

TEST(PolicyTemplate, TooManyElementsCloseTheRule) {
    TemplateValue value{"string-site", {}, true};
    for (std::size_t i = 0; i <= Template::kMaxExpansion; ++i)
        value.values.push_back(std::to_string(i));
    EXPECT_EQ(expand("a/${string-site}", Effect::Allow, {value}), Texts{});
    EXPECT_EQ(expand("a/${string-site}", Effect::Deny, {value}), Texts{"a/+"});
}

TEST(PolicyTemplate, AClaimedValueCountsOnlyWhereItMay) {
    const TemplateValue claimed{"authentication-key", {"me"}, false};
    const TemplateValue proven{"authentication-key", {"me"}, true};
    EXPECT_EQ(expand("u/${authentication-key}", Effect::Allow, {claimed}), Texts{});
    EXPECT_EQ(expand("u/${authentication-key}", Effect::Deny, {claimed}), Texts{"u/+"});
    EXPECT_EQ(expand("u/${authentication-key}", Effect::Allow, {proven}), Texts{"u/me"});
}

TEST(PolicyTemplate, ALiteralKeepsItsBraces) {
    const auto literal = Template::literal("a/${x}");
    ASSERT_TRUE(literal);
    EXPECT_EQ(literal->expand(Effect::Allow, {}).filters, Texts{"a/${x}"});
    EXPECT_FALSE(Template::literal("a+"));
}

/// Whatever the value, a deny's filter holds every topic that the value, put in as it stands, would name.
TEST(PolicyTemplate, ADenyNeverShrinks) {
    const char* values[] = {"x", "$x", "x/y", "$x/y", "a$", "/", "x/", "/x", "$", "$/"};
    for (const char* text : {"${mqtt-clientid}", "${mqtt-clientid}/b", "a/${mqtt-clientid}/b",
                             "a/p${mqtt-clientid}q/b", "${mqtt-clientid}/#"}) {
        for (const char* value : values) {
            std::string plain(text);
            const std::string placeholder = "${mqtt-clientid}";
            plain.replace(plain.find(placeholder), placeholder.size(), value);
            const Texts filters = expand(text, Effect::Deny, id(value));
            ASSERT_EQ(filters.size(), 1U);
            EXPECT_TRUE(topic::contains(filters[0], plain))
                << text << " with " << value << " gave " << filters[0];
        }
    }
}

}  // namespace
}  // namespace latchkey::policy
