// See signer.h.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/signer.h"

#include <openssl/pem.h>

#include "crypto/base64.h"
#include "crypto/errors.h"
#include "crypto/key_impl.h"

namespace latchkey::crypto {
namespace {

std::optional<KeyKind> kind_for(Algorithm algorithm) {
    for (const KeyKind kind : {KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519}) {
        if (algorithms_of(kind).has(algorithm)) return kind;
    }
    return std::nullopt;
}

PkeyPtr generate_key(KeyKind kind) {
    switch (kind) {
        case KeyKind::Rsa:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
        case KeyKind::P256:
        case KeyKind::P384:
        case KeyKind::P521:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group_name(kind).data()));
        case KeyKind::Ed25519:
            return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    }
    return nullptr;
}

/// Does the loaded key have the kind, the curve and the size the algorithm wants?
bool fits(EVP_PKEY* key, KeyKind kind) {
    switch (kind) {
        case KeyKind::Rsa:
            return EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= 2048;
        case KeyKind::P256:
        case KeyKind::P384:
        case KeyKind::P521: {
            char group[32] = {};
            std::size_t size = 0;
            if (EVP_PKEY_is_a(key, "EC") != 1 ||
                EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) {
                return false;
            }
            const std::string_view name(group, size);
            return name == group_name(kind) || (kind == KeyKind::P256 && name == "prime256v1") ||
                   (kind == KeyKind::P384 && name == "secp384r1") ||
                   (kind == KeyKind::P521 && name == "secp521r1");
        }
        case KeyKind::Ed25519:
            return EVP_PKEY_is_a(key, "ED25519") == 1;
    }
    return false;
}

/// OpenSSL's DER pair to the fixed R||S of RFC 7518 3.4.
Result<std::string> der_to_fixed(std::string_view der, std::size_t bytes) {
    const unsigned char* in = as_bytes(der);
    const EcdsaSigPtr pair(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
    if (!pair) return fail(kCryptoFailed);
    std::string out(2 * bytes, '\0');
    const int size = static_cast<int>(bytes);
    if (BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), as_bytes(out), size) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), as_bytes(out) + bytes, size) < 0) {
        return fail(kCryptoFailed);
    }
    return out;
}

}  // namespace

struct Signer::Impl {
    Algorithm algorithm{};
    KeyKind kind{};
    PkeyPtr key;
    MdCtxPtr prepared;
    std::string kid;
    std::string jwk;

    static Result<std::unique_ptr<Impl>> make(Algorithm algorithm, KeyKind kind, PkeyPtr key);
};

Result<std::unique_ptr<Signer::Impl>> Signer::Impl::make(Algorithm algorithm, KeyKind kind, PkeyPtr key) {
    auto impl = std::make_unique<Impl>();
    impl->algorithm = algorithm;
    impl->kind = kind;
    impl->key = std::move(key);
    const std::string text = thumbprint_text(kind, impl->key.get());
    impl->prepared.reset(EVP_MD_CTX_new());
    if (text.empty() || !impl->prepared || !prepare_sign(impl->prepared.get(), impl->key.get(), algorithm)) {
        return fail(kCryptoFailed);
    }
    impl->kid = thumbprint_of(text);
    impl->jwk = text.substr(0, text.size() - 1) + R"(,"use":"sig","alg":")" +
                std::string(name_of(algorithm)) + R"(","kid":")" + impl->kid + "\"}";
    return impl;
}

Signer::Signer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

Result<Signer> Signer::generate(Algorithm algorithm) {
    const ErrorQueueGuard guard;
    const std::optional<KeyKind> kind = kind_for(algorithm);
    if (!kind) return fail(kBadPrivateKey, name_of(algorithm));
    PkeyPtr key = generate_key(*kind);
    if (!key) return fail(kCryptoFailed);
    LK_TRY(auto impl, Impl::make(algorithm, *kind, std::move(key)));
    return Signer(std::move(impl));
}

Result<Signer> Signer::from_pem(const Secret& pem, Algorithm algorithm) {
    const ErrorQueueGuard guard;
    const std::optional<KeyKind> kind = kind_for(algorithm);
    if (!kind) return fail(kBadPrivateKey, name_of(algorithm));
    PkeyPtr key = read_private_key_pem(pem.expose());
    if (!key) return fail(kBadPrivateKey, "unreadable");
    if (!fits(key.get(), *kind)) return fail(kBadPrivateKey, "does not fit the algorithm");
    LK_TRY(auto impl, Impl::make(algorithm, *kind, std::move(key)));
    return Signer(std::move(impl));
}

Algorithm Signer::algorithm() const {
    return impl_->algorithm;
}
const std::string& Signer::kid() const {
    return impl_->kid;
}
const std::string& Signer::public_jwk() const {
    return impl_->jwk;
}
std::string Signer::jwk_set() const {
    return R"({"keys":[)" + impl_->jwk + "]}";
}
Secret Signer::private_pem() const {
    const ErrorQueueGuard guard;
    return private_key_pem(impl_->key.get());
}

std::string Signer::public_pem() const {
    const ErrorQueueGuard guard;
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_PUBKEY(bio.get(), impl_->key.get()) != 1) return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string Signer::header(std::string_view typ) const {
    return R"({"alg":")" + std::string(name_of(impl_->algorithm)) + R"(","kid":")" + impl_->kid +
           R"(","typ":")" + std::string(typ) + "\"}";
}

Result<std::string> Signer::sign(std::string_view input) const {
    const ErrorQueueGuard guard;
    const MdCtxPtr context(EVP_MD_CTX_new());
    if (!context || EVP_MD_CTX_copy_ex(context.get(), impl_->prepared.get()) != 1) return fail(kCryptoFailed);
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(impl_->key.get()));
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), as_bytes(signature), &size, as_bytes(input), input.size()) != 1) {
        return fail(kCryptoFailed);
    }
    signature.resize(size);
    const std::size_t coordinate = coordinate_bytes(impl_->kind);
    return coordinate == 0 ? Result<std::string>(std::move(signature)) : der_to_fixed(signature, coordinate);
}

Result<std::string> Signer::sign_compact(std::string_view header, std::string_view payload) const {
    std::string token = base64url_encode(header) + "." + base64url_encode(payload);
    LK_TRY(const std::string signature, sign(token));
    return token + "." + base64url_encode(signature);
}

}  // namespace latchkey::crypto
