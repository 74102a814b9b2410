// A realm of the simulator: users by name, each granted, refused or failing as the test says, at once or when
// the test lets the answer go. Roles are blocks of the policy that the test writes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "auth/realm.h"
#include "policy/policy.h"

namespace latchkey::sim {

struct RoleRule {
    std::string role;
    policy::Effect effect = policy::Effect::Allow;
    policy::Mask acts = 0;
    std::string filter;
    policy::Mask qos = policy::kAnyQos;
    policy::ShareRule share = {};
};

/// @thread the simulator's
class SimRealm final : public auth::Authenticator, public auth::Authorizer {
  public:
    struct User {
        auth::VerdictKind verdict = auth::VerdictKind::Granted;
        std::vector<std::string> roles{"all"};
        std::optional<WallTime> expires_at = std::nullopt;
    };
    std::map<std::string, User> users;
    std::vector<RoleRule> rules;
    bool hold = false;   ///< answers wait for let_go()
    bool hides = false;  ///< as a realm of passwords; a pipeline looks once, when it is made

    SimRealm() {
        allow("all", "#");
        users["u"] = User{};
    }
    void allow(std::string role, std::string filter) {
        rules.push_back({std::move(role), policy::Effect::Allow,
                         policy::acts_of(policy::Act::Publish, policy::Act::Subscribe), std::move(filter)});
    }
    /// Subscriptions with and without a group.
    void allow_shared(std::string role, std::string filter) {
        allow(std::move(role), std::move(filter));
        rules.back().share = {.plain = true, .kind = policy::ShareKind::Any, .group = {}};
    }
    bool hides_timing() const override { return hides; }
    /// SIM is an exchange of two steps: hello, nonce; proof:NAME, welcome NAME.
    bool takes_method(std::string_view method) const override { return method == "SIM"; }
    std::size_t held() const { return held_.size(); }
    /// Drops logins that nobody let go: they keep their pipeline alive, and that keeps this realm.
    void forget() { held_.clear(); }
    /// Answers the `index`th login that waits.
    void let_go(std::size_t index = 0) {
        Held one = std::move(held_[index]);
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
        one.home->deliver([verdict = std::move(one.verdict), done = std::move(one.done)]() mutable {
            done(std::move(verdict));
        });
    }

    void authenticate(const auth::Attempt& attempt, auth::VerdictDone done) override {
        auth::Verdict verdict = attempt.facts.auth_method.empty()
                                    ? judge(std::string(attempt.facts.user_name().value_or("")))
                                    : exchange(attempt);
        if (!hold) return done(std::move(verdict));
        held_.push_back({&attempt.home, std::move(verdict), std::move(done)});
    }
    auth::Verdict judge(const std::string& name) {
        const auto found = users.find(name);
        auth::Verdict verdict = auth::Verdict::refused(auth::kUnknownUser);
        if (found != users.end()) {
            const User& user = found->second;
            if (user.verdict == auth::VerdictKind::Granted) {
                auth::Identity who;
                who.principal = {"sim", policy::PrincipalKind::User, name, 0};
                who.realm = "sim";
                who.expires_at = user.expires_at;
                verdict = auth::Verdict::granted(std::move(who));
            } else if (user.verdict == auth::VerdictKind::Failed) {
                verdict = auth::Verdict::failed(auth::kKeysUnavailable);
            }
        }
        return verdict;
    }
    auth::Verdict exchange(const auth::Attempt& attempt) {
        const std::string data(attempt.facts.auth_data.expose());
        const auto ask = [](std::string_view what) {
            auth::Verdict verdict{auth::VerdictKind::Challenge, auth::kNoCause, {}, {}};
            verdict.challenge = Secret(what);
            return verdict;
        };
        if (data == "not mine") return auth::Verdict::not_mine(auth::kNoToken);
        if (data == "fail") return auth::Verdict::failed(auth::kKeysUnavailable);
        if (data == "hello" && !attempt.pinned) return ask("nonce");
        if (data == "more" && attempt.pinned) return ask("again");
        // A proof counts only in answer to a challenge of ours.
        if (!data.starts_with("proof:") || !attempt.pinned)
            return auth::Verdict::refused(auth::kWrongPassword);
        auth::Verdict verdict = judge(data.substr(6));
        verdict.challenge = Secret("welcome " + data.substr(6));
        return verdict;
    }
    void resolve(const auth::Attempt&, const auth::Identity& who, auth::GrantsDone done) override {
        auth::Grants grants;
        for (const std::string& role : users[who.principal.subject].roles) {
            grants.blocks.push_back({"sim", policy::BlockKind::Role, role});
        }
        done(std::move(grants));
    }
    Result<void> contribute(policy::PolicyBuilder& policy) const override {
        for (const RoleRule& one : rules) {
            policy::Rule rule;
            rule.effect = one.effect;
            rule.acts = one.acts;
            rule.qos = one.qos;
            rule.topic = *policy::Template::literal(one.filter);
            rule.share = one.share;
            LK_CHECK(policy.add({"sim", policy::BlockKind::Role, one.role}, std::move(rule)));
        }
        return {};
    }

  private:
    struct Held {
        net::Mailbox* home;
        auth::Verdict verdict;
        auth::VerdictDone done;
    };
    std::deque<Held> held_;
};

}  // namespace latchkey::sim
