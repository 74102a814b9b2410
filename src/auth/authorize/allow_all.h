// allow-all: every identity may publish and subscribe everything below `#`; and its counterpart for
// authentication, which takes everybody as the anonymous principal. Both only by an explicit word in the
// configuration, which warns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/realm.h"

namespace latchkey::auth {

inline constexpr std::string_view kAllowAll = "allow-all";

/// @thread any (stateless)
class AllowAllAuthorizer final : public Authorizer {
  public:
    void resolve(const Attempt& attempt, const Identity& who, GrantsDone done) override;
    Result<void> contribute(policy::PolicyBuilder& policy) const override;
};

/// @thread any (stateless)
class AllowAllAuthenticator final : public Authenticator {
  public:
    void authenticate(const Attempt& attempt, VerdictDone done) override;
};

}  // namespace latchkey::auth
