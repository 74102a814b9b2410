// What the fuzzers of tokens and key sets check; the corpus tests replay their corpora through the same
// functions. Tests and fuzzers only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "crypto/base64.h"
#include "crypto/jws.h"

namespace latchkey::crypto::testing {

/// Keys of RFC 7515 A.2, A.3 and RFC 8037 A, and the three texts their owners signed.
inline const JwkSet& rfc_keys() {
    static const JwkSet keys = parse_jwk_set(R"({"keys":[
{"kty":"RSA","kid":"a2","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},
{"kty":"EC","kid":"a3","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
{"kty":"OKP","kid":"a4","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})")
                                   .value();
    return keys;
}
inline bool is_signed_by_the_owners(std::string_view input) {
    constexpr std::string_view kJoe =
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    return input == "eyJhbGciOiJSUzI1NiJ9" + std::string(kJoe) ||
           input == "eyJhbGciOiJFUzI1NiJ9" + std::string(kJoe) ||
           input == "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
}

/// Empty, or the promise that this token breaks.
inline std::string token_contradiction(std::string_view token) {
    const auto parsed = parse_compact(token);
    if (!parsed) {
        // The same bytes as a bare signature: only the shape checks and the library see them.
        for (const Key& key : rfc_keys().keys()) {
            for (unsigned i = 0; i < kAlgorithms; ++i) {
                if (verify_bytes(static_cast<Algorithm>(i), "nobody signed this", token, key))
                    return "forged signature";
            }
        }
        return {};
    }
    if (!parsed->payload.is_object()) return "payload is no object";
    if (parsed->kid && parsed->kid->size() > kMaxKidBytes) return "kid over its limit";
    // Strict decoding means that the parts spell the token and nothing else does.
    if (std::string(parsed->signing_input) + "." + base64url_encode(parsed->signature) != token)
        return "two spellings";
    if (verify(*parsed, rfc_keys(), kAsymmetric) && !is_signed_by_the_owners(parsed->signing_input)) {
        return "accepted what nobody signed";
    }
    return {};
}

/// Empty, or the promise that this key set breaks.
inline std::string key_set_contradiction(std::string_view text) {
    const auto set = parse_jwk_set(text);
    if (!set) return {};
    for (const Key& key : set->keys()) {
        if (key.usable() != key.reason().empty() || key.usable() == key.algorithms().empty())
            return "usable and not";
        if (!(key.algorithms() & kSymmetric).empty()) return "public key with a secret's algorithm";
        if (key.usable() &&
            (key.thumbprint().size() != 43 || set->find_thumbprint(key.thumbprint()) == nullptr)) {
            return "thumbprint";
        }
        for (unsigned i = 0; i < kAlgorithms; ++i) {
            const auto algorithm = static_cast<Algorithm>(i);
            if (key.kid() && set->find(*key.kid(), algorithm).outcome == KeyLookup::UnknownKid)
                return "a known kid is unknown";
            for (const std::size_t size : {64U, 96U, 132U, 256U}) {
                if (verify_bytes(algorithm, "nobody signed this", std::string(size, '\1'), key))
                    return "forged signature";
            }
        }
    }
    return {};
}

}  // namespace latchkey::crypto::testing
