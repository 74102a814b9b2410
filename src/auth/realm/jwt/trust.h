// What all authenticators of one provider share. Internal to the realm.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "auth/realm/jwt/introspection.h"
#include "auth/realm/jwt/jwt_realm.h"
#include "auth/realm/jwt/key_source.h"
#include "auth/realm/jwt/signature_cache.h"

namespace latchkey::auth {

/// @thread any
class JwtTrust {
  public:
    JwtTrust(const JwtRealmConfig& config, const JwtRealmDeps& deps);

    net::Pool* const pool;
    const std::shared_ptr<KeySource> keys;
    std::shared_ptr<Introspection> introspection;  ///< null: not configured; fixed after construction
    SignatureCache signatures;
    std::atomic<bool> draining{false};
    std::atomic<bool> unchecked{false};        ///< some pipeline checks neither audience nor issuer
    std::atomic<bool> evidence_warned{false};  ///< the warning about tokens without evidence is out
};

}  // namespace latchkey::auth
