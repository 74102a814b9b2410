// Private keys that sign: the dev issuer, `token mint`, client assertions and tests. The broker itself only
// verifies.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/algorithm.h"

namespace latchkey::crypto {

/// A private key bound to one algorithm. Its kid is its RFC 7638 thumbprint.
/// @thread any (immutable; the library locks inside where it must)
class Signer {
  public:
    /// A fresh key: RSA 2048, the algorithm's curve, or Ed25519. @error kBadPrivateKey (HS*) | kCryptoFailed
    static Result<Signer> generate(Algorithm algorithm);
    /// PKCS#8 PEM without a passphrase. @error kBadPrivateKey (unreadable, or does not fit the algorithm)
    static Result<Signer> from_pem(const Secret& pem, Algorithm algorithm);
    ~Signer();
    Signer(Signer&&) noexcept;
    Signer& operator=(Signer&&) noexcept;

    Algorithm algorithm() const;
    const std::string& kid() const;
    /// The public half as one JWK (kty, use, alg, kid and the numbers); `jwk_set()` wraps it in a set.
    const std::string& public_jwk() const;
    std::string jwk_set() const;
    std::string public_pem() const;
    Secret private_pem() const;

    /// `{"alg":..,"kid":..,"typ":TYP}`; typ must be plain ASCII without quotes.
    std::string header(std::string_view typ = "at+jwt") const;
    /// Compact form of header and payload as given (JSON texts; not looked into).
    /// @error kCryptoFailed
    Result<std::string> sign_compact(std::string_view header, std::string_view payload) const;
    /// The bare JOSE signature of `input` (fixed-length R||S for ECDSA).
    Result<std::string> sign(std::string_view input) const;

  private:
    struct Impl;
    explicit Signer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::crypto
