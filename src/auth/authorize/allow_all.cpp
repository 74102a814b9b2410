// allow-all: one block with one rule.
// SPDX-License-Identifier: Apache-2.0
#include "auth/authorize/allow_all.h"

#include <string>
#include <utility>

namespace latchkey::auth {
namespace {

policy::BlockRef allow_all_block() {
    return {std::string(kAllowAll), policy::BlockKind::Everyone, std::string(kAllowAll)};
}

}  // namespace

void AllowAllAuthorizer::resolve(const Attempt&, const Identity&, GrantsDone done) {
    Grants grants;
    grants.blocks.push_back(allow_all_block());
    grants.uses_values = false;
    done(std::move(grants));
}

Result<void> AllowAllAuthorizer::contribute(policy::PolicyBuilder& policy) const {
    auto topic = policy::Template::literal("#");
    if (!topic) return fail(topic.error().error);
    policy::Rule rule;
    rule.id = kAllowAll;
    rule.effect = policy::Effect::Allow;
    rule.acts = policy::acts_of(policy::Act::Publish, policy::Act::Subscribe, policy::Act::Receive);
    rule.topic = *std::move(topic);
    rule.share.kind = policy::ShareKind::Any;
    return policy.add(allow_all_block(), std::move(rule));
}

void AllowAllAuthenticator::authenticate(const Attempt&, VerdictDone done) {
    Identity who;
    who.principal = {"local", policy::PrincipalKind::Anonymous, "anonymous", 0};
    who.realm = kAllowAll;
    done(Verdict::granted(std::move(who)));
}

}  // namespace latchkey::auth
