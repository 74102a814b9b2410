// A shared secret for HS256/384/512, configured by the operator on purpose. A type of its own, so that no
// code path can hand a public key to an HMAC (the classic confusion of RS256 with HS256). Implements RFC
// 7518 3.2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/algorithm.h"

namespace latchkey::crypto {

/// @thread any (immutable)
class LocalSecret {
  public:
    /// Refuses algorithms with a public key, secrets shorter than the largest hash allowed, and anything that
    /// reads as a public key, private key or certificate (PEM, DER or JWK text): those are never shared
    /// secrets.
    /// @error kBadSecret
    static Result<LocalSecret> make(const Secret& secret, AlgorithmSet algorithms,
                                    std::optional<std::string> kid = std::nullopt);

    AlgorithmSet algorithms() const { return algorithms_; }
    const std::optional<std::string>& kid() const { return kid_; }
    /// The MAC of `input`; empty unless the algorithm is one of algorithms().
    std::string mac(Algorithm algorithm, std::string_view input) const;

  private:
    struct Impl;
    LocalSecret(std::shared_ptr<const Impl> impl, AlgorithmSet algorithms, std::optional<std::string> kid)
        : impl_(std::move(impl)), algorithms_(algorithms), kid_(std::move(kid)) {}
    std::shared_ptr<const Impl> impl_;
    AlgorithmSet algorithms_;
    std::optional<std::string> kid_;
};

}  // namespace latchkey::crypto
