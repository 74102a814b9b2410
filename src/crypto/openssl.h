// Private to crypto/*.cpp: owners for OpenSSL's objects and the algorithms fetched once. Never include it in
// a public header.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/secret.h"
#include "crypto/algorithm.h"

namespace latchkey::crypto {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

using PkeyPtr = Owned<EVP_PKEY, &EVP_PKEY_free>;
using PkeyCtxPtr = Owned<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using MdCtxPtr = Owned<EVP_MD_CTX, &EVP_MD_CTX_free>;
using MacCtxPtr = Owned<EVP_MAC_CTX, &EVP_MAC_CTX_free>;
using BioPtr = Owned<BIO, &BIO_free_all>;
using BnPtr = Owned<BIGNUM, &BN_free>;
using EcdsaSigPtr = Owned<ECDSA_SIG, &ECDSA_SIG_free>;
using ParamBuildPtr = Owned<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free>;
using ParamsPtr = Owned<OSSL_PARAM, &OSSL_PARAM_free>;
using X509Ptr = Owned<X509, &X509_free>;

/// Ends the process when a call that cannot fail but for lack of memory fails: a digest of nothing would be
/// the same key for every token.
void must(int result) noexcept;

/// Leaves the thread's error queue as empty as it was found: the TLS code of the same thread reads it.
class ErrorQueueGuard {
  public:
    ErrorQueueGuard() = default;
    ErrorQueueGuard(const ErrorQueueGuard&) = delete;
    ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
    ~ErrorQueueGuard() { ERR_clear_error(); }
};

inline const unsigned char* as_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* as_bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

/// A MAC context with key and digest set; only copies of it are used. Null on failure.
MacCtxPtr prepare_hmac(std::string_view key, const EVP_MD* digest);

/// The digest of an algorithm, fetched once per process; null for EdDsa, which hashes inside.
const EVP_MD* digest_of(Algorithm algorithm);
/// SHA-256, fetched once per process.
const EVP_MD* sha256_method();
const EVP_MD* sha1_method();

enum class KeyKind : unsigned char { Rsa, P256, P384, P521, Ed25519 };

/// Bytes of one coordinate or of r or s; 0 for kinds without.
std::size_t coordinate_bytes(KeyKind kind);
/// OpenSSL's group name; empty for kinds without.
std::string_view group_name(KeyKind kind);
/// Everything a key of this kind could verify.
AlgorithmSet algorithms_of(KeyKind kind);
/// Is this one of PS256, PS384, PS512?
bool is_pss(Algorithm algorithm);

/// Initialises `context` for verifying or signing with the algorithm's digest and padding (PSS: salt = hash).
bool prepare_verify(EVP_MD_CTX* context, EVP_PKEY* key, Algorithm algorithm);
bool prepare_sign(EVP_MD_CTX* context, EVP_PKEY* key, Algorithm algorithm);

/// A private key in PKCS#8 PEM; empty on failure.
Secret private_key_pem(EVP_PKEY* key);
/// Null when unreadable, encrypted, or followed by nothing but a key of another label.
PkeyPtr read_private_key_pem(std::string_view pem);

}  // namespace latchkey::crypto
