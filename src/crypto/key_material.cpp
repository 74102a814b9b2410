// See key_impl.h: raw numbers of a JWK to a checked public key, and back to the text of its thumbprint.
// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include <openssl/core_names.h>
#include <sodium.h>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/errors.h"
#include "crypto/key_impl.h"

namespace latchkey::crypto {
namespace {

constexpr std::size_t kMinRsaBits = 2048;
constexpr std::size_t kMaxRsaBits = 8192;
constexpr std::uint64_t kMinExponent = 65537;

PkeyPtr from_params(const char* type, OSSL_PARAM_BLD* build) {
    const ErrorQueueGuard guard;
    const ParamsPtr params(OSSL_PARAM_BLD_to_param(build));
    const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return PkeyPtr(key);
}

std::string number_of(EVP_PKEY* key, const char* name, std::size_t bytes) {
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
    const BnPtr number(raw);
    const auto size = bytes == 0 ? static_cast<std::size_t>(BN_num_bytes(raw)) : bytes;
    std::string out(size, '\0');
    if (BN_bn2binpad(raw, as_bytes(out), static_cast<int>(size)) < 0) return {};
    return out;
}

}  // namespace

Result<PkeyPtr> make_rsa_key(std::string_view modulus, std::string_view exponent) {
    // Lengths first: all arithmetic below is on at most kMaxRsaBits.
    if (modulus.empty() || modulus.front() == '\0') return fail(kUnusableKey, "modulus has a leading zero");
    if (modulus.size() > kMaxRsaBits / 8) return fail(kUnusableKey, "modulus over 8192 bits");
    const auto first = static_cast<unsigned char>(modulus.front());
    const std::size_t bits = (modulus.size() - 1) * 8 + static_cast<std::size_t>(std::bit_width(first));
    if (bits < kMinRsaBits) return fail(kUnusableKey, "modulus under 2048 bits");
    if ((static_cast<unsigned char>(modulus.back()) & 1) == 0) return fail(kUnusableKey, "modulus is even");
    if (exponent.empty() || exponent.front() == '\0' || exponent.size() > 4) {
        return fail(kUnusableKey, "exponent out of range");
    }
    std::uint64_t e = 0;
    for (const char byte : exponent)
        e = (e << 8) | static_cast<unsigned char>(byte);
    // A small exponent makes forged paddings cheap (Bleichenbacher 2006); an even one is no RSA key at all.
    if (e < kMinExponent || e % 2 == 0) return fail(kUnusableKey, "exponent out of range");

    const BnPtr n(BN_bin2bn(as_bytes(modulus), static_cast<int>(modulus.size()), nullptr));
    const BnPtr e_number(BN_bin2bn(as_bytes(exponent), static_cast<int>(exponent.size()), nullptr));
    const ParamBuildPtr build(OSSL_PARAM_BLD_new());
    if (!n || !e_number || !build ||
        OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e_number.get()) != 1) {
        return fail(kCryptoFailed);
    }
    PkeyPtr key = from_params("RSA", build.get());
    if (!key) return fail(kUnusableKey, "not an RSA key");
    return key;
}

Result<PkeyPtr> make_ec_key(KeyKind kind, std::string_view x, std::string_view y) {
    const std::size_t bytes = coordinate_bytes(kind);
    // RFC 7518 6.2.1.2: exactly the curve's length, leading zeros included.
    if (x.size() != bytes || y.size() != bytes) return fail(kUnusableKey, "coordinate length");
    std::string point("\x04", 1);  // SEC 1 2.3.3: uncompressed; the point at infinity has no such form
    point += x;
    point += y;
    const std::string group(group_name(kind));
    const ParamBuildPtr build(OSSL_PARAM_BLD_new());
    if (!build ||
        OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.c_str(), 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
            1) {
        return fail(kCryptoFailed);
    }
    PkeyPtr key = from_params("EC", build.get());
    if (!key) return fail(kUnusableKey, "point is not on the curve");
    const ErrorQueueGuard guard;
    const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (!context || EVP_PKEY_public_check(context.get()) != 1) {
        return fail(kUnusableKey, "point is not on the curve");
    }
    return key;
}

Result<PkeyPtr> make_ed25519_key(std::string_view point) {
    if (point.size() != crypto_core_ed25519_BYTES) return fail(kUnusableKey, "key length");
    // OpenSSL takes any 32 bytes; libsodium's check wants the canonical form and the prime-order subgroup,
    // without which one signature can verify for any message.
    if (crypto_core_ed25519_is_valid_point(as_bytes(point)) != 1) {
        return fail(kUnusableKey, "point is small-order or not canonical");
    }
    const ErrorQueueGuard guard;
    PkeyPtr key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, as_bytes(point), point.size()));
    if (!key) return fail(kUnusableKey, "not an Ed25519 key");
    return key;
}

std::string thumbprint_text(KeyKind kind, EVP_PKEY* key) {
    const ErrorQueueGuard guard;
    switch (kind) {
        case KeyKind::Rsa:
            return R"({"e":")" + base64url_encode(number_of(key, OSSL_PKEY_PARAM_RSA_E, 0)) +
                   R"(","kty":"RSA","n":")" + base64url_encode(number_of(key, OSSL_PKEY_PARAM_RSA_N, 0)) +
                   "\"}";
        case KeyKind::P256:
        case KeyKind::P384:
        case KeyKind::P521: {
            const std::size_t bytes = coordinate_bytes(kind);
            return R"({"crv":")" + std::string(group_name(kind)) + R"(","kty":"EC","x":")" +
                   base64url_encode(number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)) + R"(","y":")" +
                   base64url_encode(number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)) + "\"}";
        }
        case KeyKind::Ed25519: {
            std::string point(crypto_core_ed25519_BYTES, '\0');
            std::size_t size = point.size();
            if (EVP_PKEY_get_raw_public_key(key, as_bytes(point), &size) != 1) return {};
            return R"({"crv":"Ed25519","kty":"OKP","x":")" + base64url_encode(point) + "\"}";
        }
    }
    return {};
}

std::string thumbprint_of(std::string_view text) {
    return base64url_encode(sha256(text));
}

Result<void> prepare(Key::Impl& key) {
    const ErrorQueueGuard guard;
    switch (key.kind) {
        case KeyKind::Rsa:
            key.modulus_bytes = static_cast<std::size_t>(EVP_PKEY_get_size(key.pkey.get()));
            break;
        case KeyKind::P256:
        case KeyKind::P384:
        case KeyKind::P521:
            key.order = number_of(key.pkey.get(), OSSL_PKEY_PARAM_EC_ORDER, coordinate_bytes(key.kind));
            if (key.order.empty()) return fail(kCryptoFailed);
            break;
        case KeyKind::Ed25519:
            break;
    }
    for (std::size_t i = 0; i < kAlgorithms; ++i) {
        const auto algorithm = static_cast<Algorithm>(i);
        if (!key.algorithms.has(algorithm)) continue;
        MdCtxPtr context(EVP_MD_CTX_new());
        if (!context || !prepare_verify(context.get(), key.pkey.get(), algorithm)) return fail(kCryptoFailed);
        key.prepared[i] = std::move(context);
    }
    return {};
}

}  // namespace latchkey::crypto
