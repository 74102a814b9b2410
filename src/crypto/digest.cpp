// See digest.h.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include "crypto/openssl.h"

namespace latchkey::crypto {
namespace {

unsigned char* out_of(Digest256& digest) {
    return reinterpret_cast<unsigned char*>(digest.data());
}

Digest256 finish(EVP_MAC_CTX* context) {
    Digest256 digest{};
    std::size_t size = 0;
    must(EVP_MAC_final(context, out_of(digest), &size, digest.size()));
    return digest;
}

}  // namespace

Digest256 sha256(std::string_view bytes) {
    const MdCtxPtr context(EVP_MD_CTX_new());
    must(context ? 1 : 0);
    Digest256 digest{};
    must(EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr));
    must(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
    must(EVP_DigestFinal_ex(context.get(), out_of(digest), nullptr));
    return digest;
}

std::array<std::byte, 20> sha1(std::string_view bytes) {
    const MdCtxPtr context(EVP_MD_CTX_new());
    must(context ? 1 : 0);
    std::array<std::byte, 20> digest{};
    must(EVP_DigestInit_ex2(context.get(), sha1_method(), nullptr));
    must(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
    must(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr));
    return digest;
}

std::string to_hex(std::span<const std::byte> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        out += kDigits[std::to_integer<std::size_t>(byte >> 4)];
        out += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return out;
}

struct HmacSha256::Impl {
    MacCtxPtr prepared;
};

HmacSha256::HmacSha256(const Secret& key) : impl_(std::make_unique<Impl>()) {
    impl_->prepared = prepare_hmac(key.expose(), sha256_method());
    must(impl_->prepared ? 1 : 0);
}
HmacSha256::~HmacSha256() = default;
HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256& HmacSha256::operator=(HmacSha256&&) noexcept = default;

Digest256 HmacSha256::of(std::initializer_list<std::string_view> inputs) const {
    const MacCtxPtr context(EVP_MAC_CTX_dup(impl_->prepared.get()));
    must(context ? 1 : 0);
    for (const std::string_view input : inputs) {
        unsigned char length[8];
        for (unsigned i = 0; i < 8; ++i) {
            length[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(input.size()) >> (56 - 8 * i));
        }
        must(EVP_MAC_update(context.get(), length, sizeof length));
        must(EVP_MAC_update(context.get(), as_bytes(input), input.size()));
    }
    return finish(context.get());
}

Digest256 HmacSha256::of_raw(std::string_view input) const {
    const MacCtxPtr context(EVP_MAC_CTX_dup(impl_->prepared.get()));
    must(context ? 1 : 0);
    must(EVP_MAC_update(context.get(), as_bytes(input), input.size()));
    return finish(context.get());
}

}  // namespace latchkey::crypto
