// Token logins through the whole realm, against a provider that signs, lies and goes away.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/jwt_realm.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "auth/realm/jwt/introspection.h"
#include "crypto/digest.h"
#include "support/realm_contract.h"

namespace latchkey::auth {
namespace {

using std::chrono::seconds;
using Kind = VerdictKind;

constexpr const char* kKeysUrl = "https://idp.example/keys";
constexpr const char* kAskUrl = "https://idp.example/introspect";

class JwtRealmTest : public ::testing::Test {
  protected:
    JwtRealmTest() {
        config.name = "idp";
        config.jwks_url = kKeysUrl;
        check.issuer = {"https://a"};
        check.audience = {"mqtt-broker"};
        world.fetcher.answer = [this](const net::HttpRequest& request) { return answer(request); };
    }
    Result<net::HttpResponse> answer(const net::HttpRequest& request) {
        if (down) return fail(net::kHttpUnreachable);
        if (request.url == kKeysUrl) return test::http_ok(keys);
        return introspection;
    }
    void with_introspection(seconds cache = seconds(0)) {
        config.introspection_url = kAskUrl;
        config.client_id = "broker one";
        config.client_secret = Secret("s%c+ret");
        config.introspection_cache = cache;
    }
    std::shared_ptr<JwtRealm> make() {
        auto realm =
            JwtRealm::make(config, check, {world.clock, world.random, world.fetcher, world.background.box});
        EXPECT_TRUE(realm) << realm.error().message();
        return realm ? *std::move(realm) : nullptr;
    }
    JwtRealm& realm() {
        if (!realm_) {
            realm_ = make();
            EXPECT_TRUE(realm_->prepare());
            world.run();
        }
        return *realm_;
    }
    std::string payload(const std::string& more = {}) {
        return R"({"iss":"https://a","aud":"mqtt-broker","sub":"alice","scope":"mqtt","exp":)" +
               std::to_string(world.now_s() + 600) + more + "}";
    }
    std::string token(const crypto::Signer& signer, const std::string& more = {}) {
        return test::sign(signer, payload(more));
    }
    Verdict login(const std::string& password) {
        auto authenticator = realm().authenticator();
        return login_with(*authenticator, test::connect_facts("u", password));
    }
    Verdict login_with(Authenticator& authenticator, const Facts& facts) {
        std::optional<Verdict> verdict;
        const Attempt attempt = world.attempt(facts);
        authenticator.authenticate(attempt, [&](Verdict got) { verdict = std::move(got); });
        world.run();
        EXPECT_TRUE(verdict);
        return verdict ? *std::move(verdict) : Verdict{};
    }
    void expect(const Verdict& verdict, Kind kind, const ErrorInfo& cause, const char* what = "") {
        EXPECT_EQ(verdict.kind, kind) << what << ' ' << verdict.cause.message();
        EXPECT_TRUE(verdict.cause.is(cause)) << what << ' ' << verdict.cause.message();
        EXPECT_EQ(verdict.identity.has_value(), kind == Kind::Granted) << what;
    }
    std::size_t key_fetches() const {
        return static_cast<std::size_t>(
            std::ranges::count(world.fetcher.requests, kKeysUrl, &net::HttpRequest::url));
    }

    test::AuthWorld world;
    JwtRealmConfig config;
    JwtCheckConfig check;
    crypto::Signer a = test::make_signer();
    crypto::Signer b = test::make_signer();
    std::string keys = test::jwk_set({&a});
    bool down = false;
    net::HttpResponse introspection{200, R"({"active":true})", {}};

  private:
    std::shared_ptr<JwtRealm> realm_;
};

TEST_F(JwtRealmTest, PassesTheRealmContract) {
    test::RealmContract(world, {make(), "u", token(a), {}}).check_all();
    test::RealmContract(world, {make(), "u", token(a), [this] { down = true; }})
        .check_never_grants_on_failure();
}

TEST_F(JwtRealmTest, AGoodTokenIsGrantedAsItsSubjectWhateverTheUserName) {
    const Verdict verdict = login(token(a, R"(,"jti":"j1","azp":"app")"));
    expect(verdict, Kind::Granted, kNoCause);
    EXPECT_EQ(verdict.identity->principal.provider, "idp");
    EXPECT_EQ(verdict.identity->principal.subject, "alice");
    EXPECT_EQ(verdict.identity->principal.kind, policy::PrincipalKind::User);
    EXPECT_EQ(verdict.identity->issuer, "https://a");
    EXPECT_NE(verdict.identity->claims, nullptr);
    EXPECT_EQ(verdict.identity->revocation_keys,
              (std::vector<std::string>{"jti:idp:j1", "oauth-client:idp:app"}));
    EXPECT_EQ(verdict.identity->token_fingerprint.size(), 32U);
}

TEST_F(JwtRealmTest, WhatIsNoTokenIsNotMineAndWhatIsOneIsRefused) {
    const std::string good = token(a);
    const std::string head = good.substr(0, good.find('.'));
    expect(login("hunter2"), Kind::NotMine, kNotAToken);
    expect(login("a.b"), Kind::NotMine, kNotAToken);
    expect(login(good.substr(0, good.rfind('.'))), Kind::NotMine, kNotAToken, "A2: two parts");
    expect(login(good.substr(0, good.rfind('.') + 1)), Kind::NotMine, kNotAToken, "A2: empty signature");
    expect(login(token(b)), Kind::Refused, kUnknownKey, "another provider's key");
    EXPECT_EQ(login(good + "A").kind, Kind::Refused);
    const std::string none =
        "eyJhbGciOiJub25lIn0" + good.substr(head.size(), good.rfind('.') - head.size() + 1);
    EXPECT_EQ(login(none).kind, Kind::Refused) << "A1: alg none";
}

TEST_F(JwtRealmTest, A24ForeignIssuersAreNotMineAndCostNothing) {
    const std::string foreign =
        test::sign(b, R"({"iss":"https://b","aud":"mqtt-broker","sub":"alice","scope":"m","exp":)" +
                          std::to_string(world.now_s() + 600) + "}");
    static_cast<void>(realm());
    const std::size_t before = world.fetcher.requests.size();
    expect(login(foreign), Kind::NotMine, kForeignIssuer);
    EXPECT_EQ(world.fetcher.requests.size(), before);
}

TEST_F(JwtRealmTest, A24AnIssuerOfOursUnderAnothersKeyIsRefused) {
    // The same kid as ours, another key: the header is made with a's name and signed with b.
    const std::string forged = *b.sign_compact(a.header(), payload());
    expect(login(forged), Kind::Refused, kBadSignature);
    expect(login(forged), Kind::Refused, kBadSignature, "and again, from memory");
    expect(login(token(a)), Kind::Granted, kNoCause);
}

TEST_F(JwtRealmTest, A25TheSameSubjectAtTwoProvidersIsTwoPrincipals) {
    const policy::Principal one = login(token(a)).identity->principal;
    config.name = "other";
    auto second = make();
    ASSERT_TRUE(second->prepare());
    world.run();
    auto authenticator = second->authenticator();
    const Verdict verdict = login_with(*authenticator, test::connect_facts("u", token(a)));
    ASSERT_EQ(verdict.kind, Kind::Granted);
    EXPECT_NE(verdict.identity->principal, one);
}

TEST_F(JwtRealmTest, A26AClientNamedLikeAUserIsAnotherPrincipal) {
    const Verdict verdict = login(token(a, R"(,"client_id":"alice","preferred_username":"admin")"));
    ASSERT_EQ(verdict.kind, Kind::Granted);
    EXPECT_EQ(verdict.identity->principal.kind, policy::PrincipalKind::Client);
    EXPECT_EQ(verdict.identity->principal.subject, "alice");
}

TEST_F(JwtRealmTest, A30RotationIsSeenAtOnceByAllAndOldKeysGoOnWhileTheyAreInTheSet) {
    expect(login(token(a)), Kind::Granted, kNoCause);
    world.clock.pass(seconds(1));
    keys = test::jwk_set({&a, &b});
    auto authenticator = realm().authenticator();
    std::vector<Facts> all;
    for (int i = 0; i < 200; ++i)
        all.push_back(test::connect_facts("u", token(i % 2 == 0 ? b : a)));
    std::vector<Attempt> attempts;
    for (const Facts& facts : all)
        attempts.push_back(world.attempt(facts));
    int granted = 0;
    for (const Attempt& attempt : attempts)
        authenticator->authenticate(attempt,
                                    [&](const Verdict& v) { granted += v.kind == Kind::Granted ? 1 : 0; });
    world.run();
    EXPECT_EQ(granted, 200);
    EXPECT_EQ(key_fetches(), 2U) << "one at start, one for all of them";
}

TEST_F(JwtRealmTest, A30AKeyThatLeftTheSetIsRefusedEvenForARememberedToken) {
    const std::string old = token(a);
    expect(login(old), Kind::Granted, kNoCause);
    keys = test::jwk_set({&b});
    world.clock.pass(seconds(1));
    expect(login(token(b)), Kind::Granted, kNoCause);
    world.clock.pass(seconds(11));
    expect(login(old), Kind::Refused, kUnknownKey);
}

TEST_F(JwtRealmTest, A31UnknownKeyIdsAreRefusedWithinTheBudgetAndFailBeyondIt) {
    expect(login(token(a)), Kind::Granted, kNoCause);
    world.clock.pass(seconds(1));
    int refused = 0;
    int failed = 0;
    for (int i = 0; i < 50; ++i) {
        world.clock.pass(std::chrono::milliseconds(1));
        const auto stranger = test::make_signer();
        const Verdict verdict = login(token(stranger));
        refused += verdict.kind == Kind::Refused ? 1 : 0;
        failed += verdict.kind == Kind::Failed ? 1 : 0;
    }
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(failed, 47);
    EXPECT_LE(key_fetches(), 5U);
    expect(login(token(a)), Kind::Granted, kNoCause, "the others do not notice");
}

TEST_F(JwtRealmTest, OnlyATokenThatPassesEveryOtherCheckMayCauseAFetch) {
    expect(login(token(a)), Kind::Granted, kNoCause);
    world.clock.pass(seconds(1));
    const auto bad = [&](const std::string& claims) { return test::sign(b, claims); };
    const std::string later = std::to_string(world.now_s() + 600);
    const std::string past = std::to_string(world.now_s() - 600);
    for (const std::string& claims :
         {R"({"iss":"https://b","aud":"mqtt-broker","sub":"x","scope":"m","exp":)" + later + "}",
          R"({"iss":"https://a","aud":"wrong","sub":"x","scope":"m","exp":)" + later + "}",
          R"({"iss":"https://a","aud":"mqtt-broker","sub":"x","scope":"m","exp":)" + past + "}"})
        EXPECT_NE(login(bad(claims)).kind, Kind::Granted);
    EXPECT_EQ(key_fetches(), 1U);
}

TEST_F(JwtRealmTest, A33OversizeIsRefusedBeforeAnythingIsRead) {
    expect(login(std::string(17 * 1024, 'x')), Kind::Refused, kTokenTooLong);
    expect(login(token(a, ",\"pad\":\"" + std::string(16 * 1024, 'x') + "\"")), Kind::Refused, kTokenTooLong);
    EXPECT_EQ(login(std::string(15 * 1024, '.')).kind, Kind::NotMine);
}

TEST_F(JwtRealmTest, TimeAndAudienceAreJudgedAgainForARememberedToken) {
    const std::string one = token(a);
    expect(login(one), Kind::Granted, kNoCause);
    JwtCheckConfig other = check;
    other.audience = {"another"};
    auto authenticator = realm().authenticator_for(other);
    ASSERT_TRUE(authenticator);
    expect(login_with(**authenticator, test::connect_facts("u", one)), Kind::Refused, kWrongAudience);
    world.clock.pass(seconds(631));
    expect(login(one), Kind::Refused, kExpired);
}

TEST_F(JwtRealmTest, ProviderDownFailsAndBackUpWorksWithinFiveSeconds) {
    down = true;
    expect(login(token(a)), Kind::Failed, kKeysUnavailable);
    expect(login("hunter2"), Kind::NotMine, kNotAToken, "no token needs no provider");
    down = false;
    world.clock.pass(seconds(5));
    expect(login(token(a)), Kind::Granted, kNoCause);
}

TEST_F(JwtRealmTest, BoundTokensNeedTheirCertificate) {
    const std::string der_hash = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";  // of the empty text
    const std::string bound = token(a, R"(,"cnf":{"x5t#S256":")" + der_hash + R"("})");
    auto authenticator = realm().authenticator();
    Facts facts = test::connect_facts("u", bound);
    expect(login_with(*authenticator, facts), Kind::Refused, kBoundToKey, "A36: no certificate");
    facts.certificate = CertificateFacts{};
    facts.certificate->sha256_hex = std::string(64, '0');
    expect(login_with(*authenticator, facts), Kind::Refused, kBoundToKey, "A36: another one");
    facts.certificate->sha256_hex = crypto::to_hex(crypto::sha256(""));
    expect(login_with(*authenticator, facts), Kind::Granted, kNoCause);
    expect(login(token(a, R"(,"cnf":{"jkt":"x"})")), Kind::Refused, kBoundToKey, "A37");
}

TEST_F(JwtRealmTest, AKeyWithAnIssuerOfItsOwnSignsForThatTenantOnly) {
    check = ese_check_defaults();
    check.issuer = {"any"};
    keys = R"({"keys":[{"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0",)" +
           a.public_jwk().substr(1) + "]}";
    const std::string rest = R"(,"sub":"app","exp":)" + std::to_string(world.now_s() + 600) + "}";
    const struct {
        const char* claims;
        Kind kind;
    } rows[] = {{R"({"tid":"t1","iss":"https://login.microsoftonline.com/t1/v2.0")", Kind::Granted},
                {R"({"tid":"t1","iss":"https://sts.windows.net/t1/")", Kind::Granted},
                {R"({"tid":"t1","iss":"https://login.microsoftonline.com/t2/v2.0")", Kind::Refused},
                {R"({"iss":"https://login.microsoftonline.com/t1/v2.0")", Kind::Refused},
                {R"({"tid":"t1","iss":"https://evil/")", Kind::Refused},
                {R"({"tid":"t1")", Kind::Refused}};
    for (const auto& row : rows)
        EXPECT_EQ(login(test::sign(a, row.claims + rest)).kind, row.kind) << row.claims;
}

TEST_F(JwtRealmTest, AKnownKeyThatMayNotBeUsedAndANamelessChoiceAreRefusedWithoutAFetch) {
    std::string encryption = b.public_jwk();
    encryption.replace(encryption.find("\"sig\""), 5, "\"enc\"");
    const crypto::Signer c = test::make_signer();
    keys = "{\"keys\":[" + a.public_jwk() + "," + encryption + "," + c.public_jwk() + "]}";
    static_cast<void>(realm());
    world.clock.pass(seconds(1));
    expect(login(token(b)), Kind::Refused, kUnusableKey, "use enc");
    const std::string nameless = *a.sign_compact(R"({"alg":"EdDSA"})", payload());
    expect(login(nameless), Kind::Refused, kUnusableKey, "two keys fit");
    EXPECT_EQ(key_fetches(), 1U);
}

TEST_F(JwtRealmTest, NeitherAudienceNorIssuerDegradesHealth) {
    check = ese_check_defaults();
    auto authenticator = realm().authenticator();
    EXPECT_EQ(realm().health().state, HealthState::Degraded);
}

TEST_F(JwtRealmTest, IntrospectionIsAskedWithOurCredentialsAndOnlyAfterTheSignature) {
    with_introspection();
    EXPECT_NE(login(*b.sign_compact(a.header(), payload())).kind, Kind::Granted);
    for (const auto& request : world.fetcher.requests)
        EXPECT_NE(request.url, kAskUrl) << "a foreign token is not leaked";
    const std::string good = token(a);
    expect(login(good), Kind::Granted, kNoCause);
    const net::HttpRequest& asked = world.fetcher.requests.back();
    EXPECT_EQ(asked.url, kAskUrl);
    EXPECT_EQ(asked.method, net::HttpMethod::Post);
    EXPECT_EQ(asked.basic.expose(), "broker+one:s%25c%2Bret");
    EXPECT_EQ(asked.body.expose(), "token=" + good + "&token_type_hint=access_token");
}

TEST_F(JwtRealmTest, A34OnlyAClearYesAboutThisTokenGrants) {
    with_introspection();
    check.scope = {"mqtt"};
    const std::string past = std::to_string(world.now_s() - 60);
    const struct {
        int status;
        std::string body;
        Kind kind;
        const ErrorInfo& cause;
    } rows[] = {{200, R"({"active":true})", Kind::Granted, kNoCause},
                {200, R"({"active":true,"iss":"https://a","sub":"alice","aud":["mqtt-broker"]})",
                 Kind::Granted, kNoCause},
                {200, R"({"active":false})", Kind::Refused, kInactive},
                {200, R"({"active":"true"})", Kind::Failed, kIntrospectionDown},
                {200, R"({"active":1})", Kind::Failed, kIntrospectionDown},
                {200, R"({})", Kind::Failed, kIntrospectionDown},
                {200, R"({"active":true,"active":true})", Kind::Failed, kIntrospectionDown},
                {200, R"([true])", Kind::Failed, kIntrospectionDown},
                {200, "<html>", Kind::Failed, kIntrospectionDown},
                {204, "", Kind::Failed, kIntrospectionDown},
                {500, R"({"active":true})", Kind::Failed, kIntrospectionDown},
                {401, R"({"active":true})", Kind::Failed, kIntrospectionClient},
                {200, R"({"active":true,"sub":"bob"})", Kind::Refused, kIntrospectionMismatch},
                {200, R"({"active":true,"iss":"https://b"})", Kind::Refused, kIntrospectionMismatch},
                {200, R"({"active":true,"aud":"other"})", Kind::Refused, kIntrospectionMismatch},
                {200, R"({"active":true,"jti":"j2"})", Kind::Refused, kIntrospectionMismatch},
                {200, R"({"active":true,"client_id":"c2"})", Kind::Refused, kIntrospectionMismatch},
                {200, R"({"active":true,"cnf":{"jkt":"x"}})", Kind::Refused, kIntrospectionMismatch},
                {200, R"({"active":true,"exp":)" + past + "}", Kind::Refused, kExpired},
                {200, R"({"active":true,"exp":"soon"})", Kind::Refused, kIntrospectionMismatch},
                {200, R"({"active":true,"scope":"other"})", Kind::Refused, kScopeMissing},
                {200, R"({"active":true,"scope":7})", Kind::Refused, kScopeMissing},
                {200, R"({"active":true,"scope":"mqtt x"})", Kind::Granted, kNoCause}};
    for (const auto& row : rows) {
        introspection = {row.status, row.body, {}};
        world.clock.pass(seconds(11));  // past the memory of an inactive answer
        expect(login(token(a, R"(,"jti":"j1","cid":"c1")")), row.kind, row.cause, row.body.c_str());
    }
}

TEST_F(JwtRealmTest, IntrospectionDownFails) {
    with_introspection();
    expect(login(token(a)), Kind::Granted, kNoCause);
    down = true;
    expect(login(token(a)), Kind::Failed, kIntrospectionDown);
    EXPECT_EQ(realm().health().state, HealthState::Degraded);
    down = false;
    expect(login(token(a)), Kind::Granted, kNoCause);
    EXPECT_EQ(realm().health().state, HealthState::Ok);
}

TEST_F(JwtRealmTest, TheEarlierExpiryWinsAndGraceIsForTheTokensOwnAlone) {
    with_introspection();
    check.exp_grace = seconds(300);
    const Verdict own = login(token(a));
    EXPECT_EQ(*own.identity->expires_at + own.identity->grace, world.clock.wall() + seconds(900));
    introspection.body = R"({"active":true,"exp":)" + std::to_string(world.now_s() + 100) + "}";
    const Verdict earlier = login(token(a));
    ASSERT_EQ(earlier.kind, Kind::Granted);
    EXPECT_EQ(*earlier.identity->expires_at + earlier.identity->grace, world.clock.wall() + seconds(130));
}

TEST_F(JwtRealmTest, AnswersAreRememberedOnlyAsConfigured) {
    for (const int cache : {0, 20}) {
        with_introspection(seconds(cache));
        auto fresh = make();
        ASSERT_TRUE(fresh->prepare());
        world.run();
        auto authenticator = fresh->authenticator();
        const std::string one = token(a);
        introspection.body = R"({"active":true})";
        EXPECT_EQ(login_with(*authenticator, test::connect_facts("u", one)).kind, Kind::Granted);
        introspection.body = R"({"active":false})";
        EXPECT_EQ(login_with(*authenticator, test::connect_facts("u", one)).kind,
                  cache == 0 ? Kind::Refused : Kind::Granted);
        world.clock.pass(seconds(20));
        EXPECT_EQ(login_with(*authenticator, test::connect_facts("u", one)).kind, Kind::Refused);
    }
}

TEST_F(JwtRealmTest, OneQuestionForManyLoginsWithOneToken) {
    with_introspection();
    static_cast<void>(realm());
    auto authenticator = realm().authenticator();
    const Facts facts = test::connect_facts("u", token(a));
    world.fetcher.answer = nullptr;
    const Attempt attempt = world.attempt(facts);
    int granted = 0;
    for (int i = 0; i < 50; ++i)
        authenticator->authenticate(attempt,
                                    [&](const Verdict& v) { granted += v.kind == Kind::Granted ? 1 : 0; });
    world.run();
    EXPECT_EQ(world.fetcher.open(), 1U);
    world.fetcher.answer_open([&](const net::HttpRequest&) { return introspection; });
    world.run();
    EXPECT_EQ(granted, 50);
}

TEST_F(JwtRealmTest, A35AnswersBelongToOneTokenAndOneRealm) {
    with_introspection(seconds(60));
    expect(login(token(a, R"(,"jti":"j1")")), Kind::Granted, kNoCause);
    introspection.body = R"({"active":false})";
    expect(login(token(a, R"(,"jti":"j2")")), Kind::Refused, kInactive);
    config.name = "second";
    auto other = make();
    ASSERT_TRUE(other->prepare());
    world.run();
    auto authenticator = other->authenticator();
    expect(login_with(*authenticator, test::connect_facts("u", token(a, R"(,"jti":"j1")"))), Kind::Refused,
           kInactive);
}

/// A pool whose thread is the test.
class HandPool final : public net::Pool {
  public:
    [[nodiscard]] bool try_submit(net::PoolJob job, net::Mailbox& reply_to) override {
        if (full) return false;
        if (late)
            reply_to.deliver(std::move(job.late));
        else
            reply_to.deliver(job.work());
        jobs += 1;
        return true;
    }
    void drain() override {}
    bool full = false;
    bool late = false;
    int jobs = 0;
};

TEST_F(JwtRealmTest, SignaturesGoThroughThePoolAndAFullOneFails) {
    HandPool pool;
    auto made = JwtRealm::make(config, check,
                               {world.clock, world.random, world.fetcher, world.background.box, &pool});
    ASSERT_TRUE(made);
    ASSERT_TRUE((*made)->prepare());
    world.run();
    auto authenticator = (*made)->authenticator();
    const auto with = [&](const std::string& password) {
        return login_with(*authenticator, test::connect_facts("u", password));
    };
    expect(with(token(a)), Kind::Granted, kNoCause);
    expect(with(*b.sign_compact(a.header(), payload())), Kind::Refused, kBadSignature);
    EXPECT_EQ(pool.jobs, 2);
    expect(with(token(a)), Kind::Granted, kNoCause);
    EXPECT_EQ(pool.jobs, 2) << "a token seen before stays on the shard";
    pool.late = true;
    expect(with(token(a, ",\"n\":1")), Kind::Failed, kDeadline);
    pool.full = true;
    expect(with(token(a, ",\"n\":2")), Kind::Failed, kBusy);
}

TEST(Introspection, CredentialsAreFormEncodedUnlessRaw) {
    EXPECT_EQ(basic_credentials("a b:c", Secret("%+é"), ClientAuth::Basic).expose(), "a+b%3Ac:%25%2B%C3%A9");
    EXPECT_EQ(basic_credentials("a", Secret("%+"), ClientAuth::BasicRaw).expose(), "a:%+");
}

}  // namespace
}  // namespace latchkey::auth
