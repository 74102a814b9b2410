// Verdict: what one realm says about one login, and the identity it vouches for. Only `not mine` lets a chain
// go on; `failed` (a back end did not answer) refuses too, and is kept apart because it must never be
// mistaken for a wrong password.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/errors.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "policy/authority.h"

namespace latchkey::json {
class Value;
}

namespace latchkey::auth {

enum class VerdictKind : std::uint8_t { Granted, Refused, Challenge, NotMine, Failed };
std::string_view name_of(VerdictKind kind);

/// Who a realm says it is. @thread any (value; claims are shared and immutable)
struct Identity {
    policy::Principal principal;
    std::string realm;   ///< configured name of the realm
    std::string issuer;  ///< the token's iss; empty without one
    /// Claims of a token whose signature was checked in this login; null without one.
    std::shared_ptr<const json::Value> claims;
    std::optional<std::string> authorization_key;  ///< sets the variable of that name, proven
    std::vector<std::string> roles;                ///< role names the realm itself knows
    std::optional<WallTime> expires_at;            ///< exp as judged; absent: no end of its own
    std::chrono::seconds grace{0};                 ///< beyond expires_at: the greater of exp grace and leeway
    bool disconnect_at_expiry = true;
    std::vector<policy::Ceiling> ceilings;     ///< programs that must allow as well
    std::vector<std::string> revocation_keys;  ///< `jti:NAMESPACE:ID` and the like, for the deny list
    std::string token_fingerprint;  ///< hash of the signing input, for audit; empty without a token
};

/// @thread any (value)
struct Verdict {
    VerdictKind kind = VerdictKind::Failed;
    Error cause = kNoCause;
    std::optional<Identity> identity;  ///< present exactly when granted
    Secret challenge;  ///< authentication data to send: with Challenge, or the last words of an exchange

    static Verdict granted(Identity who);
    static Verdict refused(Error why) { return {VerdictKind::Refused, why, {}, {}}; }
    static Verdict not_mine(Error why) { return {VerdictKind::NotMine, why, {}, {}}; }
    static Verdict failed(Error why) { return {VerdictKind::Failed, why, {}, {}}; }
};

}  // namespace latchkey::auth
