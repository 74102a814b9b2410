// Variables, role lists, preprocessors: tables of before and after.
// SPDX-License-Identifier: Apache-2.0
#include "auth/facts.h"

#include <gtest/gtest.h>

#include "auth/errors.h"
#include "auth/preprocess/jwt.h"
#include "auth/preprocess/plain.h"
#include "base/json.h"

namespace latchkey::auth {
namespace {

using Roles = std::vector<std::string>;

Facts connected() {
    Facts facts;
    facts.set_connect("c1", "u1", Secret("p1"));
    return facts;
}

json::Value claims(std::string_view text) {
    auto value = json::parse(text);
    EXPECT_TRUE(value);
    return *std::move(value);
}

TEST(Facts, ConnectFillsTheAuthenticationDefaultsAndAllOfThemAreClaimed) {
    const Facts facts = connected();
    EXPECT_EQ(facts.text("authentication-key"), "u1");
    EXPECT_EQ(facts.text("mqtt-clientid"), "c1");
    EXPECT_EQ(facts.bytes("authentication-byte-secret")->expose(), "p1");
    EXPECT_EQ(facts.text("authentication-char-secret"), "p1");
    EXPECT_FALSE(facts.text("authorization-key"));
    for (const auto& variable : facts.variables())
        EXPECT_EQ(variable.standing, Standing::Claimed) << variable.name;
}

TEST(Facts, NamesAreTypedAndIllNamedOnesAreErrors) {
    const struct {
        const char* name;
        bool known;
        VariableType type;
        bool read_only;
    } rows[] = {{"mqtt-clientid", true, VariableType::Text, true},
                {"mqtt-password", true, VariableType::Bytes, true},
                {"authorization-role-key", true, VariableType::Roles, false},
                {"string-1", true, VariableType::Text, false},
                {"byte-a-b", true, VariableType::Bytes, false},
                {"string-", false, {}, false},
                {"string-A", false, {}, false},
                {"string_1", false, {}, false},
                {"Mqtt-clientid", false, {}, false},
                {"", false, {}, false}};
    for (const auto& row : rows) {
        const auto kind = variable_kind(row.name);
        ASSERT_EQ(kind.has_value(), row.known) << row.name;
        if (!kind) continue;
        EXPECT_EQ(kind->type, row.type) << row.name;
        EXPECT_EQ(kind->read_only, row.read_only) << row.name;
    }
}

TEST(Facts, ReadOnlyAndMistypedWritesAreErrorsAndChangeNothing) {
    Facts facts = connected();
    EXPECT_FALSE(facts.set_text("mqtt-clientid", "other", Standing::Proven));
    EXPECT_FALSE(facts.clear("mqtt-username"));
    EXPECT_FALSE(facts.set_text("byte-1", "x", Standing::Proven));
    EXPECT_FALSE(facts.set_bytes("string-1", Secret("x"), Standing::Proven));
    EXPECT_FALSE(facts.set_text("nonsense", "x", Standing::Proven));
    EXPECT_EQ(facts.client_id(), "c1");
    EXPECT_EQ(facts.variables().size(), connected().variables().size());
}

TEST(Facts, RoleTextRoundTripsAndOneRoleNeverReadsAsTwo) {
    const Roles plain{"a", "b c", "{x"};
    const auto text = encode_roles(plain);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, "{{a}}{{b c}}{{{x}}");
    EXPECT_EQ(*decode_roles(*text), plain);
    EXPECT_EQ(decode_roles("")->size(), 0U);
    for (const char* unrepresentable : {"a}}{{admin", "a}", "}}", ""})
        EXPECT_FALSE(encode_roles({unrepresentable})) << unrepresentable;
    for (const char* bad : {"admin", "{{admin", "{{}}", "{{a}} {{b}}", "{{a}}}", "x{{a}}"})
        EXPECT_FALSE(decode_roles(bad)) << bad;
}

JwtPreprocessor roles_preprocessor(std::string claim = "roles") {
    JwtPreprocessorConfig config;
    config.prefix = "{{";
    config.postfix = "}}";
    config.extractions = {{std::move(claim), "authorization-role-key", {}}};
    return JwtPreprocessor(config);
}

TEST(JwtPreprocessor, RolesStayATypedList) {
    const struct {
        const char* claims;
        std::optional<Roles> roles;
    } rows[] = {
        {R"({"roles":["a","b"]})", Roles{"a", "b"}}, {R"({"roles":["a}}{{admin"]})", Roles{"a}}{{admin"}},
        {R"({"roles":"a b"})", Roles{"a b"}},        {R"({"roles":[]})", Roles{}},
        {R"({"roles":null})", std::nullopt},         {R"({"other":["a"]})", std::nullopt}};
    for (const auto& row : rows) {
        Facts facts = connected();
        facts.set_roles({"old"}, Standing::Proven);
        const json::Value verified = claims(row.claims);
        ASSERT_TRUE(roles_preprocessor().apply(facts, &verified)) << row.claims;
        ASSERT_EQ(facts.roles() != nullptr, row.roles.has_value()) << row.claims;
        if (row.roles) {
            EXPECT_EQ(*facts.roles(), *row.roles) << row.claims;
        }
    }
}

TEST(JwtPreprocessor, ObjectsAndNestedListsAreErrors) {
    for (const char* text : {R"({"roles":{"a":1}})", R"({"roles":[["a"]]})", R"({"roles":[null]})"}) {
        Facts facts = connected();
        const json::Value verified = claims(text);
        EXPECT_FALSE(roles_preprocessor().apply(facts, &verified)) << text;
        EXPECT_EQ(facts.roles(), nullptr);
    }
}

TEST(JwtPreprocessor, WithoutVerifiedClaimsTargetsBecomeAbsent) {
    Facts facts = connected();
    facts.set_roles({"old"}, Standing::Proven);
    ASSERT_TRUE(roles_preprocessor().apply(facts, nullptr));
    EXPECT_EQ(facts.roles(), nullptr);
}

TEST(JwtPreprocessor, DotsDescendInEseNamesAndPointersInNativeOnes) {
    const json::Value value =
        claims(R"({"realm_access":{"roles":["r"]},"a.b":"whole","a":{"b":"deep"},"x/y":1})");
    EXPECT_NE(find_claim(value, "realm_access.roles", false), nullptr);
    EXPECT_EQ(*find_claim(value, "a.b", false)->string(), "whole");
    EXPECT_NE(find_claim(value, "x/y", false), nullptr);
    EXPECT_EQ(*find_claim(value, "/a/b", true)->string(), "deep");
    EXPECT_EQ(find_claim(value, "realm_access.nope", false), nullptr);
    EXPECT_EQ(find_claim(claims(R"({"realm_access":"roles"})"), "realm_access.roles", false), nullptr);
}

TEST(JwtPreprocessor, TextsAreWrappedAndJoined) {
    JwtPreprocessorConfig config;
    config.prefix = "<";
    config.postfix = ">";
    config.extractions = {{"list", "string-1", {}}, {"number", "string-2", {}}};
    Facts facts = connected();
    const json::Value verified = claims(R"({"list":["a","b"],"number":7})");
    ASSERT_TRUE(JwtPreprocessor(config).apply(facts, &verified));
    EXPECT_EQ(facts.text("string-1"), "<a><b>");
    EXPECT_EQ(facts.text("string-2"), "<7>");
    EXPECT_EQ(facts.standing("string-1"), Standing::Proven);
}

TEST(JwtPreprocessor, LoadFaults) {
    Faults faults;
    JwtPreprocessorConfig config;
    config.extractions = {{"roles", "authorization-role-key", {}}};
    validate(config, false, faults);
    EXPECT_TRUE(faults.has_errors()) << "roles without braces";
    Faults early;
    config.prefix = "{{";
    config.postfix = "}}";
    validate(config, true, early);
    EXPECT_FALSE(early.has_errors());
    EXPECT_EQ(early.size(), 1U) << "a warning about its place";
}

TEST(PlainPreprocessor, CopiesWithStandingAndAbsentClears) {
    Facts facts = connected();
    ASSERT_TRUE(facts.set_text("string-2", "old", Standing::Proven));
    PlainPreprocessorConfig config;
    config.transformations = {{"mqtt-clientid", "authentication-key", true, {}},
                              {"string-9", "string-2", false, {}},
                              {"mqtt-password", "string-3", true, {}}};
    ASSERT_TRUE(PlainPreprocessor(config).apply(facts, nullptr));
    EXPECT_EQ(facts.text("authentication-key"), "c1");
    EXPECT_EQ(facts.standing("authentication-key"), Standing::Claimed);
    EXPECT_FALSE(facts.text("string-2"));
    EXPECT_EQ(facts.text("string-3"), "p1");
}

TEST(PlainPreprocessor, ARoleThatTextCannotHoldIsNotCopied) {
    Facts facts = connected();
    facts.set_roles({"a}}{{admin"}, Standing::Proven);
    PlainPreprocessorConfig config;
    config.transformations = {{"authorization-role-key", "string-1", false, {}},
                              {"string-1", "authorization-role-key", false, {}}};
    ASSERT_TRUE(PlainPreprocessor(config).apply(facts, nullptr));
    EXPECT_EQ(facts.roles(), nullptr);
}

TEST(PlainPreprocessor, MixingTypesNeedsAnEncoding) {
    for (const bool utf8 : {false, true}) {
        Facts facts = connected();
        PlainPreprocessorConfig config;
        config.transformations = {{"mqtt-clientid", "byte-1", utf8, {}}};
        EXPECT_EQ(PlainPreprocessor(config).apply(facts, nullptr).has_value(), utf8);
    }
    Facts facts;
    facts.set_connect("c", "u", Secret("\xff"));
    PlainPreprocessorConfig config;
    config.transformations = {{"mqtt-password", "string-1", true, {}}};
    EXPECT_FALSE(PlainPreprocessor(config).apply(facts, nullptr)) << "not UTF-8";
}

}  // namespace
}  // namespace latchkey::auth
