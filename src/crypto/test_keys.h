// Keys shared by this room's tests: made once per process, one per kind, and one issuer that owns three of
// them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "crypto/jwk.h"
#include "crypto/jws.h"
#include "crypto/signer.h"

namespace latchkey::crypto::testing {

/// A signer of this algorithm; all six RSA algorithms share one private key.
inline const Signer& signer(Algorithm algorithm) {
    static const auto make = [](Algorithm wanted) {
        static const Secret rsa = Signer::generate(Algorithm::Rs256).value().private_pem();
        const bool is_rsa = wanted <= Algorithm::Ps512;
        return (is_rsa ? Signer::from_pem(rsa, wanted) : Signer::generate(wanted)).value();
    };
    static const Signer all[] = {make(Algorithm::Rs256), make(Algorithm::Rs384), make(Algorithm::Rs512),
                                 make(Algorithm::Ps256), make(Algorithm::Ps384), make(Algorithm::Ps512),
                                 make(Algorithm::Es256), make(Algorithm::Es384), make(Algorithm::Es512),
                                 make(Algorithm::EdDsa)};
    return all[static_cast<std::size_t>(algorithm)];
}

inline constexpr Algorithm kAllAsymmetric[] = {
    Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384,
    Algorithm::Ps512, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa};

inline std::string key_set(std::initializer_list<std::string_view> jwks) {
    std::string text = R"({"keys":[)";
    for (const std::string_view jwk : jwks) {
        if (text.back() != '[') text += ',';
        text += jwk;
    }
    return text + "]}";
}

inline JwkSet load(std::string_view text) {
    return parse_jwk_set(text).value();
}

/// The issuer of the attack list: RS256, ES256 and EdDSA keys, each with its `alg`.
inline const JwkSet& issuer_keys() {
    static const JwkSet set =
        load(key_set({signer(Algorithm::Rs256).public_jwk(), signer(Algorithm::Es256).public_jwk(),
                      signer(Algorithm::EdDsa).public_jwk()}));
    return set;
}
inline constexpr AlgorithmSet kAllowed{Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa};
inline constexpr std::string_view kClaims =
    R"({"iss":"https://idp.example","sub":"device-1","aud":"mqtt-broker","exp":1900000000})";

/// Parse and verify in one, as the pipeline does.
inline Result<void> judge(std::string_view token, const JwkSet& keys = issuer_keys(),
                          AlgorithmSet allowed = kAllowed) {
    LK_TRY(const ParsedJws parsed, parse_compact(token));
    LK_TRY(const Key* key, verify(parsed, keys, allowed));
    static_cast<void>(key);
    return {};
}

/// The error's name, or "accepted".
inline std::string verdict(std::string_view token, const JwkSet& keys = issuer_keys(),
                           AlgorithmSet allowed = kAllowed) {
    const Result<void> result = judge(token, keys, allowed);
    return result ? "accepted" : std::string(result.error().info().name);
}

}  // namespace latchkey::crypto::testing
