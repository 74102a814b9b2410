// One token login: from the password to a verdict. Internal to the realm.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "auth/realm.h"
#include "auth/realm/jwt/trust.h"
#include "auth/realm/jwt/validator.h"

namespace latchkey::auth {

/// As Authenticator::authenticate. The order is fixed: owner, claims, key, signature, introspection; nothing
/// that costs the provider anything happens before the claims have passed.
void start_login_check(std::shared_ptr<JwtTrust> trust, std::shared_ptr<const JwtPolicy> policy,
                       const Attempt& attempt, VerdictDone done);

}  // namespace latchkey::auth
