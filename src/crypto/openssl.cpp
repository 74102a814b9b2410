// See openssl.h.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/openssl.h"

#include <climits>
#include <cstdlib>

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace latchkey::crypto {
namespace {

/// Fetched for the whole process and never freed: contexts may be in use on other threads at exit.
const EVP_MD* fetch(const char* name) {
    return EVP_MD_fetch(nullptr, name, nullptr);
}

bool set_padding(EVP_PKEY_CTX* context, Algorithm algorithm) {
    if (!is_pss(algorithm)) return true;
    // RFC 7518 3.5: the salt is as long as the hash, MGF1 uses the same hash (OpenSSL's default).
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

const char* digest_name(Algorithm algorithm) {
    const EVP_MD* const digest = digest_of(algorithm);
    return digest == nullptr ? nullptr : EVP_MD_get0_name(digest);
}

int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*write*/, void* /*context*/) {
    return -1;
}

}  // namespace

void must(int result) noexcept {
    if (result != 1) std::abort();
}

const EVP_MD* sha256_method() {
    static const EVP_MD* const method = fetch("SHA2-256");
    return method;
}

const EVP_MD* sha1_method() {
    static const EVP_MD* const method = fetch("SHA1");
    return method;
}

const EVP_MD* digest_of(Algorithm algorithm) {
    static const EVP_MD* const sha384 = fetch("SHA2-384");
    static const EVP_MD* const sha512 = fetch("SHA2-512");
    switch (algorithm) {
        case Algorithm::Rs256:
        case Algorithm::Ps256:
        case Algorithm::Es256:
        case Algorithm::Hs256:
            return sha256_method();
        case Algorithm::Rs384:
        case Algorithm::Ps384:
        case Algorithm::Es384:
        case Algorithm::Hs384:
            return sha384;
        case Algorithm::Rs512:
        case Algorithm::Ps512:
        case Algorithm::Es512:
        case Algorithm::Hs512:
            return sha512;
        case Algorithm::EdDsa:
            return nullptr;
    }
    return nullptr;
}

MacCtxPtr prepare_hmac(std::string_view key, const EVP_MD* digest) {
    static EVP_MAC* const method = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    MacCtxPtr context(EVP_MAC_CTX_new(method));
    std::string name(EVP_MD_get0_name(digest));
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
                                 OSSL_PARAM_construct_end()};
    // An empty key is legal for HMAC, but a null pointer would mean "keep the old key" to OpenSSL.
    const std::string_view bytes = key.empty() ? std::string_view("", 0) : key;
    if (!context || EVP_MAC_init(context.get(), as_bytes(bytes), bytes.size(), params) != 1) return nullptr;
    return context;
}

std::size_t coordinate_bytes(KeyKind kind) {
    switch (kind) {
        case KeyKind::P256:
            return 32;
        case KeyKind::P384:
            return 48;
        case KeyKind::P521:
            return 66;
        case KeyKind::Rsa:
        case KeyKind::Ed25519:
            return 0;
    }
    return 0;
}

std::string_view group_name(KeyKind kind) {
    switch (kind) {
        case KeyKind::P256:
            return "P-256";
        case KeyKind::P384:
            return "P-384";
        case KeyKind::P521:
            return "P-521";
        case KeyKind::Rsa:
        case KeyKind::Ed25519:
            return {};
    }
    return {};
}

AlgorithmSet algorithms_of(KeyKind kind) {
    switch (kind) {
        case KeyKind::Rsa:
            return {Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512,
                    Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512};
        case KeyKind::P256:
            return {Algorithm::Es256};
        case KeyKind::P384:
            return {Algorithm::Es384};
        case KeyKind::P521:
            return {Algorithm::Es512};
        case KeyKind::Ed25519:
            return {Algorithm::EdDsa};
    }
    return {};
}

bool is_pss(Algorithm algorithm) {
    return AlgorithmSet{Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512}.has(algorithm);
}

bool prepare_verify(EVP_MD_CTX* context, EVP_PKEY* key, Algorithm algorithm) {
    EVP_PKEY_CTX* inner = nullptr;
    return EVP_DigestVerifyInit_ex(context, &inner, digest_name(algorithm), nullptr, nullptr, key, nullptr) ==
               1 &&
           set_padding(inner, algorithm);
}

bool prepare_sign(EVP_MD_CTX* context, EVP_PKEY* key, Algorithm algorithm) {
    EVP_PKEY_CTX* inner = nullptr;
    return EVP_DigestSignInit_ex(context, &inner, digest_name(algorithm), nullptr, nullptr, key, nullptr) ==
               1 &&
           set_padding(inner, algorithm);
}

Secret private_key_pem(EVP_PKEY* key) {
    const BioPtr bio(BIO_new(BIO_s_secmem()));
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return {};
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return Secret({data, static_cast<std::size_t>(size)});
}

PkeyPtr read_private_key_pem(std::string_view pem) {
    if (pem.size() > INT_MAX) return nullptr;
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!bio) return nullptr;
    return PkeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, &refuse_passphrase, nullptr));
}

}  // namespace latchkey::crypto
