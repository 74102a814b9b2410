// The attack list on keys and signatures: A3 to A10. Forged material is built with the library directly.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "crypto/test_keys.h"

namespace latchkey::crypto {
namespace {

using testing::kAllAsymmetric;
using testing::kAllowed;
using testing::kClaims;
using testing::key_set;
using testing::load;
using testing::signer;
using testing::verdict;

std::string with_signature(std::string_view token, std::string_view signature) {
    return std::string(token.substr(0, token.rfind('.') + 1)) + base64url_encode(signature);
}
std::string signature_of(std::string_view token) {
    return base64url_decode(token.substr(token.rfind('.') + 1)).value();
}
std::string good(Algorithm algorithm) {
    return signer(algorithm).sign_compact(signer(algorithm).header(), kClaims).value();
}
std::string hex_bytes(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return out;
}
std::string der_of(std::string_view pem) {
    std::string text;
    for (std::size_t at = pem.find('\n') + 1; at < pem.size() && pem[at] != '-'; ++at) {
        if (pem[at] != '\n') text += pem[at];
    }
    return base64_decode(text).value();
}

TEST(TokenAttacks, A3_Hs256WithThePublicKeyAsSecret) {
    for (const Algorithm algorithm : {Algorithm::Rs256, Algorithm::Es256}) {
        const Signer& victim = signer(algorithm);
        const std::string pem = victim.public_pem();
        const std::string stripped = pem.substr(0, pem.size() - 1);
        for (const std::string& secret :
             {pem, stripped, der_of(pem), victim.public_jwk(), victim.jwk_set()}) {
            for (const std::string& kid : {R"(,"kid":")" + victim.kid() + "\"", std::string()}) {
                const std::string input =
                    base64url_encode(R"({"alg":"HS256")" + kid + "}") + "." + base64url_encode(kClaims);
                const std::string token =
                    input + "." + base64url_encode(HmacSha256(Secret(secret)).of_raw(input));
                EXPECT_EQ(verdict(token), "algorithm_refused");
                // Even an allow list that names HS256 does not lead a public key to an HMAC.
                AlgorithmSet careless = kAllowed;
                careless.add(Algorithm::Hs256);
                EXPECT_EQ(verdict(token, testing::issuer_keys(), careless), "algorithm_refused");
                const ParsedJws parsed = parse_compact(token).value();
                for (const Key& key : testing::issuer_keys().keys())
                    EXPECT_FALSE(verify_signature(parsed, key));
            }
        }
    }
}

TEST(TokenAttacks, A4_APublicKeyIsNoSharedSecret) {
    const Signer& key = signer(Algorithm::Rs256);
    const std::string pem = key.public_pem();
    for (const std::string& secret :
         {pem, pem.substr(0, pem.size() - 1), der_of(pem), key.public_jwk(), key.jwk_set(), "\n" + pem,
          std::string(key.private_pem().expose()), der_of(key.private_pem().expose())}) {
        const auto made = LocalSecret::make(Secret(secret), {Algorithm::Hs256});
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().info().name, "bad_secret");
    }
    const Secret fine(std::string(64, 's'));
    EXPECT_TRUE(LocalSecret::make(fine, {Algorithm::Hs256, Algorithm::Hs512}));
    EXPECT_FALSE(LocalSecret::make(fine, {Algorithm::Hs256, Algorithm::Rs256})) << "one family only";
    EXPECT_FALSE(LocalSecret::make(fine, {}));
    EXPECT_FALSE(LocalSecret::make(Secret(std::string(31, 's')), {Algorithm::Hs256}));
    EXPECT_FALSE(LocalSecret::make(Secret(std::string(63, 's')), {Algorithm::Hs256, Algorithm::Hs512}));
}

TEST(TokenAttacks, A5_KeyOfAnotherAlgorithmOrCurve) {
    const JwkSet all =
        load(key_set({signer(Algorithm::Rs256).public_jwk(), signer(Algorithm::Es384).public_jwk()}));
    // Correct signatures by the very key, under an algorithm its `alg` member does not name.
    for (const Algorithm other : {Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps512}) {
        EXPECT_EQ(verdict(good(other), all, kAsymmetric), "unusable_key");
    }
    EXPECT_EQ(verdict(good(Algorithm::Rs256), all, kAsymmetric), "accepted");
    const Signer& p384 = signer(Algorithm::Es384);
    const std::string header = R"({"alg":"ES256","kid":")" + p384.kid() + "\"}";
    EXPECT_EQ(verdict(p384.sign_compact(header, kClaims).value(), all, kAsymmetric), "unusable_key");
    const JwkSet x25519 = load(
        R"({"keys":[{"kty":"OKP","crv":"X25519","kid":"Bob","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}]})");
    EXPECT_EQ(
        verdict(signer(Algorithm::EdDsa).sign_compact(R"({"alg":"EdDSA","kid":"Bob"})", kClaims).value(),
                x25519),
        "unusable_key");
}

TEST(TokenAttacks, A5_EachAlgorithmVerifiesOnlyItsOwnSignatures) {
    for (const Algorithm made : kAllAsymmetric) {
        const std::string token = good(made);
        const ParsedJws parsed = parse_compact(token).value();
        for (const Algorithm claimed : kAllAsymmetric) {
            for (const Algorithm owner : kAllAsymmetric) {
                const JwkSet keys = load(key_set({signer(owner).public_jwk()}));
                const bool verified =
                    verify_bytes(claimed, parsed.signing_input, parsed.signature, keys.keys()[0]).has_value();
                EXPECT_EQ(verified, made == claimed && made == owner)
                    << name_of(made) << name_of(claimed) << name_of(owner);
            }
        }
    }
}

/// The RSA private operation on a block of our making: what a forger with a weak verifier would reach.
std::string raw_rsa(std::string_view block) {
    const PkeyPtr key = read_private_key_pem(signer(Algorithm::Rs256).private_pem().expose());
    const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    std::string out(256, '\0');
    std::size_t size = out.size();
    EXPECT_EQ(EVP_PKEY_sign_init(context.get()), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING), 1);
    EXPECT_EQ(EVP_PKEY_sign(context.get(), as_bytes(out), &size, as_bytes(block), block.size()), 1);
    return out;
}

TEST(TokenAttacks, A6_RsaPaddingFlaws) {
    const std::string token = good(Algorithm::Rs256);
    const std::string input = token.substr(0, token.rfind('.'));
    const Digest256 digest = sha256(input);
    const std::string hash(reinterpret_cast<const char*>(digest.data()), digest.size());
    const std::string info = hex_bytes("3031300d060960864801650304020105000420");
    const std::string info_without_null = hex_bytes(
        "302f300b0609608648016503040201"
        "0420");
    const std::string sha1_info = hex_bytes("3021300906052b0e03021a05000414");
    const auto block = [](std::string_view start, std::size_t fill, char with, std::string_view rest) {
        std::string out =
            std::string(start) + std::string(fill, with) + std::string(1, '\0') + std::string(rest);
        out.resize(256, '\0');
        return out;
    };
    const std::string start("\0\1", 2);
    EXPECT_EQ(verdict(with_signature(token, raw_rsa(block(start, 202, '\xff', info + hash)))), "accepted")
        << "the block is right, so the rows below fail for their flaw";
    const struct {
        std::string_view flaw;
        std::string block;
    } rows[] = {
        {"garbage after the hash, short padding", block(start, 8, '\xff', info + hash)},
        {"no padding", block(start, 0, '\xff', info + hash)},
        {"padding is not ff", block(start, 202, '\xfe', info + hash)},
        {"encryption block type", block(std::string("\0\2", 2), 202, '\xff', info + hash)},
        {"signature block type 0", block(std::string("\0\0", 2), 202, '\xff', info + hash)},
        {"no DigestInfo", block(start, 221, '\xff', hash)},
        {"parameters missing", block(start, 204, '\xff', info_without_null + hash)},
        {"another hash's DigestInfo", block(start, 218, '\xff', sha1_info + hash.substr(0, 20))},
        {"hash cut", block(start, 203, '\xff', info + hash.substr(0, 31))},
        {"hash not at the end", block(start, 201, '\xff', info + hash + "x")},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(verdict(with_signature(token, raw_rsa(row.block))), "bad_signature") << row.flaw;
    }
}

TEST(TokenAttacks, A6_RsaSignatureOfWrongLengthOrRange) {
    const std::string token = good(Algorithm::Rs256);
    const std::string signature = signature_of(token);
    for (const std::string& other :
         {signature.substr(1), signature.substr(0, 255), std::string(1, '\0') + signature, signature + '\0',
          signature + signature, std::string(256, '\0'), std::string(256, '\xff'), std::string(1, '\1'),
          std::string(255, '\0') + '\1'}) {
        EXPECT_EQ(verdict(with_signature(token, other)), "bad_signature");
    }
}

TEST(TokenAttacks, A6_PssSaltMustBeAsLongAsTheHash) {
    const PkeyPtr key = read_private_key_pem(signer(Algorithm::Ps256).private_pem().expose());
    const std::string token = good(Algorithm::Ps256);
    const std::string input = token.substr(0, token.rfind('.'));
    const JwkSet keys = load(signer(Algorithm::Ps256).jwk_set());
    for (const int salt : {0, 20, 31, 32, 33, 64}) {
        const MdCtxPtr context(EVP_MD_CTX_new());
        EVP_PKEY_CTX* inner = nullptr;
        ASSERT_EQ(EVP_DigestSignInit(context.get(), &inner, sha256_method(), nullptr, key.get()), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, salt), 1);
        std::string signature(256, '\0');
        std::size_t size = signature.size();
        ASSERT_EQ(EVP_DigestSign(context.get(), as_bytes(signature), &size, as_bytes(input), input.size()),
                  1);
        EXPECT_EQ(verdict(with_signature(token, signature), keys, kAsymmetric),
                  salt == 32 ? "accepted" : "bad_signature")
            << salt;
    }
}

TEST(TokenAttacks, A8_EcdsaSignatureInDerOrOutOfRange) {
    const std::string token = good(Algorithm::Es256);
    const std::string signature = signature_of(token);
    const std::string r = signature.substr(0, 32);
    const std::string s = signature.substr(32);
    const std::string order = hex_bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    std::string below = order;
    below.back() = '\x50';
    const std::string zero(32, '\0');
    const std::string ones(32, '\xff');
    const std::string der = "\x30\x44\x02\x20" + ('\x7f' + r.substr(1)) + "\x02\x20" + ('\x7f' + s.substr(1));
    const struct {
        std::string_view flaw;
        std::string signature;
    } rows[] = {{"psychic", zero + zero},
                {"r = 0", zero + s},
                {"s = 0", r + zero},
                {"r = n", order + s},
                {"s = n", r + order},
                {"r > n", ones + s},
                {"s > n", r + ones},
                {"r = n - 1, in range but wrong", below + s},
                {"63 bytes", signature.substr(0, 63)},
                {"65 bytes", signature + '\0'},
                {"65 bytes, zero before", '\0' + signature},
                {"DER", der},
                {"half", r},
                {"swapped", s + r},
                {"both n", order + order}};
    for (const auto& row : rows) {
        EXPECT_EQ(verdict(with_signature(token, row.signature)), "bad_signature") << row.flaw;
    }
}

TEST(TokenAttacks, A10_Ed25519ScalarNotBelowTheOrder) {
    const std::string token = good(Algorithm::EdDsa);
    std::string signature = signature_of(token);
    // S + L verifies in a verifier that reduces: one token, two spellings.
    const std::string order = hex_bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        const unsigned sum =
            static_cast<unsigned char>(signature[32 + i]) + static_cast<unsigned char>(order[i]) + carry;
        signature[32 + i] = static_cast<char>(sum);
        carry = sum >> 8;
    }
    EXPECT_EQ(verdict(with_signature(token, signature)), "bad_signature");
    EXPECT_EQ(verdict(with_signature(token, signature.substr(0, 32) + order)), "bad_signature");
    EXPECT_EQ(verdict(with_signature(token, std::string(64, '\0'))), "bad_signature");
    EXPECT_EQ(verdict(with_signature(token, signature_of(token).substr(0, 63))), "bad_signature");
}

TEST(TokenAttacks, A10_SmallOrderAndNonCanonicalEd25519Keys) {
    const std::string_view points[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",  // neutral
        "0000000000000000000000000000000000000000000000000000000000000000",  // order 4
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // order 2
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  // order 8
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p, a second zero
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p + 1
        "0100000000000000000000000000000000000000000000000000000000000080",  // -0 as x
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
    for (const std::string_view point : points) {
        const JwkSet keys = load(R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":")" +
                                 base64url_encode(hex_bytes(point)) + "\"}]}");
        EXPECT_EQ(keys.usable_count(), 0U) << point;
        EXPECT_EQ(keys.find("k", Algorithm::EdDsa).outcome, KeyLookup::Unusable);
        const std::string forged = base64url_encode(R"({"alg":"EdDSA","kid":"k"})") + "." +
                                   base64url_encode(kClaims) + "." +
                                   base64url_encode(hex_bytes(points[0]) + std::string(32, '\0'));
        EXPECT_EQ(verdict(forged, keys), "unusable_key");
    }
}

}  // namespace
}  // namespace latchkey::crypto
