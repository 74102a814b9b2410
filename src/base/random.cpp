// See random.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <cstring>

#include <sodium.h>

namespace latchkey {

std::uint64_t Random::next_u64() {
    std::uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
    // Rejection keeps it uniform: values below 2^64 mod bound are drawn again.
    const std::uint64_t threshold = (0 - bound) % bound;
    for (;;) {
        const std::uint64_t value = next_u64();
        if (value >= threshold) return value % bound;
    }
}

void SystemRandom::fill(std::span<std::byte> out) {
    randombytes_buf(out.data(), out.size());
}

void SeededRandom::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        z ^= z >> 31;
        const std::size_t n = out.size() < sizeof z ? out.size() : sizeof z;
        std::memcpy(out.data(), &z, n);
        out = out.subspan(n);
    }
}

}  // namespace latchkey
