// The crypto room's error table. Which row failed goes to the audit log, never to the peer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::crypto {

inline constexpr ErrorInfo kBadBase64{3001, "bad_base64", "The text is not strict base64", ""};
inline constexpr ErrorInfo kTokenTooLarge{
    3010, "token_too_large", "The token exceeds the size limit",
    "Let the provider put fewer claims into the token, or raise the limit"};
inline constexpr ErrorInfo kNotCompactJws{3011, "not_compact_jws",
                                          "The token is not three base64url segments", ""};
inline constexpr ErrorInfo kEncryptedToken{3012, "encrypted_token", "The token is encrypted or nested",
                                           "Let the provider issue signed, unencrypted access tokens"};
inline constexpr ErrorInfo kBadTokenHeader{3013, "bad_token_header", "The token's header is malformed", ""};
inline constexpr ErrorInfo kBadTokenPayload{3014, "bad_token_payload",
                                            "The token's payload is not a JSON object", ""};
inline constexpr ErrorInfo kCriticalHeader{3015, "critical_header",
                                           "The token demands an extension that is not supported", ""};
inline constexpr ErrorInfo kAlgorithmRefused{
    3016, "algorithm_refused", "The token's algorithm is not accepted here",
    "Compare the provider's signing algorithm with the allowed list"};
inline constexpr ErrorInfo kUnknownKid{3017, "unknown_kid", "No key of the set has the token's key id", ""};
inline constexpr ErrorInfo kUnusableKey{3018, "unusable_key", "The key the token names cannot be used", ""};
inline constexpr ErrorInfo kAmbiguousKey{3019, "ambiguous_key",
                                         "The token names no key and more than one key fits",
                                         "Let the provider put a kid into its tokens"};
inline constexpr ErrorInfo kBadSignature{3020, "bad_signature", "The signature does not verify", ""};
inline constexpr ErrorInfo kBadKeySet{3030, "bad_key_set", "The text is not a usable JSON Web Key Set",
                                      "Compare the key URL with the provider's documentation"};
inline constexpr ErrorInfo kKeySetTooLarge{3031, "key_set_too_large",
                                           "The key set exceeds a limit of size or number", ""};
inline constexpr ErrorInfo kBadSecret{3040, "bad_secret", "The shared secret cannot be used",
                                      "Use at least as many random bytes as the hash has"};
inline constexpr ErrorInfo kBadPrivateKey{3041, "bad_private_key", "The private key cannot be used", ""};
inline constexpr ErrorInfo kBadCertificate{3050, "bad_certificate", "The certificate cannot be read", ""};
inline constexpr ErrorInfo kBadCertificateRequest{3051, "bad_certificate_request",
                                                  "No certificate can be issued for these names", ""};
inline constexpr ErrorInfo kCryptoFailed{3090, "crypto_failed",
                                         "The cryptographic library failed unexpectedly", ""};

inline constexpr std::array<const ErrorInfo*, 19> kErrors{
    &kBadBase64,      &kTokenTooLarge,         &kNotCompactJws,  &kEncryptedToken,
    &kBadTokenHeader, &kBadTokenPayload,       &kCriticalHeader, &kAlgorithmRefused,
    &kUnknownKid,     &kUnusableKey,           &kAmbiguousKey,   &kBadSignature,
    &kBadKeySet,      &kKeySetTooLarge,        &kBadSecret,      &kBadPrivateKey,
    &kBadCertificate, &kBadCertificateRequest, &kCryptoFailed};

}  // namespace latchkey::crypto
