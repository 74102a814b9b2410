// See hash.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <cstring>

#include <sodium.h>

namespace latchkey {

std::uint64_t sip_hash(const HashSeed& seed, std::string_view bytes) noexcept {
    static_assert(crypto_shorthash_KEYBYTES == sizeof(HashSeed));
    unsigned char out[crypto_shorthash_BYTES];
    crypto_shorthash(out, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     reinterpret_cast<const unsigned char*>(seed.data()));
    std::uint64_t value = 0;
    std::memcpy(&value, out, sizeof value);
    return value;
}

}  // namespace latchkey
