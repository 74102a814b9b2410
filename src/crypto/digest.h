// SHA-256 and HMAC-SHA-256, and one use of SHA-1. The algorithm is fetched from the library once per process:
// a fetch per call takes locks that all shards would share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace latchkey::crypto {

using Digest256 = std::array<std::byte, 32>;

/// @thread any
Digest256 sha256(std::string_view bytes);

/// For WebSocket's handshake alone (RFC 6455 4.2.2), where it protects nothing. @thread any
std::array<std::byte, 20> sha1(std::string_view bytes);

/// Lower-case hexadecimal. @thread any
std::string to_hex(std::span<const std::byte> bytes);

/// Keyed digest over several inputs; each is preceded by its length (8 bytes, big endian), so that ("a",
/// "bc") and
/// ("ab", "c") differ: the key of caches and single-flight tables.
/// @thread any (immutable; each call works on a copy of the prepared state)
class HmacSha256 {
  public:
    explicit HmacSha256(const Secret& key);
    ~HmacSha256();
    HmacSha256(HmacSha256&&) noexcept;
    HmacSha256& operator=(HmacSha256&&) noexcept;

    Digest256 of(std::initializer_list<std::string_view> inputs) const;
    /// The plain HMAC of one input without a length before it. @spec RFC 2104
    Digest256 of_raw(std::string_view input) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::crypto
