// The signature checks of jws.h: shape of the signature first, then one copy of the key's prepared context.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <openssl/crypto.h>

#include "crypto/errors.h"
#include "crypto/jws.h"
#include "crypto/key_impl.h"

namespace latchkey::crypto {
namespace {

/// Big-endian numbers of one length: 1 <= value < order?
bool in_range(std::string_view value, std::string_view order) {
    const bool zero = std::all_of(value.begin(), value.end(), [](char byte) { return byte == '\0'; });
    return !zero && value < order;  // string_view compares as unsigned bytes
}

/// R||S to DER, for OpenSSL. RFC 7518 3.4: fixed length; r or s outside [1, n-1] is the "psychic signature".
Result<std::string> ecdsa_to_der(std::string_view signature, const Key::Impl& key) {
    const std::size_t bytes = coordinate_bytes(key.kind);
    if (signature.size() != 2 * bytes) return fail(kBadSignature, "length");
    const std::string_view r = signature.substr(0, bytes);
    const std::string_view s = signature.substr(bytes);
    if (!in_range(r, key.order) || !in_range(s, key.order)) return fail(kBadSignature, "r or s out of range");
    const EcdsaSigPtr pair(ECDSA_SIG_new());
    BnPtr r_number(BN_bin2bn(as_bytes(r), static_cast<int>(bytes), nullptr));
    BnPtr s_number(BN_bin2bn(as_bytes(s), static_cast<int>(bytes), nullptr));
    if (!pair || !r_number || !s_number || ECDSA_SIG_set0(pair.get(), r_number.get(), s_number.get()) != 1) {
        return fail(kCryptoFailed);
    }
    r_number.release();  // the pair owns them now
    s_number.release();
    std::string der(2 * bytes + 16, '\0');
    unsigned char* out = as_bytes(der);
    const int size = i2d_ECDSA_SIG(pair.get(), &out);
    if (size <= 0) return fail(kCryptoFailed);
    der.resize(static_cast<std::size_t>(size));
    return der;
}

/// RFC 8032 5.1.7: S, little endian, must be below the group order L, else one signature has two spellings.
bool ed25519_s_is_canonical(std::string_view signature) {
    constexpr std::array<unsigned char, 32> kOrder{
        0x10, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed};
    for (std::size_t i = 0; i < kOrder.size(); ++i) {
        const auto byte = static_cast<unsigned char>(signature[63 - i]);
        if (byte != kOrder[i]) return byte < kOrder[i];
    }
    return false;
}

Result<std::string> shape(Algorithm algorithm, std::string_view signature, const Key::Impl& key) {
    if (signature.empty()) return fail(kBadSignature, "empty");
    switch (key.kind) {
        case KeyKind::Rsa:
            // RFC 8017 8.1.2 and 8.2.2, step 1. s >= n is refused by OpenSSL.
            if (signature.size() != key.modulus_bytes) return fail(kBadSignature, "length");
            return std::string(signature);
        case KeyKind::P256:
        case KeyKind::P384:
        case KeyKind::P521:
            return ecdsa_to_der(signature, key);
        case KeyKind::Ed25519:
            if (signature.size() != 64) return fail(kBadSignature, "length");
            if (!ed25519_s_is_canonical(signature)) return fail(kBadSignature, "S out of range");
            return std::string(signature);
    }
    return fail(kAlgorithmRefused, name_of(algorithm));
}

}  // namespace

Result<void> verify_bytes(Algorithm algorithm, std::string_view signing_input, std::string_view signature,
                          const Key& key) {
    const Key::Impl& impl = key.impl();
    if (!key.usable()) return fail(kUnusableKey, impl.reason);
    // RFC 8725 3.1: the key says what it may verify; the token only claims.
    const MdCtxPtr& prepared = impl.prepared[static_cast<std::size_t>(algorithm)];
    if (!impl.algorithms.has(algorithm) || !prepared) return fail(kAlgorithmRefused, name_of(algorithm));
    LK_TRY(const std::string raw, shape(algorithm, signature, impl));
    const ErrorQueueGuard guard;
    const MdCtxPtr context(EVP_MD_CTX_new());
    if (!context || EVP_MD_CTX_copy_ex(context.get(), prepared.get()) != 1) return fail(kCryptoFailed);
    // The copy is used once: without this flag OpenSSL copies it again before the last step.
    EVP_MD_CTX_set_flags(context.get(), EVP_MD_CTX_FLAG_FINALISE);
    if (EVP_DigestVerify(context.get(), as_bytes(raw), raw.size(), as_bytes(signing_input),
                         signing_input.size()) != 1) {
        return fail(kBadSignature);
    }
    return {};
}

Result<void> verify_signature(const ParsedJws& token, const Key& key) {
    return verify_bytes(token.algorithm, token.signing_input, token.signature, key);
}

Result<const Key*> verify(const ParsedJws& token, const JwkSet& keys, AlgorithmSet allowed) {
    if (!(allowed & kAsymmetric).has(token.algorithm)) {
        return fail(kAlgorithmRefused, name_of(token.algorithm));
    }
    const KeyMatch match = keys.find(token.kid, token.algorithm);
    switch (match.outcome) {
        case KeyLookup::Found:
            for (const Key* const key : match.keys()) {
                if (verify_signature(token, *key)) return key;
            }
            return fail(kBadSignature);
        case KeyLookup::UnknownKid:
            return fail(kUnknownKid, token.kid.value_or(""));
        case KeyLookup::Unusable:
            return fail(kUnusableKey, match.reason);
        case KeyLookup::Ambiguous:
            return fail(kAmbiguousKey);
    }
    return fail(kUnknownKid);
}

Result<void> verify_with_secret(const ParsedJws& token, const LocalSecret& secret) {
    if (!kSymmetric.has(token.algorithm) || !secret.algorithms().has(token.algorithm)) {
        return fail(kAlgorithmRefused, name_of(token.algorithm));
    }
    if (token.kid && secret.kid() && *token.kid != *secret.kid()) return fail(kUnknownKid, *token.kid);
    const std::string expected = secret.mac(token.algorithm, token.signing_input);
    if (expected.empty() || token.signature.size() != expected.size() ||
        CRYPTO_memcmp(expected.data(), token.signature.data(), expected.size()) != 0) {
        return fail(kBadSignature);
    }
    return {};
}

}  // namespace latchkey::crypto
