// The realm and what its authenticators share.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/jwt_realm.h"

#include <array>
#include <cstring>
#include <utility>

#include "auth/realm/jwt/login_check.h"
#include "auth/realm/jwt/trust.h"

namespace latchkey::auth {
namespace {

class JwtAuthenticator final : public Authenticator {
  public:
    JwtAuthenticator(std::shared_ptr<JwtTrust> trust, JwtPolicy policy)
        : trust_(std::move(trust)), policy_(std::make_shared<const JwtPolicy>(std::move(policy))) {}

    void authenticate(const Attempt& attempt, VerdictDone done) override {
        start_login_check(trust_, policy_, attempt, std::move(done));
    }

  private:
    std::shared_ptr<JwtTrust> trust_;
    std::shared_ptr<const JwtPolicy> policy_;
};

KeySourceConfig key_source_config(const JwtRealmConfig& config) {
    return {config.name,    config.jwks_url,         config.jwks_file,  config.jwks_cache,
            config.ca_file, config.allow_plain_http, config.fetch_limit};
}

Secret random_secret(Random& random) {
    std::array<std::byte, 32> bytes{};
    random.fill(bytes);
    std::string text(bytes.size(), '\0');
    std::memcpy(text.data(), bytes.data(), bytes.size());
    return Secret(text);
}

HashSeed random_seed(Random& random) {
    HashSeed seed{};
    random.fill(seed);
    return seed;
}

}  // namespace

JwtTrust::JwtTrust(const JwtRealmConfig& config, const JwtRealmDeps& deps)
    : pool(deps.pool),
      keys(std::make_shared<KeySource>(key_source_config(config), deps.clock, deps.fetcher, deps.background,
                                       random_seed(deps.random))) {
    if (!config.introspection_url.empty())
        introspection =
            std::make_shared<Introspection>(config, deps.clock, deps.fetcher, random_secret(deps.random));
}

JwtRealm::JwtRealm(JwtRealmConfig config, JwtPolicy policy, std::shared_ptr<JwtTrust> trust)
    : config_(std::move(config)), policy_(std::move(policy)), trust_(std::move(trust)) {}

JwtRealm::~JwtRealm() = default;

Result<std::shared_ptr<JwtRealm>> JwtRealm::make(JwtRealmConfig config, JwtCheckConfig check,
                                                 JwtRealmDeps deps) {
    if (config.jwks_url.empty() == config.jwks_file.empty()) return fail(kNoKeySource, config.name);
    for (const std::string& url : {config.jwks_url, config.introspection_url}) {
        if (url.empty()) continue;
        if (const Result<void> usable = net::check_url(url, config.allow_plain_http); !usable)
            return fail(usable.error());
    }
    LK_TRY(JwtPolicy policy, make_policy(config, check));
    auto trust = std::make_shared<JwtTrust>(config, deps);
    return std::shared_ptr<JwtRealm>(new JwtRealm(std::move(config), std::move(policy), std::move(trust)));
}

Result<void> JwtRealm::prepare() {
    return trust_->keys->prepare();
}

void JwtRealm::drain() {
    trust_->draining = true;
    trust_->keys->drain();
    if (trust_->introspection) trust_->introspection->drain();
}

Health JwtRealm::health() const {
    if (trust_->draining) return {HealthState::Down, {kDraining}};
    Health health = trust_->keys->health();
    const auto degrade = [&health](const Error& why) {
        if (health.state == HealthState::Ok) health.state = HealthState::Degraded;
        health.reasons.push_back(why);
    };
    if (trust_->introspection)
        for (const Error& why : trust_->introspection->health().reasons)
            degrade(why);
    if (trust_->unchecked) degrade(kNoAudienceOrIssuer);
    return health;
}

std::shared_ptr<Authenticator> JwtRealm::authenticator() {
    if (policy_.audiences.empty() && policy_.issuers.empty()) trust_->unchecked = true;
    return std::make_shared<JwtAuthenticator>(trust_, policy_);
}

Result<std::shared_ptr<Authenticator>> JwtRealm::authenticator_for(const JwtCheckConfig& check) {
    LK_TRY(JwtPolicy policy, make_policy(config_, check));
    if (policy.audiences.empty() && policy.issuers.empty()) trust_->unchecked = true;
    return std::make_shared<JwtAuthenticator>(trust_, std::move(policy));
}

}  // namespace latchkey::auth
