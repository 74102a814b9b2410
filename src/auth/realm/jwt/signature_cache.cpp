// A table of fixed size.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/signature_cache.h"

#include <cstring>
#include <utility>

namespace latchkey::auth {

SignatureCache::SignatureCache(std::size_t entries) : slots_(entries == 0 ? 1 : entries) {}

std::optional<SignatureCache::Hit> SignatureCache::find(const crypto::Digest256& token,
                                                        const crypto::JwkSet& keys) const {
    std::string thumbprint;
    Hit hit;
    {
        const std::lock_guard lock(mutex_);
        const Slot& slot = slots_[slot_of(token)];
        if (slot.thumbprint.empty() || slot.token != token) return std::nullopt;
        thumbprint = slot.thumbprint;
        hit.token = slot.verified;
    }
    if (keys.find_thumbprint(thumbprint) == nullptr) return std::nullopt;
    return hit;
}

void SignatureCache::put(const crypto::Digest256& token, std::string thumbprint,
                         std::shared_ptr<const VerifiedToken> verified) {
    const std::lock_guard lock(mutex_);
    slots_[slot_of(token)] = {token, std::move(thumbprint), std::move(verified)};
}

void SignatureCache::put_wrong(const crypto::Digest256& token, std::string thumbprint) {
    put(token, std::move(thumbprint), nullptr);
}

std::size_t SignatureCache::slot_of(const crypto::Digest256& token) const {
    std::uint64_t head = 0;
    std::memcpy(&head, token.data(), sizeof head);
    return static_cast<std::size_t>(head % slots_.size());
}

}  // namespace latchkey::auth
