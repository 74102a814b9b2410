// The rules on tokens as tables; A-numbers are rows of the attack catalogue.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/validator.h"

#include <gtest/gtest.h>

namespace latchkey::auth {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const WallTime kAt{std::chrono::seconds(kNow)};

JwtPolicy strict() {
    JwtPolicy policy;
    policy.realm = "idp";
    policy.issuers = {"https://a"};
    policy.audiences = {"mqtt-broker"};
    policy.scopes = {"mqtt"};
    policy.leeway = std::chrono::seconds(30);
    policy.require_evidence = true;
    return policy;
}

json::Value parse(const std::string& text) {
    auto value = json::parse(text);
    EXPECT_TRUE(value) << text;
    return value ? *std::move(value) : json::Value();
}

/// The claims of a good token with some replaced ("name" -> JSON text; empty text leaves the claim out).
json::Value claims(std::initializer_list<std::pair<std::string, std::string>> changes) {
    std::vector<std::pair<std::string, std::string>> all{
        {"iss", "\"https://a\""},    {"aud", "\"mqtt-broker\""},          {"sub", "\"alice\""},
        {"scope", "\"mqtt other\""}, {"exp", std::to_string(kNow + 600)}, {"iat", std::to_string(kNow - 5)}};
    for (const auto& [name, value] : changes) {
        std::erase_if(all, [&](const auto& one) { return one.first == name; });
        if (!value.empty()) all.emplace_back(name, value);
    }
    std::string text;
    for (const auto& [name, value] : all)
        text += (text.empty() ? "{\"" : ",\"") + name + "\":" + value;
    return parse(text + "}");
}

Result<JudgedToken> judged(const json::Value& value, const JwtPolicy& policy = strict(),
                           std::optional<std::string_view> typ = "at+jwt") {
    return judge(value, typ, crypto::Algorithm::Rs256, policy, kAt);
}

TEST(Validator, AGoodTokenPasses) {
    const auto token = judged(claims({}));
    ASSERT_TRUE(token) << token.error().message();
    EXPECT_EQ(token->subject, "alice");
    EXPECT_EQ(token->issuer, "https://a");
    EXPECT_FALSE(token->is_client);
    EXPECT_EQ(token->expires_at, kAt + std::chrono::seconds(600));
}

TEST(Validator, A15KindsOfTokens) {
    const struct {
        const char* typ;
        std::pair<std::string, std::string> claim;
        bool passes;
    } rows[] = {{"at+jwt", {"x", "1"}, true},
                {"AT+JWT", {"x", "1"}, true},
                {"application/at+jwt", {"x", "1"}, true},
                {"JWT", {"x", "1"}, true},
                {"logout+jwt", {"x", "1"}, false},
                {"application/LOGOUT+jwt", {"x", "1"}, false},
                {"secevent+jwt", {"x", "1"}, false},
                {"dpop+jwt", {"x", "1"}, false},
                {"token-introspection+jwt", {"x", "1"}, false},
                {"JWT", {"typ", "\"ID\""}, false},
                {"JWT", {"typ", "\"Refresh\""}, false},
                {"JWT", {"typ", "\"Offline\""}, false},
                {"JWT", {"typ", "\"Bearer\""}, true},
                {"at+jwt", {"at_hash", "\"h\""}, false},
                {"at+jwt", {"c_hash", "\"h\""}, false},
                {"at+jwt", {"events", "{}"}, false}};
    for (const auto& row : rows) {
        const auto token = judged(claims({row.claim}), strict(), row.typ);
        EXPECT_EQ(token.has_value(), row.passes) << row.typ << ' ' << row.claim.first;
        if (!token) {
            EXPECT_TRUE(token.error().is(kWrongKind)) << row.typ;
        }
    }
}

TEST(Validator, A15ANonceMarksAnIdTokenUnlessAccessIsEvident) {
    JwtPolicy policy = strict();
    policy.scopes.clear();
    policy.require_evidence = false;
    EXPECT_FALSE(judged(claims({{"nonce", "\"n\""}, {"scope", ""}}), policy, "JWT"));
    EXPECT_FALSE(judged(claims({{"nonce", "\"n\""}, {"scope", ""}, {"azp", "\"c\""}}), policy, "JWT"));
    EXPECT_TRUE(judged(claims({{"nonce", "\"n\""}, {"scope", ""}, {"typ", "\"Bearer\""}}), policy, "JWT"));
}

TEST(Validator, EvidenceOfAnAccessTokenIsDemandedByNativeConfigurationOnly) {
    JwtPolicy policy = strict();
    policy.scopes.clear();
    const auto bare = claims({{"scope", ""}});
    EXPECT_FALSE(judged(bare, policy, "JWT"));
    EXPECT_TRUE(judged(bare, policy, "at+jwt"));
    for (const char* sign : {"scope", "scp", "azp", "appid", "client_id", "cid"})
        EXPECT_TRUE(judged(claims({{"scope", ""}, {sign, "\"c\""}}), policy, std::nullopt)) << sign;
    policy.require_evidence = false;
    const auto token = judged(bare, policy, "JWT");
    ASSERT_TRUE(token);
    EXPECT_FALSE(token->has_evidence);
}

TEST(Validator, A19TimesAreNumbersInRange) {
    const struct {
        const char* exp;
        bool passes;
    } rows[] = {{"\"9999999999\"", false},
                {"1e400", false},
                {"-1", false},
                {"1.9e9", true},
                {"1900000000.9", true},
                {"null", false},
                {"true", false},
                {"9223372036854775808", false},
                {"18446744073709551617", false},
                {"253402300799", true},
                {"253402300800", false},
                {"", false},
                {"[1900000000]", false}};
    for (const auto& row : rows) {
        const auto token = judged(claims({{"exp", row.exp}}));
        EXPECT_EQ(token.has_value(), row.passes) << row.exp;
        if (!token) {
            EXPECT_TRUE(token.error().is(kBadTime)) << row.exp;
        }
    }
    for (const char* name : {"nbf", "iat"})
        for (const char* bad : {"\"1\"", "null", "1e400", "-1", "true"})
            EXPECT_FALSE(judged(claims({{name, bad}}))) << name << bad;
}

TEST(Validator, A20And21EdgesOfTime) {
    const auto at = [](std::int64_t offset) { return std::to_string(kNow + offset); };
    const struct {
        const char* claim;
        std::int64_t offset;
        std::int64_t leeway;
        std::int64_t grace;
        bool passes;
    } rows[] = {{"exp", -31, 30, 0, false},
                {"exp", -30, 30, 0, false},
                {"exp", -29, 30, 0, true},
                {"exp", 0, 30, 0, true},
                {"exp", 0, 0, 0, false},
                {"exp", 1, 0, 0, true},
                {"exp", -299, 0, 300, true},
                {"exp", -300, 0, 300, false},
                // The greater of the two, never their sum.
                {"exp", -310, 30, 300, false},
                {"nbf", 30, 30, 0, true},
                {"nbf", 31, 30, 0, false},
                {"iat", 30, 30, 0, true},
                {"iat", 31, 30, 0, false},
                {"nbf", 1, 0, 300, false}};
    for (const auto& row : rows) {
        JwtPolicy policy = strict();
        policy.leeway = std::chrono::seconds(row.leeway);
        policy.exp_grace = std::chrono::seconds(row.grace);
        EXPECT_EQ(judged(claims({{row.claim, at(row.offset)}}), policy).has_value(), row.passes)
            << row.claim << row.offset << " leeway " << row.leeway << " grace " << row.grace;
    }
}

TEST(Validator, A23Audience) {
    const struct {
        const char* aud;
        bool passes;
    } rows[] = {{"\"mqtt-broker\"", true},
                {R"(["x","mqtt-broker"])", true},
                {"[]", false},
                {R"(["mqtt-broker",1])", false},
                {"\"mqtt-broker \"", false},
                {"\"mqtt\"", false},
                {"\"mqtt-broker2\"", false},
                {"\"MQTT-broker\"", false},
                {"", false},
                {"null", false},
                {"{\"mqtt-broker\":1}", false},
                {"\"x mqtt-broker\"", false}};
    for (const auto& row : rows)
        EXPECT_EQ(judged(claims({{"aud", row.aud}})).has_value(), row.passes) << row.aud;
}

TEST(Validator, A24IssuersAreComparedByteForByte) {
    for (const char* iss :
         {"\"https://a/\"", "\"https://A\"", "\"https://a@evil\"", "\"https://%61\"", "\"\"", ""}) {
        const auto owner = check_owner(claims({{"iss", iss}}), strict());
        ASSERT_FALSE(owner) << iss;
        EXPECT_TRUE(owner.error().is(kForeignIssuer)) << iss;
    }
    for (const char* iss : {"1", "null", "[\"https://a\"]"}) {
        const auto owner = check_owner(claims({{"iss", iss}}), strict());
        ASSERT_FALSE(owner) << iss;
        EXPECT_TRUE(owner.error().is(kTokenMalformed)) << iss;
    }
    EXPECT_FALSE(judged(claims({{"iss", "\"https://b\""}})));
}

TEST(Validator, A26ClientsAreNotUsers) {
    for (const char* name : {"client_id", "azp", "cid", "appid"}) {
        EXPECT_TRUE(judged(claims({{name, "\"alice\""}}))->is_client) << name;
        EXPECT_FALSE(judged(claims({{name, "\"app\""}}))->is_client) << name;
    }
}

TEST(Validator, SubjectsAreTextsThatAreThere) {
    for (const char* sub : {"", "\"\"", "7", "null", "[\"alice\"]", "\"a\\u0000b\""}) {
        const auto token = judged(claims({{"sub", sub}}));
        ASSERT_FALSE(token) << sub;
        EXPECT_TRUE(token.error().is(kNoSubject)) << sub;
    }
}

TEST(Validator, A29OnlyExactScopesCount) {
    const struct {
        const char* scope;
        bool passes;
    } rows[] = {{"\"mqtt\"", true},
                {"\"a mqtt  b\"", true},
                {"[\"mqtt\",\"x\"]", true},
                {"\"mqtt2\"", false},
                {"\"mqtt\\tx\"", false},
                {"\"MQTT\"", false},
                {"[\"mqtt x\"]", false},
                {"[[\"mqtt\"]]", false},
                {"[\"mqtt\",1]", false},
                {"{\"mqtt\":true}", false},
                {"", false},
                {"\"\"", false},
                {"\"mqtt\\u0000\"", false},
                {"\"\\u00a0mqtt\"", false}};
    for (const auto& row : rows)
        EXPECT_EQ(judged(claims({{"scope", row.scope}})).has_value(), row.passes) << row.scope;
    JwtPolicy policy = strict();
    policy.scope_claim = "scp";
    EXPECT_FALSE(judged(claims({}), policy)) << "the other name is not read";
    EXPECT_TRUE(judged(claims({{"scp", "[\"mqtt\"]"}}), policy));
    policy.scopes = {"mqtt", "more"};
    EXPECT_FALSE(judged(claims({{"scp", "[\"mqtt\"]"}}), policy)) << "all of them";
}

TEST(Validator, AlgorithmsOffTheListAreRefused) {
    JwtPolicy policy = strict();
    policy.algorithms = crypto::AlgorithmSet{crypto::Algorithm::Es256};
    const auto token = judged(claims({}), policy);
    ASSERT_FALSE(token);
    EXPECT_TRUE(token.error().is(kAlgorithmRefused));
    for (const auto symmetric : {crypto::Algorithm::Hs256, crypto::Algorithm::Hs512})
        EXPECT_FALSE(judge(claims({}), "at+jwt", symmetric, strict(), kAt));
}

constexpr const char* kTenant = "11111111-2222-3333-4444-555555555555";

TEST(Entra, AKeyUrlWithATenantPinsItsTwoIssuers) {
    JwtRealmConfig realm;
    realm.name = "entra";
    realm.jwks_url = std::string("https://login.microsoftonline.com/") + kTenant + "/discovery/v2.0/keys";
    const auto policy = make_policy(realm, ese_check_defaults());
    ASSERT_TRUE(policy);
    EXPECT_EQ(policy->issuers, entra_issuers(kTenant));
    EXPECT_TRUE(policy->entra);
    JwtCheckConfig any = ese_check_defaults();
    any.issuer = {"any"};
    EXPECT_TRUE(make_policy(realm, any)->issuers.empty());
    realm.jwks_url = "https://login.microsoftonline.com/common/discovery/v2.0/keys";
    EXPECT_TRUE(make_policy(realm, ese_check_defaults())->issuers.empty());
    EXPECT_EQ(entra_tenant("https://login.microsoftonline.com.evil/" + std::string(kTenant) + "/"), "");
}

TEST(Entra, TheSubjectIsTenantAndObject) {
    JwtPolicy policy;
    policy.realm = "entra";
    policy.entra = true;
    const auto app = judged(claims({{"tid", "\"t\""}, {"oid", "\"o\""}, {"sub", "\"o\""}}), policy);
    ASSERT_TRUE(app);
    EXPECT_EQ(app->subject, "t/o");
    EXPECT_TRUE(app->is_client);
    EXPECT_FALSE(judged(claims({{"tid", "\"t\""}, {"oid", "\"o\""}}), policy)->is_client);
    EXPECT_FALSE(judged(claims({}), policy)) << "sub does not stand in for them";
}

TEST(JwtConfig, FaultsAndWarnings) {
    const auto count = [](JwtRealmConfig realm, const JwtCheckConfig& check) {
        realm.name = "idp";
        Faults faults;
        validate(realm, Position{}, faults);
        validate(realm, check, Position{}, false, faults);
        std::pair<int, int> errors_warnings{0, 0};
        for (const Fault& fault : faults.all())
            (fault.severity == Severity::Error ? errors_warnings.first : errors_warnings.second) += 1;
        return errors_warnings;
    };
    JwtRealmConfig good;
    good.jwks_url = "https://idp.example/keys";
    JwtCheckConfig check = ese_check_defaults();
    using Counts = std::pair<int, int>;
    EXPECT_EQ(count(good, check), Counts(0, 1)) << "neither audience nor issuer";
    check.audience = {"a"};
    EXPECT_EQ(count(good, check), Counts(0, 0));
    JwtRealmConfig unused = good;
    unused.client_id = "c";
    EXPECT_EQ(count(unused, check), Counts(0, 1)) << "credentials without introspection";
    JwtRealmConfig plain = good;
    plain.jwks_url = "http://idp.example/keys";
    EXPECT_EQ(count(plain, check), Counts(1, 0)) << "plain http beyond loopback";
    plain.allow_plain_http = true;
    EXPECT_EQ(count(plain, check), Counts(0, 0));
    JwtRealmConfig loopback = good;
    loopback.jwks_url = "http://127.0.0.1:8080/keys";
    EXPECT_EQ(count(loopback, check), Counts(0, 0));
    JwtRealmConfig both = good;
    both.jwks_file = "keys.json";
    EXPECT_EQ(count(both, check).first, 1);
    JwtRealmConfig weak = good;
    weak.algorithms = {"RS256", "HS256"};
    EXPECT_GE(count(weak, check).first, 1);
    JwtCheckConfig lasting = check;
    lasting.disconnect_after_expiry = false;
    EXPECT_EQ(count(good, lasting), Counts(0, 1));
}

}  // namespace
}  // namespace latchkey::auth
