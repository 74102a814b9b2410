// See secret.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <utility>

#include <sodium.h>

namespace latchkey {

Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {
    other.wipe();
}

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) {
        wipe();
        bytes_ = other.bytes_;
    }
    return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        bytes_ = std::move(other.bytes_);
        other.wipe();
    }
    return *this;
}

Secret::~Secret() {
    wipe();
}

bool Secret::equals(std::string_view other) const noexcept {
    return bytes_.size() == other.size() && sodium_memcmp(bytes_.data(), other.data(), other.size()) == 0;
}

void Secret::wipe() noexcept {
    // Capacity, not size: a moved-from short string still holds its bytes in the small buffer.
    bytes_.resize(bytes_.capacity());
    sodium_memzero(bytes_.data(), bytes_.size());
    bytes_.clear();
}

}  // namespace latchkey
