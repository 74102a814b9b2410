// Tokens whose signature has been checked, by the hash of their whole text. Remembers the signature and the
// claims, never the verdict: time, audience and introspection are judged at every login. An entry counts only
// while the key that signed it is in the provider's set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "crypto/algorithm.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"

namespace latchkey::auth {

/// What a checked signature vouches for.
struct VerifiedToken {
    json::Value claims;
    std::optional<std::string> typ;
    crypto::Algorithm algorithm{};
    std::string key_issuer;             ///< issuer member of the key; empty mostly
    crypto::Digest256 signing_input{};  ///< deny lists use this one: an ECDSA signature can be respelled
};

/// @thread any (one mutex: two pointer copies are made under it)
class SignatureCache {
  public:
    explicit SignatureCache(std::size_t entries = 16 * 1024);

    struct Hit {
        std::shared_ptr<const VerifiedToken> token;  ///< null: the signature is known to be wrong
    };
    /// Nothing when unknown, or when the key is no longer in `keys`.
    std::optional<Hit> find(const crypto::Digest256& token, const crypto::JwkSet& keys) const;
    void put(const crypto::Digest256& token, std::string thumbprint,
             std::shared_ptr<const VerifiedToken> verified);
    /// Only for a wrong signature under a key that is in the set.
    void put_wrong(const crypto::Digest256& token, std::string thumbprint);

  private:
    struct Slot {
        crypto::Digest256 token{};
        std::string thumbprint;
        std::shared_ptr<const VerifiedToken> verified;
    };
    std::size_t slot_of(const crypto::Digest256& token) const;
    mutable std::mutex mutex_;  ///< guards slots_; shared by all shards so that a token is checked once
    std::vector<Slot> slots_;   ///< one place per hash: bounded, and a collision only costs a signature check
};

}  // namespace latchkey::auth
