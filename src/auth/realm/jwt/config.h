// Settings of a jwt realm (one OAuth provider) and of the check of its tokens, with one field row per member:
// config/ reads native TOML and ESE's XML through the rows. In ESE the checks stand in the pipeline's
// jwt-authentication-manager, so that one realm may serve pipelines that demand different things.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fault.h"
#include "base/field.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/algorithm.h"

namespace latchkey::auth {

enum class ClientAuth : std::uint8_t { Basic, BasicRaw };

/// A provider: where its keys are and how it is asked. (realm.jwt; ESE jwt-realm/configuration)
struct JwtRealmConfig {
    std::string name;  ///< the realm's, and the namespace of its principals
    std::string jwks_url;
    std::string jwks_file;
    std::chrono::seconds jwks_cache{1800};
    std::string introspection_url;
    std::chrono::seconds introspection_cache{0};
    std::string client_id;
    Secret client_secret;
    ClientAuth client_auth = ClientAuth::Basic;
    std::string ca_file;
    bool allow_plain_http = false;
    std::vector<std::string> algorithms;  ///< names; empty: all with a public key
    std::chrono::milliseconds fetch_limit{
        3000};  ///< no field: short, so that a provider's return is seen soon
};
const FieldTable& jwt_realm_fields();

/// ESE's simple-auth block; its two members go to client_id and client_secret of the realm.
struct JwtSimpleAuth {
    std::string user_name;
    Secret password;
};
const FieldTable& jwt_simple_auth_fields();

/// What a token must satisfy. (realm.jwt as well in TOML; ESE jwt-validation)
struct JwtCheckConfig {
    std::vector<std::string> issuer;    ///< accepted iss values; the one word "any" switches the check off
    std::vector<std::string> audience;  ///< the token must name one of them
    std::string audience_claim = "aud";
    std::vector<std::string> scope;  ///< the token must hold all of them
    std::string scope_claim = "scope";
    std::chrono::seconds leeway{30};
    std::chrono::seconds exp_grace{0};
    bool disconnect_after_expiry = true;
    bool require_evidence = true;  ///< demand a sign that this is an access token
    std::int64_t max_token_bytes = 16 * 1024;
};
const FieldTable& jwt_check_fields();
/// What ESE's jwt-validation means where it is silent: no leeway, no evidence demanded.
JwtCheckConfig ese_check_defaults();

/// Judges a realm and one check of it; warnings of policy weight (no audience and no issuer) among them.
/// @param native  TOML: demands are errors where ESE files only get a warning
void validate(const JwtRealmConfig& realm, const Position& at, Faults& faults);
void validate(const JwtRealmConfig& realm, const JwtCheckConfig& check, const Position& at, bool native,
              Faults& faults);

/// @error kBadAlgorithm
Result<crypto::AlgorithmSet> parse_algorithms(const std::vector<std::string>& names);
/// The tenant of a key URL of Entra ID that names one; empty for `common` and the like, and for all others.
std::string entra_tenant(std::string_view jwks_url);

}  // namespace latchkey::auth
