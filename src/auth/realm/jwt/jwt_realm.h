// The jwt realm: one OAuth provider whose signed access tokens are the clients' passwords. Its authenticators
// share the key set, the signature cache and the introspection client; each judges by its own demands.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "auth/realm.h"
#include "auth/realm/jwt/config.h"
#include "auth/realm/jwt/validator.h"
#include "base/random.h"
#include "net/http_client.h"
#include "net/pool.h"

namespace latchkey::auth {

/// Everything a jwt realm needs from outside; all of it outlives the realm and its authenticators.
struct JwtRealmDeps {
    const Clock& clock;
    Random& random;
    net::Fetcher& fetcher;
    net::Mailbox& background;   ///< of a thread that is no shard
    net::Pool* pool = nullptr;  ///< checks signatures when given; else the caller's thread does
};

class JwtTrust;

/// @thread prepare, drain: control; else any
class JwtRealm final : public Realm {
  public:
    /// @error kBadAlgorithm | kNoKeySource | kBadUrl | kPlainHttp
    static Result<std::shared_ptr<JwtRealm>> make(JwtRealmConfig config, JwtCheckConfig check,
                                                  JwtRealmDeps deps);
    ~JwtRealm() override;

    std::string_view name() const override { return config_.name; }
    Result<void> prepare() override;
    void drain() override;
    Health health() const override;
    std::shared_ptr<Authenticator> authenticator() override;
    std::shared_ptr<Authorizer> authorizer() override { return nullptr; }

    /// One with other demands than the realm's own, as each ESE pipeline has. @error kBadAlgorithm |
    /// kBadRange
    Result<std::shared_ptr<Authenticator>> authenticator_for(const JwtCheckConfig& check);

  private:
    JwtRealm(JwtRealmConfig config, JwtPolicy policy, std::shared_ptr<JwtTrust> trust);
    JwtRealmConfig config_;
    JwtPolicy policy_;
    std::shared_ptr<JwtTrust> trust_;
};

}  // namespace latchkey::auth
