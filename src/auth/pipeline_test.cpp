// The chain rules, row by row, and the way from a verdict to an Authority.
// SPDX-License-Identifier: Apache-2.0
#include "auth/pipeline.h"

#include <gtest/gtest.h>

#include "auth/authorize/allow_all.h"
#include "auth/preprocess/plain.h"
#include "support/auth_world.h"

namespace latchkey::auth {
namespace {

using Kind = VerdictKind;

Identity somebody(std::string realm) {
    Identity who;
    who.principal = {realm, policy::PrincipalKind::User, "alice", 0};
    who.realm = std::move(realm);
    return who;
}

class ScriptedAuthenticator final : public Authenticator {
  public:
    explicit ScriptedAuthenticator(Kind kind, bool later = false) : kind_(kind), later_(later) {}
    void authenticate(const Attempt& attempt, VerdictDone done) override {
        asked += 1;
        pinned = attempt.pinned;
        Verdict verdict =
            kind_ == Kind::Granted ? Verdict::granted(who) : Verdict{kind_, kWrongPassword, {}, {}};
        if (kind_ == Kind::Failed) verdict.cause = kKeysUnavailable;
        if (!later_) return done(std::move(verdict));
        attempt.home.deliver(
            [done = std::move(done), verdict = std::move(verdict)]() mutable { done(std::move(verdict)); });
    }
    bool takes_method(std::string_view method) const override { return method == "ace"; }
    int asked = 0;
    bool pinned = false;
    Identity who = somebody("r");

  private:
    Kind kind_;
    bool later_;
};

class ScriptedAuthorizer final : public Authorizer {
  public:
    explicit ScriptedAuthorizer(Result<Grants> answer) : answer_(std::move(answer)) {}
    void resolve(const Attempt&, const Identity&, GrantsDone done) override { done(answer_); }
    Result<void> contribute(policy::PolicyBuilder&) const override { return {}; }

  private:
    Result<Grants> answer_;
};

struct Link {
    Kind verdict;
    OnRefused on_refused = OnRefused::Stop;
    OnFailure on_failure = OnFailure::Stop;
};

struct Row {
    const char* rule;
    std::vector<Link> chain;
    bool pinned;
    bool method;
    Outcome outcome;
    std::size_t asked;  ///< realms that were asked
};

const Link kNext{Kind::NotMine};
const Link kRefusedNext{Kind::Refused, OnRefused::Next};
const Link kFailedNext{Kind::Failed, OnRefused::Stop, OnFailure::Next};

const std::vector<Row>& rows() {
    static const std::vector<Row> kRows{
        {"1 not mine: next", {kNext, {Kind::Granted}}, false, false, Outcome::Granted, 2},
        {"2 granted: stop", {{Kind::Granted}, {Kind::Refused}}, false, false, Outcome::Granted, 1},
        {"3 refused: stop", {{Kind::Refused}, {Kind::Granted}}, false, false, Outcome::Refused, 1},
        {"3 refused with a failure before: failed",
         {kFailedNext, {Kind::Refused}},
         false,
         false,
         Outcome::Failed,
         2},
        {"3 refused, next by option", {kRefusedNext, {Kind::Granted}}, false, false, Outcome::Granted, 2},
        {"3 refused remembered to the end", {kRefusedNext, kNext}, false, false, Outcome::Refused, 2},
        {"4 failed: stop", {{Kind::Failed}, {Kind::Granted}}, false, false, Outcome::Failed, 1},
        {"4 failed, next by option, granted",
         {kFailedNext, {Kind::Granted}},
         false,
         false,
         Outcome::Granted,
         2},
        {"4 failed does not follow on_refused",
         {{Kind::Failed, OnRefused::Next}, {Kind::Granted}},
         false,
         false,
         Outcome::Failed,
         1},
        {"3 refused does not follow on_failure",
         {{Kind::Refused, OnRefused::Stop, OnFailure::Next}, {Kind::Granted}},
         false,
         false,
         Outcome::Refused,
         1},
        {"5 challenge", {{Kind::Challenge}, {Kind::Granted}}, false, true, Outcome::Challenge, 1},
        {"5 challenge without a method: failed",
         {{Kind::Challenge}, {Kind::Granted}},
         false,
         false,
         Outcome::Failed,
         1},
        {"5 pinned: not mine means refused", {kNext, {Kind::Granted}}, true, true, Outcome::Refused, 1},
        {"5 pinned: granted", {{Kind::Granted}}, true, true, Outcome::Granted, 1},
        {"6 end with nobody: refused", {kNext, kNext}, false, false, Outcome::Refused, 2},
        {"6 end with a failure: failed", {kFailedNext, kNext}, false, false, Outcome::Failed, 2},
        {"6 failure outranks a later refusal", {kFailedNext, kRefusedNext}, false, false, Outcome::Failed, 2},
        {"6 and an earlier one", {kRefusedNext, kFailedNext}, false, false, Outcome::Failed, 2},
        {"no realm at all: refused", {}, false, false, Outcome::Refused, 0},
    };
    return kRows;
}

TEST(Chain, EveryRowOfTheTableAsAPureFold) {
    for (const Row& row : rows()) {
        ChainFold fold(row.pinned, row.method);
        std::optional<Outcome> end;
        std::size_t asked = 0;
        for (const Link& link : row.chain) {
            if (end) break;
            asked += 1;
            end = fold.feed(link.verdict, {link.on_refused, link.on_failure});
        }
        EXPECT_EQ(end.value_or(fold.finish()), row.outcome) << row.rule;
        EXPECT_EQ(asked, row.asked) << row.rule;
    }
}

/// No chain grants unless one of its realms does; seen over every chain of up to three realms.
TEST(Chain, NothingIsGrantedWithoutAGrant) {
    const Kind kinds[] = {Kind::Granted, Kind::Refused, Kind::Challenge, Kind::NotMine, Kind::Failed};
    for (int code = 0; code < 20 * 20 * 20; ++code) {
        ChainFold fold(false, true);
        std::optional<Outcome> end;
        bool any_grant = false;
        for (int at = 0, rest = code; at < 3 && !end; ++at, rest /= 20) {
            const Kind kind = kinds[rest % 5];
            any_grant = any_grant || kind == Kind::Granted;
            const int option = rest % 20 / 5;
            end = fold.feed(kind, {option & 1 ? OnRefused::Next : OnRefused::Stop,
                                   option & 2 ? OnFailure::Next : OnFailure::Stop});
        }
        if (end.value_or(fold.finish()) == Outcome::Granted) {
            ASSERT_TRUE(any_grant) << code;
        }
    }
}

class PipelineTest : public ::testing::Test {
  protected:
    LoginResult login(const Pipeline& pipeline, Facts facts, std::optional<ChallengePin> pin = {}) {
        std::optional<LoginResult> answer;
        int calls = 0;
        pipeline.login({std::move(facts), world.home.box, world.clock.mono(),
                        world.clock.mono() + std::chrono::seconds(10), world.clock.wall(), std::move(pin)},
                       [&](LoginResult result) {
                           calls += 1;
                           answer = std::move(result);
                       });
        world.run();
        EXPECT_EQ(calls, 1);
        return answer ? *std::move(answer) : LoginResult{};
    }
    PipelineParts parts(std::shared_ptr<Authenticator> authenticator) {
        PipelineParts made;
        made.name = "p";
        made.listener = "tls";
        made.chain.push_back({"r", std::move(authenticator), {}});
        made.authorizers.emplace_back(kAllowAll, std::make_shared<AllowAllAuthorizer>());
        return made;
    }
    test::AuthWorld world;
    policy::AuthorityTable authorities{HashSeed{}};
};

TEST_F(PipelineTest, AsksTheChainAsTheFoldSaysAtOnceOrLater) {
    for (const bool later : {false, true})
        for (const Row& row : rows()) {
            std::vector<std::shared_ptr<ScriptedAuthenticator>> realms;
            PipelineParts made = parts(nullptr);
            made.chain.clear();
            for (const Link& link : row.chain) {
                realms.push_back(std::make_shared<ScriptedAuthenticator>(link.verdict, later));
                made.chain.push_back(
                    {"r" + std::to_string(realms.size()), realms.back(), {link.on_refused, link.on_failure}});
            }
            Facts facts = test::connect_facts("u", "p");
            if (row.method) facts.auth_method = "ace";
            std::optional<ChallengePin> pin;
            if (row.pinned) pin = ChallengePin{0, "r1"};
            const LoginResult result = login(Pipeline(std::move(made), authorities), std::move(facts), pin);
            EXPECT_EQ(result.outcome, row.outcome) << row.rule;
            std::size_t asked = 0;
            for (const auto& realm : realms)
                asked += static_cast<std::size_t>(realm->asked);
            EXPECT_EQ(asked, row.asked) << row.rule;
            EXPECT_EQ(static_cast<bool>(result.authority), row.outcome == Outcome::Granted) << row.rule;
            EXPECT_EQ(result.cause.is(kNoCause),
                      row.outcome == Outcome::Granted || row.outcome == Outcome::Challenge)
                << row.rule;
        }
}

TEST_F(PipelineTest, AFailureNamesTheRealmThatFailed) {
    PipelineParts made = parts(nullptr);
    made.chain = {
        {"idp", std::make_shared<ScriptedAuthenticator>(Kind::Failed), {OnRefused::Stop, OnFailure::Next}},
        {"file", std::make_shared<ScriptedAuthenticator>(Kind::Refused), {}}};
    const LoginResult result = login(Pipeline(std::move(made), authorities), test::connect_facts("u", "p"));
    EXPECT_EQ(result.outcome, Outcome::Failed);
    EXPECT_EQ(result.realm, "idp");
    EXPECT_TRUE(result.cause.is(kKeysUnavailable));
}

TEST_F(PipelineTest, AGrantAfterAFailureIsDegraded) {
    PipelineParts made = parts(nullptr);
    made.chain = {
        {"idp", std::make_shared<ScriptedAuthenticator>(Kind::Failed), {OnRefused::Stop, OnFailure::Next}},
        {"file", std::make_shared<ScriptedAuthenticator>(Kind::Granted), {}}};
    EXPECT_TRUE(login(Pipeline(std::move(made), authorities), test::connect_facts("u", "p")).audit.degraded);
}

TEST_F(PipelineTest, AFailingAuthorizerFailsTheLoginAndNeverGivesEmptyRights) {
    PipelineParts made = parts(std::make_shared<ScriptedAuthenticator>(Kind::Granted));
    made.authorizers.emplace_back("db", std::make_shared<ScriptedAuthorizer>(fail(kKeysUnavailable)));
    const LoginResult result = login(Pipeline(std::move(made), authorities), test::connect_facts("u", "p"));
    EXPECT_EQ(result.outcome, Outcome::Failed);
    EXPECT_FALSE(result.authority);
    EXPECT_EQ(result.realm, "db");
}

TEST_F(PipelineTest, EmptyRightsConnectUnlessGrantsAreRequired) {
    for (const bool required : {false, true}) {
        PipelineParts made = parts(std::make_shared<ScriptedAuthenticator>(Kind::Granted));
        made.authorizers.clear();
        made.authorizers.emplace_back("db", std::make_shared<ScriptedAuthorizer>(Grants{}));
        made.require_grants = required;
        const LoginResult result =
            login(Pipeline(std::move(made), authorities), test::connect_facts("u", "p"));
        EXPECT_EQ(result.outcome, required ? Outcome::Refused : Outcome::Granted);
        if (!required) {
            EXPECT_TRUE(result.authority->data().blocks.empty());
        }
    }
}

TEST_F(PipelineTest, ARealmThatGrantsNobodyFails) {
    class Faulty final : public Authenticator {
        void authenticate(const Attempt&, VerdictDone done) override {
            done(Verdict{VerdictKind::Granted, kNoCause, {}, {}});
        }
    };
    const LoginResult result =
        login(Pipeline(parts(std::make_shared<Faulty>()), authorities), test::connect_facts("u", "p"));
    EXPECT_EQ(result.outcome, Outcome::Failed);
}

TEST_F(PipelineTest, APreprocessorThatFailsRefuses) {
    PlainPreprocessorConfig copy;
    copy.transformations = {{"mqtt-clientid", "mqtt-username", false, {}}};
    for (const bool early : {true, false}) {
        PipelineParts made = parts(std::make_shared<ScriptedAuthenticator>(Kind::Granted));
        (early ? made.before_authentication : made.before_authorization)
            .push_back(std::make_shared<PlainPreprocessor>(copy));
        const LoginResult result =
            login(Pipeline(std::move(made), authorities), test::connect_facts("u", "p"));
        EXPECT_EQ(result.outcome, Outcome::Refused);
        EXPECT_FALSE(result.authority);
    }
}

TEST_F(PipelineTest, ThePinMustFitTheChain) {
    const Pipeline pipeline(parts(std::make_shared<ScriptedAuthenticator>(Kind::Granted)), authorities);
    Facts facts = test::connect_facts("u", "p");
    facts.auth_method = "ace";
    for (const ChallengePin& pin : {ChallengePin{1, "r"}, ChallengePin{0, "other"}})
        EXPECT_EQ(login(pipeline, facts, pin).outcome, Outcome::Refused);
}

TEST_F(PipelineTest, AMethodIsShownOnlyToRealmsThatSpeakIt) {
    const auto authenticator = std::make_shared<ScriptedAuthenticator>(Kind::Granted);
    const Pipeline pipeline(parts(authenticator), authorities);
    EXPECT_TRUE(pipeline.takes_method("ace"));
    EXPECT_FALSE(pipeline.takes_method("other"));
    Facts facts = test::connect_facts("u", "a good password");
    facts.auth_method = "other";
    const LoginResult result = login(pipeline, facts);
    EXPECT_EQ(result.outcome, Outcome::Refused) << "a password beside a method opens nothing";
    EXPECT_TRUE(result.cause.is(kOtherMethod));
    EXPECT_EQ(authenticator->asked, 0);
}

TEST_F(PipelineTest, TheConnectionEndsWithTheTokenOrTheSessionCap) {
    const WallTime now = world.clock.wall();
    const struct {
        std::chrono::seconds token;
        std::chrono::seconds grace;
        bool disconnect;
        std::chrono::seconds cap;
        std::optional<std::chrono::seconds> end;
        bool by_expiry;
    } cases[] = {
        {std::chrono::seconds(60), std::chrono::seconds(30), true, std::chrono::hours(24),
         std::chrono::seconds(90), true},
        {std::chrono::hours(24 * 365 * 50), std::chrono::seconds(0), true, std::chrono::hours(24),
         std::chrono::hours(24), false},
        {std::chrono::seconds(60), std::chrono::seconds(0), false, std::chrono::hours(24),
         std::chrono::hours(24), false},
        {std::chrono::seconds(60), std::chrono::seconds(0), false, std::chrono::seconds(0), std::nullopt,
         false},
    };
    for (const auto& one : cases) {
        auto realm = std::make_shared<ScriptedAuthenticator>(Kind::Granted);
        realm->who.expires_at = now + one.token;
        realm->who.grace = one.grace;
        realm->who.disconnect_at_expiry = one.disconnect;
        PipelineParts made = parts(realm);
        made.session_cap = one.cap;
        const LoginResult result =
            login(Pipeline(std::move(made), authorities), test::connect_facts("u", "p"));
        ASSERT_EQ(result.ends_at.has_value(), one.end.has_value());
        if (one.end) {
            EXPECT_EQ(*result.ends_at, now + *one.end);
        }
        EXPECT_EQ(result.ends_by_expiry, one.by_expiry);
    }
}

TEST_F(PipelineTest, TemplateValuesCarryTheirStanding) {
    Grants grants;
    grants.blocks.push_back({"file", policy::BlockKind::Role, "a"});
    PipelineParts made = parts(nullptr);
    auto realm = std::make_shared<ScriptedAuthenticator>(Kind::Granted);
    realm->who.authorization_key = "alice";
    made.chain = {{"r", realm, {}}};
    made.authorizers.clear();
    made.authorizers.emplace_back("file", std::make_shared<ScriptedAuthorizer>(grants));
    const LoginResult result = login(Pipeline(std::move(made), authorities), test::connect_facts("u", "p"));
    ASSERT_TRUE(result.authority);
    for (const policy::TemplateValue& value : result.authority->data().values) {
        EXPECT_EQ(value.proven, value.name == "authorization-key") << value.name;
        EXPECT_NE(value.name, "mqtt-password");
        EXPECT_NE(value.name, "authentication-byte-secret");
    }
}

TEST_F(PipelineTest, AllowAllGivesOneAuthorityToAllThatAreTheSame) {
    const Pipeline pipeline(parts(std::make_shared<ScriptedAuthenticator>(Kind::Granted)), authorities);
    const LoginResult one = login(pipeline, test::connect_facts("u", "p", "c1"));
    const LoginResult two = login(pipeline, test::connect_facts("u", "p", "c2"));
    EXPECT_EQ(one.authority, two.authority) << "no value is kept that no rule could use";
}

TEST_F(PipelineTest, TheListenersOwnPipelineBeatsAllAndNoneRefuses) {
    Pipelines all;
    PipelineParts own = parts(std::make_shared<ScriptedAuthenticator>(Kind::Granted));
    PipelineParts rest = parts(std::make_shared<ScriptedAuthenticator>(Kind::Refused));
    rest.name = "rest";
    rest.listener = "ALL";
    EXPECT_TRUE(all.add(std::make_unique<Pipeline>(own, authorities)));
    EXPECT_FALSE(all.add(std::make_unique<Pipeline>(own, authorities)));
    EXPECT_EQ(all.find("other"), nullptr);
    std::optional<LoginResult> none;
    Facts facts = test::connect_facts("u", "p");
    facts.listener = "other";
    all.login({facts, world.home.box, {}, kNever, world.clock.wall(), {}},
              [&](LoginResult result) { none = std::move(result); });
    ASSERT_TRUE(none);
    EXPECT_EQ(none->outcome, Outcome::Refused);
    EXPECT_TRUE(none->cause.is(kNoPipeline));
    EXPECT_TRUE(all.add(std::make_unique<Pipeline>(std::move(rest), authorities)));
    EXPECT_EQ(all.find("tls")->name(), "p");
    EXPECT_EQ(all.find("other")->name(), "rest");
}

}  // namespace
}  // namespace latchkey::auth
