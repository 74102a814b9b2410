// What every realm must pass, whatever stands behind it: it refuses empty input, keeps the deadline, never
// grants on failure, and survives being drained.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "support/auth_world.h"

namespace latchkey::test {

/// One realm under test, with a login that it would grant.
struct RealmCase {
    std::shared_ptr<auth::Realm> realm;
    std::string user;
    std::string password;
    /// Takes away what the realm depends on; empty for one that depends on nothing.
    std::function<void()> break_source;
};

class RealmContract {
  public:
    RealmContract(AuthWorld& world, RealmCase realm) : world_(world), case_(std::move(realm)) {}

    void check_all() {
        grants_its_own();
        refuses_empty_input();
        keeps_the_deadline();
        survives_drain();
    }
    /// For a second, fresh case: what it depends on is gone from the start.
    void check_never_grants_on_failure() {
        case_.break_source();
        ASSERT_TRUE(case_.realm->prepare());
        const auto verdict = ask(connect_facts(case_.user, case_.password));
        ASSERT_TRUE(verdict);
        EXPECT_EQ(verdict->kind, auth::VerdictKind::Failed);
        EXPECT_FALSE(verdict->identity);
        EXPECT_NE(case_.realm->health().state, auth::HealthState::Ok);
    }

  private:
    std::optional<auth::Verdict> ask(auth::Facts facts, Duration patience = std::chrono::seconds(10)) {
        auto authenticator = case_.realm->authenticator();
        std::optional<auth::Verdict> answer;
        int calls = 0;
        const auth::Attempt attempt = world_.attempt(facts, patience);
        authenticator->authenticate(attempt, [&](auth::Verdict verdict) {
            calls += 1;
            answer = std::move(verdict);
        });
        world_.run();
        world_.clock.pass(patience);
        world_.fetcher.expire(world_.clock.mono());
        world_.run();
        EXPECT_EQ(calls, 1) << "one answer, by the deadline";
        return answer;
    }
    void grants_its_own() {
        ASSERT_TRUE(case_.realm->prepare());
        world_.run();
        const auto verdict = ask(connect_facts(case_.user, case_.password));
        ASSERT_TRUE(verdict);
        ASSERT_EQ(verdict->kind, auth::VerdictKind::Granted) << verdict->cause.message();
        ASSERT_TRUE(verdict->identity);
        EXPECT_EQ(verdict->identity->realm, case_.realm->name());
        EXPECT_FALSE(verdict->identity->principal.subject.empty());
    }
    void refuses_empty_input() {
        const std::pair<std::optional<std::string>, std::optional<std::string>> rows[] = {
            {std::nullopt, std::nullopt}, {"", ""}, {case_.user, std::nullopt}, {case_.user, ""}};
        for (const auto& [user, password] : rows) {
            const auto verdict = ask(connect_facts(user, password, ""));
            ASSERT_TRUE(verdict);
            EXPECT_TRUE(verdict->kind == auth::VerdictKind::NotMine ||
                        verdict->kind == auth::VerdictKind::Refused);
        }
    }
    void keeps_the_deadline() {
        const auto silent = std::exchange(world_.fetcher.answer, nullptr);
        ASSERT_TRUE(ask(connect_facts(case_.user, case_.password), std::chrono::milliseconds(1)));
        world_.fetcher.answer = silent;
    }
    void survives_drain() {
        case_.realm->drain();
        const auto verdict = ask(connect_facts(case_.user, case_.password));
        ASSERT_TRUE(verdict);
        EXPECT_EQ(verdict->kind, auth::VerdictKind::Failed);
        case_.realm->drain();  // twice does no harm
    }

    AuthWorld& world_;
    RealmCase case_;
};

}  // namespace latchkey::test
