// Tests of field.h and fault.h: every kind takes what it should and refuses the rest, with words that help.
// SPDX-License-Identifier: Apache-2.0
#include "base/field.h"

#include <array>

#include <gtest/gtest.h>

#include "base/fault.h"

namespace latchkey {
namespace {

enum class Check : std::uint8_t { Off, Local, Introspect };
constexpr std::array<std::string_view, 3> kCheckNames{"off", "local", "introspect"};

struct SampleConfig {
    std::string name;
    std::string endpoint;
    std::string ca_file;
    Secret client_secret;
    bool enabled = true;
    std::uint16_t port = 8883;
    std::int32_t leeway = 0;
    std::chrono::seconds cache{300};
    std::chrono::milliseconds deadline{2500};
    Check check = Check::Local;
    std::vector<std::string> scopes;
    std::optional<std::string> audience;
    std::optional<std::uint32_t> limit;
};

constexpr std::array kFields{
    field<&SampleConfig::name>("name", {.xml = "@name", .required = true, .doc = "what logs call it"}),
    field<&SampleConfig::endpoint>("jwks_url", {.xml = "jwks-endpoint|jwks-url", .kind = FieldKind::Url}),
    field<&SampleConfig::ca_file>("ca_file", {.kind = FieldKind::Path}),
    field<&SampleConfig::client_secret>("client_secret", {.xml = "client-secret"}),
    field<&SampleConfig::enabled>("enabled", {.xml = "@enabled"}),
    field<&SampleConfig::port>("port"),
    field<&SampleConfig::leeway>("leeway_s", {.unit = "seconds", .min = -5, .max = 600}),
    field<&SampleConfig::cache>("jwks_cache_duration_s", {.xml = "jwks-cache-duration", .max = 86400}),
    field<&SampleConfig::deadline>("deadline_ms"),
    field<&SampleConfig::check>("check", {.choices = kCheckNames}),
    field<&SampleConfig::scopes>("scopes", {.xml = "scope"}),
    field<&SampleConfig::audience>("audience", {.default_text = "not checked"}),
    field<&SampleConfig::limit>("limit"),
};
constexpr FieldTable kTable{"realm.sample", "for tests", kFields};
static_assert(kTable.fields.size() == 13, "rows are constexpr");

FieldStatus assign(SampleConfig& config, std::string_view key, const FieldValue& value) {
    const Field* row = kTable.find(key);
    EXPECT_NE(row, nullptr) << key;
    return row->assign(*row, &config, value);
}

using V = FieldValue;

TEST(Field, AssignsEveryKindFromTomlAndFromXml) {
    SampleConfig config;
    const std::vector<std::string> list{"a", "b"};
    EXPECT_TRUE(assign(config, "name", V::of_untyped("\n   okta \t")).ok());
    EXPECT_EQ(config.name, "okta") << "XML text is trimmed";
    EXPECT_TRUE(assign(config, "name", V::of_string(" x ")).ok());
    EXPECT_EQ(config.name, " x ") << "a TOML string is taken as written";
    EXPECT_TRUE(assign(config, "jwks_url", V::of_string("https://idp.example:8443/keys?x=@")).ok());
    EXPECT_TRUE(assign(config, "client_secret", V::of_untyped("\n s3cret\n")).ok());
    EXPECT_TRUE(config.client_secret.equals("s3cret"));
    EXPECT_TRUE(assign(config, "enabled", V::of_untyped("false")).ok());
    EXPECT_FALSE(config.enabled);
    EXPECT_TRUE(assign(config, "enabled", V::of_boolean(true)).ok());
    EXPECT_TRUE(config.enabled);
    EXPECT_TRUE(assign(config, "port", V::of_integer(65535)).ok());
    EXPECT_EQ(config.port, 65535);
    EXPECT_TRUE(assign(config, "leeway_s", V::of_untyped("-5")).ok());
    EXPECT_EQ(config.leeway, -5);
    EXPECT_TRUE(assign(config, "jwks_cache_duration_s", V::of_untyped(" 60 ")).ok());
    EXPECT_EQ(config.cache, std::chrono::seconds(60));
    EXPECT_TRUE(assign(config, "deadline_ms", V::of_integer(7)).ok());
    EXPECT_EQ(config.deadline, std::chrono::milliseconds(7));
    EXPECT_TRUE(assign(config, "check", V::of_string("introspect")).ok());
    EXPECT_EQ(config.check, Check::Introspect);
    EXPECT_TRUE(assign(config, "scopes", V::of_list(list)).ok());
    EXPECT_EQ(config.scopes, list);
    EXPECT_TRUE(assign(config, "scopes", V::of_untyped("c")).ok());
    EXPECT_EQ(config.scopes.size(), 3U) << "repeated elements append";
    EXPECT_TRUE(assign(config, "audience", V::of_string("api://x")).ok());
    EXPECT_EQ(config.audience, "api://x");
    EXPECT_TRUE(assign(config, "limit", V::of_integer(0)).ok());
    EXPECT_EQ(config.limit, 0U);
}

TEST(Field, RefusesAndSaysWhy) {
    const std::vector<std::string> with_newline{"a\nb"};
    struct Row {
        std::string_view key;
        FieldValue value;
        std::string problem;
    };
    const Row rows[] = {
        {"name", V::of_string(""), "must not be empty"},
        {"name", V::of_untyped("  "), "must not be empty"},
        {"name", V::of_integer(1), "must be a string, not an integer"},
        {"name", V::of_string("a\x1b"), "must not contain control characters or line breaks"},
        {"name", V::of_string("\xFF"), "must be UTF-8 text"},
        {"jwks_url", V::of_string("ftp://x"),
         "must be an URL that starts with https:// or http://, not \"ftp://x\""},
        {"jwks_url", V::of_string("https://"), "must be an URL with a host"},
        {"jwks_url", V::of_string("https://:80/"), "must be an URL with a host"},
        {"jwks_url", V::of_string("https://u:p@h/"), "must be an URL without a user name or password"},
        {"jwks_url", V::of_string("https://h/a b"), "must be an URL without spaces, quotes or brackets"},
        {"client_secret", V::of_integer(1), "must be a string, not an integer"},
        {"enabled", V::of_string("true"), "must be true or false, not a string"},
        {"enabled", V::of_untyped("yes"), "must be true or false, not \"yes\""},
        {"port", V::of_integer(65536), "must be 0 to 65535, not 65536"},
        {"port", V::of_integer(-1), "must be 0 to 65535, not -1"},
        {"port", V::of_string("1"), "must be an integer, not a string"},
        {"port", V::of_untyped("12x"), "must be an integer, not \"12x\""},
        {"port", V::of_untyped("99999999999999999999"), "must be an integer, not \"99999999999999999999\""},
        {"leeway_s", V::of_integer(601), "must be -5 to 600 seconds, not 601"},
        {"jwks_cache_duration_s", V::of_integer(-1), "must be 0 to 86400 seconds, not -1"},
        {"check", V::of_string("introspct"), "must be one of off, local, introspect, not \"introspct\""},
        {"scopes", V::of_string("a"), "must be a list of strings, not a string"},
        {"scopes", V::of_list(with_newline), "must not contain control characters or line breaks"},
        {"audience", V::of_boolean(true), "must be a string, not a boolean"},
        {"limit", V::of_integer(4294967296), "must be 0 to 4294967295, not 4294967296"},
    };
    for (const Row& row : rows) {
        SampleConfig config;
        EXPECT_EQ(assign(config, row.key, row.value).problem, row.problem) << row.key;
        EXPECT_EQ(config.port, 8883) << "nothing is assigned";
        EXPECT_EQ(config.audience, std::nullopt);
    }
    SampleConfig config;
    EXPECT_EQ(assign(config, "check", V::of_string("introspct")).hint, "did you mean \"introspect\"?");
    EXPECT_EQ(assign(config, "scopes", V::of_string("a")).hint, "write [\"a\"]");
}

TEST(Field, PrintsItselfForTheReferencePage) {
    const SampleConfig defaults;
    struct Row {
        std::string_view key;
        std::string_view type;
        std::string_view value;
    };
    const Row rows[] = {
        {"name", "string", ""},
        {"jwks_url", "URL, https or http", "\"\""},
        {"ca_file", "path of a file or folder", "\"\""},
        {"client_secret", "string, secret", "\"\""},
        {"enabled", "true or false", "true"},
        {"port", "integer, 0 to 65535", "8883"},
        {"leeway_s", "integer, -5 to 600 seconds", "0"},
        {"jwks_cache_duration_s", "integer, 0 to 86400 seconds", "300"},
        {"check", "one of off, local, introspect", "\"local\""},
        {"scopes", "list of strings", "[]"},
        {"audience", "string", "not checked"},
        {"limit", "integer, 0 to 4294967295", ""},
    };
    for (const Row& row : rows) {
        const Field* field = kTable.find(row.key);
        ASSERT_NE(field, nullptr) << row.key;
        EXPECT_EQ(describe_type(*field), row.type) << row.key;
        EXPECT_EQ(describe_default(*field, &defaults), row.value) << row.key;
    }
    SampleConfig config;
    config.client_secret = Secret("hunter2");
    config.name = "a \"b\"\\";
    config.scopes = {"x", "y"};
    EXPECT_EQ(kTable.find("client_secret")->toml_text(*kTable.find("client_secret"), &config), "\"***\"");
    EXPECT_EQ(kTable.find("name")->toml_text(*kTable.find("name"), &config), R"("a \u0022b\u0022\u005c")");
    EXPECT_EQ(kTable.find("scopes")->toml_text(*kTable.find("scopes"), &config), R"(["x", "y"])");
    EXPECT_EQ(toml_type(FieldKind::Seconds), "integer");
}

TEST(FieldTable, FindsByKeyAndByEverySpellingOfTheElement) {
    EXPECT_EQ(kTable.find_xml("jwks-endpoint"), kTable.find("jwks_url"));
    EXPECT_EQ(kTable.find_xml("jwks-url"), kTable.find("jwks_url"));
    EXPECT_EQ(kTable.find_xml("@name"), kTable.find("name"));
    EXPECT_EQ(kTable.find_xml("name"), nullptr) << "an attribute is not an element";
    EXPECT_EQ(kTable.find_xml(""), nullptr) << "rows without XML have no empty name";
    EXPECT_EQ(kTable.find_xml("jwks-endpoint|jwks-url"), nullptr);
    EXPECT_EQ(kTable.find("jwks-url"), nullptr);
    EXPECT_EQ(kTable.find("jwks_url")->xml_name(), "jwks-endpoint");
    EXPECT_EQ(kTable.keys().size(), kFields.size());
    EXPECT_EQ(kTable.xml_names().size(), 6U);
}

TEST(NearestName, FindsTyposAndLeavesStrangersAlone) {
    constexpr std::array<std::string_view, 6> kNames{
        "jwks-endpoint", "jwks-cache-duration", "port", "name", "scope", "qos"};
    struct Row {
        std::string_view word;
        std::string_view nearest;  ///< empty: none
    };
    const Row rows[] = {
        {"jwks-endpont", "jwks-endpoint"},
        {"jwks_endpoint", "jwks-endpoint"},
        {"JWKS-Endpoint", "jwks-endpoint"},
        {"jwks-enpdoint", "jwks-endpoint"},
        {"jwks-cache-time", ""},
        {"jwks-cache-duratoin", "jwks-cache-duration"},
        {"prot", "port"},
        {"nmae", "name"},
        {"scopes", "scope"},
        {"listener", ""},
        {"x", ""},
        {"", ""},
    };
    for (const Row& row : rows)
        EXPECT_EQ(nearest_name(row.word, kNames).value_or(""), row.nearest) << row.word;
    EXPECT_EQ(nearest_name(std::string(100'000, 'a'), kNames), std::nullopt) << "cost is bounded";
    EXPECT_EQ(nearest_name("name", {}), std::nullopt);
}

TEST(Fault, IsOneLineThatEditorsUnderstand) {
    EXPECT_EQ(
        to_string(Fault{Severity::Error, {"conf/config.xml", 12, 5}, "unknown element <jwks-endpont>", ""}),
        "conf/config.xml:12:5: unknown element <jwks-endpont>");
    EXPECT_EQ(to_string(Fault{Severity::Warning, {"a.toml", 1, 1}, "nothing checks aud", "set audience"}),
              "a.toml:1:1: warning: nothing checks aud; set audience");
    EXPECT_EQ(to_string(Fault{Severity::Error, {"a", 1, 1}, "bad \"x\ny\"\x1b", ""}),
              "a:1:1: bad \"x\\u000ay\"\\u001b");
}

TEST(Fault, PositionsCountCharactersNotBytes) {
    const std::string text = "ab\n\xC3\xA9\xF0\x9F\x98\x80z\n";
    EXPECT_EQ(position_at("f", text, 0), (Position{"f", 1, 1}));
    EXPECT_EQ(position_at("f", text, 3), (Position{"f", 2, 1}));
    EXPECT_EQ(position_at("f", text, 9), (Position{"f", 2, 3}));
    EXPECT_EQ(position_at("f", text, text.size()), (Position{"f", 3, 1}));
    EXPECT_EQ(position_at("f", text, 999), (Position{"f", 3, 1}));
}

TEST(Faults, WarningsAloneAreNoErrors) {
    Faults faults;
    EXPECT_TRUE(faults.empty());
    faults.warning({"f", 1, 2}, "odd");
    EXPECT_FALSE(faults.has_errors());
    faults.error({"f", 3, 4}, "wrong", "mend it");
    EXPECT_TRUE(faults.has_errors());
    EXPECT_EQ(faults.to_text(), "f:1:2: warning: odd\nf:3:4: wrong; mend it\n");
}

}  // namespace
}  // namespace latchkey
