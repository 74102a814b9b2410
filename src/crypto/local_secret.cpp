// See local_secret.h.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/local_secret.h"

#include <array>
#include <climits>

#include "base/json.h"
#include "crypto/errors.h"
#include "crypto/openssl.h"

namespace latchkey::crypto {
namespace {

std::size_t hash_bytes(AlgorithmSet algorithms) {
    if (algorithms.has(Algorithm::Hs512)) return 64;
    return algorithms.has(Algorithm::Hs384) ? 48 : 32;
}

template <class T, auto Free>
bool reads_as(T* (*read)(T**, const unsigned char**, long), std::string_view bytes) {
    const unsigned char* in = as_bytes(bytes);
    return Owned<T, Free>(read(nullptr, &in, static_cast<long>(bytes.size()))) != nullptr;
}

/// Whatever a peer could know: a public key (or certificate) in any of its usual spellings.
bool looks_like_a_key(std::string_view bytes) {
    if (bytes.find("-----BEGIN") != std::string_view::npos) return true;
    const auto value = json::parse(bytes);
    if (value && (value->find("kty") != nullptr || value->find("keys") != nullptr)) return true;
    const ErrorQueueGuard guard;
    return reads_as<EVP_PKEY, &EVP_PKEY_free>(&d2i_PUBKEY, bytes) ||
           reads_as<EVP_PKEY, &EVP_PKEY_free>(&d2i_AutoPrivateKey, bytes) ||
           reads_as<X509, &X509_free>(&d2i_X509, bytes);
}

}  // namespace

struct LocalSecret::Impl {
    std::array<MacCtxPtr, kAlgorithms> prepared;
};

Result<LocalSecret> LocalSecret::make(const Secret& secret, AlgorithmSet algorithms,
                                      std::optional<std::string> kid) {
    if (algorithms.empty() || (algorithms & kSymmetric) != algorithms) {
        return fail(kBadSecret, "algorithm with a public key");
    }
    // RFC 7518 3.2: at least as long as the hash; more than 64 KiB is somebody's file.
    if (secret.size() < hash_bytes(algorithms)) return fail(kBadSecret, "too short");
    if (secret.size() > 65536) return fail(kBadSecret, "too long");
    if (looks_like_a_key(secret.expose())) return fail(kBadSecret, "this is a key or certificate, no secret");
    auto impl = std::make_shared<Impl>();
    for (const Algorithm algorithm : {Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512}) {
        if (!algorithms.has(algorithm)) continue;
        MacCtxPtr context = prepare_hmac(secret.expose(), digest_of(algorithm));
        if (!context) return fail(kCryptoFailed);
        impl->prepared[static_cast<std::size_t>(algorithm)] = std::move(context);
    }
    return LocalSecret(std::move(impl), algorithms, std::move(kid));
}

std::string LocalSecret::mac(Algorithm algorithm, std::string_view input) const {
    const MacCtxPtr& prepared = impl_->prepared[static_cast<std::size_t>(algorithm)];
    if (!prepared) return {};
    const ErrorQueueGuard guard;
    const MacCtxPtr context(EVP_MAC_CTX_dup(prepared.get()));
    std::string out(EVP_MAX_MD_SIZE, '\0');
    std::size_t size = 0;
    if (!context || EVP_MAC_update(context.get(), as_bytes(input), input.size()) != 1 ||
        EVP_MAC_final(context.get(), as_bytes(out), &size, out.size()) != 1) {
        return {};
    }
    out.resize(size);
    return out;
}

}  // namespace latchkey::crypto
