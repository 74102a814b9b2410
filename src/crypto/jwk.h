// Key sets (JWKS): an immutable snapshot of an issuer's public keys. Every rule about which key may be used
// for what is decided here, once, at load; a check of a token only looks up. Keys that exist but must not be
// used stay in the set with the reason, so that a token naming one is refused and does not look like a
// rotated key. Implements RFC 7517, RFC 7518 6, RFC 8037 2, RFC 7638.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/algorithm.h"

namespace latchkey::crypto {

inline constexpr std::size_t kMaxKidBytes = 256;
inline constexpr std::size_t kMaxKeysTried = 4;

struct KeySetLimits {
    std::size_t bytes = 1024 * 1024;
    std::size_t keys = 100;
    std::size_t depth = 8;
};

/// One key of a set. @thread any (immutable)
class Key {
  public:
    ~Key();
    Key(Key&&) noexcept;
    Key& operator=(Key&&) noexcept;

    /// Absent when the key names none, or a name that cannot be one (not a string, over kMaxKidBytes).
    const std::optional<std::string>& kid() const;
    /// Entra's per-key `issuer` member, kept as written; empty when absent. A key with one must only be
    /// believed for tokens of that issuer; the caller compares.
    const std::string& issuer() const;
    /// What this key may verify; empty for an unusable key.
    AlgorithmSet algorithms() const;
    bool usable() const;
    /// Why the key is not usable; empty for a usable one.
    const std::string& reason() const;
    /// SHA-256 thumbprint, base64url; empty for keys whose material could not be read. @spec RFC 7638
    const std::string& thumbprint() const;

    struct Impl;
    const Impl& impl() const { return *impl_; }
    explicit Key(std::unique_ptr<Impl> impl);

  private:
    std::unique_ptr<Impl> impl_;
};

enum class KeyLookup : unsigned char {
    Found,       ///< `keys` holds one to four keys that fit
    UnknownKid,  ///< no key of the set has this name (a refetch may help)
    Unusable,    ///< the name is there, but no key of that name may verify this algorithm (a refetch won't
                 ///< help)
    Ambiguous,   ///< the token names no key and several fit
};

struct KeyMatch {
    KeyLookup outcome = KeyLookup::UnknownKid;
    std::array<const Key*, kMaxKeysTried> found{};
    std::size_t count = 0;
    std::string_view reason;  ///< for Unusable: why, as far as one key tells

    std::span<const Key* const> keys() const { return {found.data(), count}; }
};

/// @thread any (immutable; share it by shared_ptr<const JwkSet>; keys found live as long as the set)
class JwkSet {
  public:
    explicit JwkSet(std::vector<Key> keys) : keys_(std::move(keys)) {}

    /// Keys for a token's header. A kid is compared byte for byte; without one exactly one key must fit.
    /// @cost linear in the set, no allocation
    KeyMatch find(std::optional<std::string_view> kid, Algorithm algorithm) const;
    /// The key with this thumbprint if it is (still) usable, else null. For caches of verified tokens.
    const Key* find_thumbprint(std::string_view thumbprint) const;

    std::span<const Key> keys() const { return keys_; }
    /// A set without a usable key must not replace one that has some.
    std::size_t usable_count() const;

  private:
    std::vector<Key> keys_;
};

/// Reads a key set. Duplicate member names, a missing `keys` list and a limit passed refuse the whole text; a
/// key that must not be used is kept with its reason.
/// @error kKeySetTooLarge | kBadKeySet
/// @thread any; slow (microseconds to a millisecond per key): not for a shard
Result<JwkSet> parse_jwk_set(std::string_view text, const KeySetLimits& limits = {});

}  // namespace latchkey::crypto
