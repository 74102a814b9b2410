// Compact JWS: parse first, verify second. The parse answers which issuer and key a token claims, nothing in
// it may be believed before the signature has been checked. Header members that would bring their own key
// (jku, x5u, jwk, x5c) are never read. Implements RFC 7515 5.2, RFC 8725 3.1-3.10.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "crypto/algorithm.h"
#include "crypto/jwk.h"
#include "crypto/local_secret.h"

namespace latchkey::crypto {

inline constexpr std::size_t kMaxTokenBytes = 16 * 1024;

/// A token taken apart, not yet believed. `signing_input` points into the token's text, which must outlive
/// it.
struct ParsedJws {
    Algorithm algorithm{};           ///< what the header says; only a key that fits may use it
    std::optional<std::string> kid;  ///< at most kMaxKidBytes, no control characters
    std::optional<std::string> typ;  ///< as written; compare without regard to case
    json::Value payload;             ///< always an object
    std::string_view signing_input;
    std::string signature;
};

/// Splits and decodes; verifies nothing.
/// @param token  whole compact form
/// @error kTokenTooLarge (before anything else) | kNotCompactJws | kEncryptedToken | kBadTokenHeader |
///        kCriticalHeader | kAlgorithmRefused (none, unknown, not a string) | kBadTokenPayload
/// @thread any
Result<ParsedJws> parse_compact(std::string_view token, std::size_t max_bytes = kMaxTokenBytes);

/// Checks a signature with one public key; the key decides whether it may be used with the algorithm.
/// @error kAlgorithmRefused | kUnusableKey | kBadSignature
/// @thread any; @cost RS256 about 20 us, ES256 about 70 us; no algorithm fetch
Result<void> verify_signature(const ParsedJws& token, const Key& key);

/// The same on raw parts, for detached uses and vectors whose payload is not JSON.
Result<void> verify_bytes(Algorithm algorithm, std::string_view signing_input, std::string_view signature,
                          const Key& key);

/// Allow list, look-up and check in one; tries at most kMaxKeysTried keys of one name.
/// @return the key that verified; lives as long as `keys`
/// @error kAlgorithmRefused | kUnknownKid | kUnusableKey | kAmbiguousKey | kBadSignature
Result<const Key*> verify(const ParsedJws& token, const JwkSet& keys, AlgorithmSet allowed);

/// HS256, HS384, HS512 with a secret of the operator's own; never mixed with public keys.
/// @error kAlgorithmRefused | kUnknownKid | kBadSignature
Result<void> verify_with_secret(const ParsedJws& token, const LocalSecret& secret);

}  // namespace latchkey::crypto
