// SipHash with a secret seed, for every table whose keys a peer chooses, and for partitions that outlive a
// process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace latchkey {

using HashSeed = std::array<std::byte, 16>;

/// SipHash-2-4 (libsodium crypto_shorthash). 15-22 ns for short keys. @thread any
std::uint64_t sip_hash(const HashSeed& seed, std::string_view bytes) noexcept;

/// Hasher for containers; transparent over string_view.
struct SeededHash {
    using is_transparent = void;
    HashSeed seed{};
    std::size_t operator()(std::string_view bytes) const noexcept { return sip_hash(seed, bytes); }
};

}  // namespace latchkey
