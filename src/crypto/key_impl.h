// Private to crypto/*.cpp: what stands behind a Key, and how raw numbers become one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/jwk.h"
#include "crypto/openssl.h"

namespace latchkey::crypto {

struct Key::Impl {
    std::optional<std::string> kid;
    std::string issuer;
    std::string reason;
    std::string thumbprint;
    AlgorithmSet algorithms;
    KeyKind kind{};
    PkeyPtr pkey;
    std::size_t modulus_bytes = 0;  // RSA: the exact length of a signature
    std::string order;              // EC: n, big endian, coordinate_bytes long
    // One context per algorithm, initialised at load and only ever copied: no fetch, no lock per check.
    std::array<MdCtxPtr, kAlgorithms> prepared;
};

/// The checks of RFC 8725 3.4 on the numbers themselves; on failure kUnusableKey with the reason as detail.
Result<PkeyPtr> make_rsa_key(std::string_view modulus, std::string_view exponent);
Result<PkeyPtr> make_ec_key(KeyKind kind, std::string_view x, std::string_view y);
Result<PkeyPtr> make_ed25519_key(std::string_view point);

/// The members of RFC 7638 in their order, the text that a thumbprint hashes. Empty on failure.
std::string thumbprint_text(KeyKind kind, EVP_PKEY* key);
std::string thumbprint_of(std::string_view text);

/// Fills modulus_bytes, order, thumbprint and prepared for `algorithms`.
Result<void> prepare(Key::Impl& key);

}  // namespace latchkey::crypto
