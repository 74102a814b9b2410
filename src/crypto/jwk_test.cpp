// Which key of a set may be used for what, and how a token finds it. A7 and A9 of the attack list are here.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/openssl.h"
#include "crypto/test_keys.h"

namespace latchkey::crypto {
namespace {

using testing::kClaims;
using testing::key_set;
using testing::load;
using testing::signer;
using testing::verdict;

std::string member(const Signer& key, std::string_view name) {
    return *json::parse(key.public_jwk()).value().find_string(name);
}
const Signer& ec() {
    return signer(Algorithm::Es256);
}

/// The ES256 test key as a JWK with kid "k" and more members (JSON, with a leading comma).
std::string ec_jwk(std::string_view extra) {
    return R"({"kty":"EC","crv":"P-256","kid":"k","x":")" + member(ec(), "x") + R"(","y":")" +
           member(ec(), "y") + "\"" + std::string(extra) + "}";
}
std::string rsa_jwk(std::string_view n, std::string_view e) {
    return R"({"kty":"RSA","kid":"k","n":")" + base64url_encode(n) + R"(","e":")" + base64url_encode(e) +
           "\"}";
}
std::string ec_point(std::string_view crv, std::string_view x, std::string_view y) {
    return R"({"kty":"EC","kid":"k","crv":")" + std::string(crv) + R"(","x":")" + base64url_encode(x) +
           R"(","y":")" + base64url_encode(y) + "\"}";
}
/// Empty for a usable key, else the reason.
std::string reason(std::string_view jwk) {
    const JwkSet set = load(key_set({jwk}));
    const Key& key = set.keys()[0];
    EXPECT_EQ(key.usable(), key.reason().empty());
    EXPECT_EQ(key.usable(), !key.algorithms().empty());
    return key.reason();
}

TEST(JwkSet, AKeyIsUsedOnlyAsItsMembersAllow) {
    const struct {
        std::string_view extra, reason;
    } rows[] = {
        {"", ""},
        {R"(,"use":"sig")", ""},
        {R"(,"use":"sig","key_ops":["verify"],"alg":"ES256","x5c":["ignored"],"x5t":"ignored")", ""},
        {R"(,"key_ops":["sign","verify"])", ""},
        {R"(,"use":"enc")", "use is not sig"},
        {R"(,"use":null)", "use is not sig"},
        {R"(,"use":["sig"])", "use is not sig"},
        {R"(,"key_ops":["encrypt"])", "key_ops without verify"},
        {R"(,"key_ops":[])", "key_ops without verify"},
        {R"(,"key_ops":"verify")", "key_ops without verify"},
        {R"(,"alg":"ES384")", "alg does not fit the key"},
        {R"(,"alg":"RS256")", "alg does not fit the key"},
        {R"(,"alg":"ECDH-ES")", "alg does not fit the key"},
        {R"(,"alg":"none")", "alg does not fit the key"},
        {R"(,"alg":"HS256")", "alg does not fit the key"},
        {R"(,"alg":1)", "alg is not a string"},
        {R"(,"d":"AAAA")", "private key in a public set"},
        {R"(,"d":null)", "private key in a public set"},
        {R"(,"issuer":1)", "issuer is not a string"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(reason(ec_jwk(row.extra)), row.reason) << row.extra;
}

TEST(JwkSet, KeysOfForeignShapeAreKeptWithAReason) {
    for (const std::string_view jwk :
         {"1", "null", "[]", "\"k\"", "{}", R"({"kty":"oct","k":"c2VjcmV0"})", R"({"kty":"EC"})",
          R"({"kty":1})", R"({"kty":"rsa"})", R"({"kty":"RSA","n":"AQAB"})",
          R"({"kty":"EC","crv":"secp256k1"})", R"({"kty":"OKP","crv":"Ed448","x":"AA"})",
          R"({"kty":"OKP","crv":"X25519","x":"AA"})", R"({"kty":"OKP","crv":"Ed25519"})",
          R"({"kty":"OKP","crv":"Ed25519","x":"AA"})", R"({"kty":"OKP","crv":"Ed25519","x":"AA=="})",
          R"({"kty":"RSA","n":1,"e":"AQAB"})"}) {
        EXPECT_FALSE(reason(jwk).empty()) << jwk;
    }
}

TEST(JwkSet, AKeyWithoutAlgServesAllThatItsKindFits) {
    const Signer& rsa = signer(Algorithm::Rs256);
    const JwkSet whole =
        load(key_set({rsa_jwk(base64url_decode(member(rsa, "n")).value(), std::string_view("\1\0\1", 3))}));
    EXPECT_EQ(whole.keys()[0].algorithms(),
              (AlgorithmSet{Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256,
                            Algorithm::Ps384, Algorithm::Ps512}));
    EXPECT_EQ(load(key_set({ec_jwk("")})).keys()[0].algorithms(), AlgorithmSet{Algorithm::Es256});
}

TEST(TokenAttacks, A7_RsaModulusAndExponentOutOfRange) {
    const std::string n = base64url_decode(member(signer(Algorithm::Rs256), "n")).value();
    const std::string e("\1\0\1", 3);
    EXPECT_EQ(reason(rsa_jwk(n, e)), "");
    const auto odd = [](std::size_t bytes, char first) { return first + std::string(bytes - 1, '\xff'); };
    const struct {
        std::string_view what;
        std::string n, e, reason;
    } rows[] = {
        {"1024 bits", odd(128, '\xff'), e, "modulus under 2048 bits"},
        {"2047 bits", odd(256, '\x7f'), e, "modulus under 2048 bits"},
        {"2048 bits behind zeros", std::string(1, '\0') + n, e, "modulus has a leading zero"},
        {"8193 bits", odd(1025, '\1'), e, "modulus over 8192 bits"},
        {"a megabit", odd(131072, '\1'), e, "modulus over 8192 bits"},
        {"even", n.substr(0, 255) + '\2', e, "modulus is even"},
        {"empty", "", e, "modulus has a leading zero"},
        {"e = 3", n, "\3", "exponent out of range"},
        {"e = 65535", n, "\xff\xff", "exponent out of range"},
        {"e = 65538, even", n, std::string("\1\0\2", 3), "exponent out of range"},
        {"e = 1", n, "\1", "exponent out of range"},
        {"e = 0", n, std::string(1, '\0'), "exponent out of range"},
        {"e empty", n, "", "exponent out of range"},
        {"e of 33 bits", n, std::string("\1\0\0\0\1", 5), "exponent out of range"},
        {"e with leading zero", n, std::string("\0\1\0\1", 4), "exponent out of range"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(reason(rsa_jwk(row.n, row.e)), row.reason) << row.what;
    EXPECT_EQ(reason(rsa_jwk(odd(1024, '\xff'), "\xff\xff\xff\xff")), "") << "both at their upper limit";
}

TEST(TokenAttacks, A7_AShortRsaKeyVerifiesNothing) {
    const PkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}));
    BIGNUM* raw = nullptr;
    ASSERT_EQ(EVP_PKEY_get_bn_param(key.get(), "n", &raw), 1);
    const BnPtr number(raw);
    std::string n(128, '\0');
    BN_bn2bin(raw, as_bytes(n));
    const JwkSet set = load(key_set({rsa_jwk(n, std::string_view("\1\0\1", 3))}));
    const std::string input =
        base64url_encode(R"({"alg":"RS256","kid":"k"})") + "." + base64url_encode(kClaims);
    const MdCtxPtr context(EVP_MD_CTX_new());
    ASSERT_TRUE(prepare_sign(context.get(), key.get(), Algorithm::Rs256));
    std::string signature(128, '\0');
    std::size_t size = signature.size();
    ASSERT_EQ(EVP_DigestSign(context.get(), as_bytes(signature), &size, as_bytes(input), input.size()), 1);
    EXPECT_EQ(verdict(input + "." + base64url_encode(signature), set), "unusable_key");
}

TEST(TokenAttacks, A9_PointsThatAreNotOnTheCurve) {
    const std::string x = base64url_decode(member(ec(), "x")).value();
    const std::string y = base64url_decode(member(ec(), "y")).value();
    EXPECT_EQ(reason(ec_point("P-256", x, y)), "");
    std::string off = y;
    off.back() = static_cast<char>(off.back() ^ 1);
    const std::string zero(32, '\0');
    const std::string ones(32, '\xff');
    const struct {
        std::string_view what;
        std::string crv, x, y, reason;
    } rows[] = {
        {"off the curve", "P-256", x, off, "point is not on the curve"},
        {"swapped", "P-256", y, x, "point is not on the curve"},
        {"(0, 0), the point at infinity of some", "P-256", zero, zero, "point is not on the curve"},
        {"coordinates over p", "P-256", ones, ones, "point is not on the curve"},
        {"31 bytes", "P-256", x.substr(1), y, "coordinate length"},
        {"33 bytes", "P-256", std::string(1, '\0') + x, y, "coordinate length"},
        {"empty", "P-256", "", "", "coordinate length"},
        {"of another curve", "P-384", x, y, "coordinate length"},
        {"padded to another curve", "P-384", std::string(16, '\0') + x, std::string(16, '\0') + y,
         "point is not on the curve"},
        {"65 bytes on P-521", "P-521", std::string(65, '\1'), std::string(65, '\1'), "coordinate length"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(reason(ec_point(row.crv, row.x, row.y)), row.reason) << row.what;
}

TEST(JwkSet, LimitsAndMalformedSetsRefuseTheWholeText) {
    EXPECT_TRUE(parse_jwk_set(R"({"keys":[]})"));
    for (const std::string_view text :
         {"", "{}", "[]", R"({"keys":{}})", R"({"keys":null})", R"({"keys":[],"keys":[]})",
          R"({"keys":[{"kty":"EC","kty":"EC"}]})", R"({"keys":[]}x)", "<html></html>",
          R"({"keys":[[[[[[[[[]]]]]]]]]})"}) {
        const auto set = parse_jwk_set(text);
        ASSERT_FALSE(set) << text;
        EXPECT_EQ(set.error().info().name, "bad_key_set") << text;
    }
    std::string many = "{}";
    for (int i = 1; i < 100; ++i)
        many += ",{}";
    EXPECT_TRUE(parse_jwk_set(key_set({many})));
    EXPECT_EQ(parse_jwk_set(key_set({many, "{}"})).error().info().name, "key_set_too_large");
    const std::string big = R"({"x":")" + std::string(1024 * 1024, 'x') + R"(","keys":[]})";
    EXPECT_EQ(parse_jwk_set(big).error().info().name, "key_set_too_large");
    EXPECT_TRUE(parse_jwk_set(big, {.bytes = 2 * 1024 * 1024}));
}

TEST(JwkSet, ANameThatExistsButMayNotBeUsedIsNotUnknown) {
    const JwkSet set = load(key_set({ec_jwk(R"(,"use":"enc")"), R"({"kty":"oct","kid":"s","k":"c2VjcmV0"})",
                                     signer(Algorithm::EdDsa).public_jwk()}));
    EXPECT_EQ(set.usable_count(), 1U);
    EXPECT_EQ(set.find("k", Algorithm::Es256).outcome, KeyLookup::Unusable);
    EXPECT_EQ(set.find("k", Algorithm::Es256).reason, "use is not sig");
    EXPECT_EQ(set.find("s", Algorithm::Hs256).outcome, KeyLookup::Unusable);
    EXPECT_EQ(set.find("K", Algorithm::Es256).outcome, KeyLookup::UnknownKid);
    EXPECT_EQ(set.find("", Algorithm::Es256).outcome, KeyLookup::UnknownKid);
    const std::string& kid = signer(Algorithm::EdDsa).kid();
    EXPECT_EQ(set.find(kid, Algorithm::EdDsa).outcome, KeyLookup::Found);
    EXPECT_EQ(set.find(kid, Algorithm::Es256).outcome, KeyLookup::Unusable);
    EXPECT_EQ(set.find(kid, Algorithm::Es256).reason, "key is for another algorithm");
    const std::string long_kid(kMaxKidBytes + 1, 'k');
    const JwkSet named =
        load(key_set({R"({"kty":"EC","kid":")" + long_kid + "\"}", R"({"kty":"EC","kid":1})"}));
    EXPECT_FALSE(named.keys()[0].kid());
    EXPECT_FALSE(named.keys()[1].kid());
}

TEST(JwkSet, WithoutAKidExactlyOneKeyMustFit) {
    const Signer other = Signer::generate(Algorithm::Es256).value();
    const JwkSet one = load(key_set({ec().public_jwk(), signer(Algorithm::EdDsa).public_jwk()}));
    const JwkSet two = load(key_set({ec().public_jwk(), other.public_jwk()}));
    EXPECT_EQ(one.find(std::nullopt, Algorithm::Es256).outcome, KeyLookup::Found);
    EXPECT_EQ(one.find(std::nullopt, Algorithm::Rs256).outcome, KeyLookup::UnknownKid);
    EXPECT_EQ(two.find(std::nullopt, Algorithm::Es256).outcome, KeyLookup::Ambiguous);
    EXPECT_TRUE(two.find(std::nullopt, Algorithm::Es256).keys().empty());
    const std::string token = ec().sign_compact(R"({"alg":"ES256"})", kClaims).value();
    EXPECT_EQ(verdict(token, one), "accepted");
    EXPECT_EQ(verdict(token, two), "ambiguous_key");
}

TEST(JwkSet, OfOneNameAtMostFourFittingKeysAreTried) {
    const auto named = [](const Signer& key) {
        return R"({"kty":"EC","crv":"P-256","kid":"k","x":")" + member(key, "x") + R"(","y":")" +
               member(key, "y") + "\"}";
    };
    std::vector<std::string> others;
    for (int i = 0; i < 4; ++i)
        others.push_back(named(Signer::generate(Algorithm::Es256).value()));
    const std::string foreign = R"({"kty":"oct","kid":"k","k":"c2VjcmV0"})";
    const std::string token = ec().sign_compact(R"({"alg":"ES256","kid":"k"})", kClaims).value();
    const JwkSet fourth = load(key_set({others[0], foreign, others[1], others[2], ec_jwk("")}));
    EXPECT_EQ(verdict(token, fourth), "accepted");
    const JwkSet fifth = load(key_set({others[0], others[1], others[2], others[3], ec_jwk("")}));
    EXPECT_EQ(fifth.find("k", Algorithm::Es256).count, kMaxKeysTried);
    EXPECT_EQ(verdict(token, fifth), "bad_signature");
}

TEST(JwkSet, EntrasKeysKeepTheirIssuer) {
    const JwkSet set = load(key_set(
        {ec_jwk(R"(,"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0")"), ec().public_jwk()}));
    EXPECT_EQ(set.keys()[0].issuer(), "https://login.microsoftonline.com/{tenantid}/v2.0");
    EXPECT_EQ(set.keys()[1].issuer(), "");
}

TEST(JwkSet, SeveralThreadsVerifyWithOneSnapshot) {
    std::vector<std::string> tokens;
    std::vector<std::string_view> jwks;
    for (const Algorithm algorithm : {Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa}) {
        jwks.push_back(signer(algorithm).public_jwk());
        tokens.push_back(signer(algorithm).sign_compact(signer(algorithm).header(), kClaims).value());
    }
    const JwkSet set = load(key_set({jwks[0], jwks[1], jwks[2]}));
    std::vector<int> wrong(4, 0);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        threads.emplace_back([&, i] {
            for (std::size_t n = 0; n < 60; ++n)
                wrong[i] += testing::judge(tokens[n % 3], set) ? 0 : 1;
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    for (const int count : wrong)
        EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace latchkey::crypto
