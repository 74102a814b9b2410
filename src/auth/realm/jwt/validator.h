// Validator: a token's claims against what the operator demands, at one instant. Pure: no I/O, no clock, no
// state; signatures are checked elsewhere. Implements RFC 7519 4.1, RFC 8725 3.8-3.12, RFC 9068 4.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/errors.h"
#include "auth/realm/jwt/config.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/algorithm.h"

namespace latchkey::auth {

/// The checks in the form the validator uses. @thread any (immutable)
struct JwtPolicy {
    std::string realm;                 ///< namespace of principals
    std::vector<std::string> issuers;  ///< accepted, byte for byte; empty: unchecked
    std::vector<std::string> audiences;
    std::string audience_claim = "aud";
    std::vector<std::string> scopes;
    std::string scope_claim = "scope";
    std::chrono::seconds leeway{0};
    std::chrono::seconds exp_grace{0};
    bool disconnect_after_expiry = true;
    bool require_evidence = false;
    bool entra = false;  ///< subject is tid and oid: Entra's sub differs for each application
    crypto::AlgorithmSet algorithms = crypto::kAsymmetric;
    std::size_t max_token_bytes = 16 * 1024;
};
/// @error kBadAlgorithm | kBadRange
Result<JwtPolicy> make_policy(const JwtRealmConfig& realm, const JwtCheckConfig& check);

/// What the checks yield for a token that passes them.
struct JudgedToken {
    std::string issuer;
    std::string subject;
    bool is_client = false;     ///< client credentials: the subject is the OAuth client itself
    std::string client;         ///< client_id, azp, cid or appid; empty when the token has none
    bool has_evidence = false;  ///< something shows that it is an access token
    WallTime expires_at;
};

/// Whose token it claims to be, before anything is believed.
/// @error kForeignIssuer: not one of ours (not mine) | kTokenMalformed: iss is no string
Result<void> check_owner(const json::Value& claims, const JwtPolicy& policy);

/// All rules on claims; the order of checks is that of the error rows.
/// @param typ  the header's, if any
/// @error kForeignIssuer | kTokenMalformed | kAlgorithmRefused | kWrongKind | kNoEvidence | kBadTime |
/// kExpired |
///        kNotYetValid | kWrongAudience | kScopeMissing | kNoSubject
Result<JudgedToken> judge(const json::Value& claims, std::optional<std::string_view> typ,
                          crypto::Algorithm algorithm, const JwtPolicy& policy, WallTime now);

/// Seconds since the epoch, floored; only numbers from 0 to the end of year 9999. @error kBadTime
Result<WallTime> time_claim(const json::Value& value, std::string_view name);
/// Words of a scope: a text split at spaces, or a list of texts. Anything else holds none.
std::vector<std::string> scope_words(const json::Value* value);
/// Whether the claim names one of `accepted`: an equal text or a list of texts with an equal one.
bool names_audience(const json::Value* value, const std::vector<std::string>& accepted);
/// The issuers under which Entra ID signs for one tenant (v2.0 and v1.0).
std::vector<std::string> entra_issuers(std::string_view tenant);

}  // namespace latchkey::auth
