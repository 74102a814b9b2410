// An independent judge (librhonabwy on GnuTLS): what we sign it verifies and the reverse, for every
// algorithm; and no mutated token ever verifies with us.
// SPDX-License-Identifier: Apache-2.0
extern "C" {
#include <rhonabwy.h>
}
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/test_keys.h"

namespace latchkey::crypto {
namespace {

using testing::kAllAsymmetric;
using testing::kClaims;
using testing::load;
using testing::signer;
using testing::verdict;

constexpr jwa_alg kTheirs[] = {R_JWA_ALG_RS256, R_JWA_ALG_RS384, R_JWA_ALG_RS512, R_JWA_ALG_PS256,
                               R_JWA_ALG_PS384, R_JWA_ALG_PS512, R_JWA_ALG_ES256, R_JWA_ALG_ES384,
                               R_JWA_ALG_ES512, R_JWA_ALG_EDDSA};

class Judge : public ::testing::TestWithParam<Algorithm> {
  protected:
    void SetUp() override {
        static const int ready = r_global_init();
        ASSERT_EQ(ready, RHN_OK);
        ASSERT_EQ(r_jwk_init(&jwk_), RHN_OK);
        ASSERT_EQ(r_jws_init(&jws_), RHN_OK);
    }
    void TearDown() override {
        r_jws_free(jws_);
        r_jwk_free(jwk_);
    }
    const Signer& key() const { return signer(GetParam()); }
    jwk_t* jwk_ = nullptr;
    jws_t* jws_ = nullptr;
};

TEST_P(Judge, VerifiesWhatWeSign) {
    const std::string token = key().sign_compact(key().header(), kClaims).value();
    ASSERT_EQ(r_jwk_import_from_json_str(jwk_, key().public_jwk().c_str()), RHN_OK);
    ASSERT_EQ(r_jws_parse(jws_, token.c_str(), R_FLAG_IGNORE_REMOTE), RHN_OK);
    EXPECT_EQ(r_jws_verify_signature(jws_, jwk_, R_FLAG_IGNORE_REMOTE), RHN_OK);
}

TEST_P(Judge, SignsWhatWeVerify) {
    const std::string pem(key().private_pem().expose());
    ASSERT_EQ(r_jwk_import_from_pem_der(jwk_, R_X509_TYPE_PRIVKEY, R_FORMAT_PEM,
                                        reinterpret_cast<const unsigned char*>(pem.data()), pem.size()),
              RHN_OK);
    // Otherwise the judge names the key by a thumbprint of its own making.
    ASSERT_EQ(r_jwk_set_property_str(jwk_, "kid", key().kid().c_str()), RHN_OK);
    ASSERT_EQ(r_jws_set_alg(jws_, kTheirs[static_cast<std::size_t>(GetParam())]), RHN_OK);
    ASSERT_EQ(r_jws_set_payload(jws_, reinterpret_cast<const unsigned char*>(kClaims.data()), kClaims.size()),
              RHN_OK);
    const JwkSet keys = load(key().jwk_set());
    for (int i = 0; i < 4; ++i) {
        char* const made = r_jws_serialize(jws_, jwk_, R_FLAG_IGNORE_REMOTE);
        ASSERT_NE(made, nullptr);
        const std::string token(made);
        r_free(made);
        EXPECT_EQ(verdict(token, keys, kAsymmetric), "accepted") << token;
    }
}

TEST_P(Judge, NoMutatedTokenVerifies) {
    const std::string token = key().sign_compact(key().header(), kClaims).value();
    const JwkSet keys = load(key().jwk_set());
    ASSERT_EQ(verdict(token, keys, kAsymmetric), "accepted");
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";
    SeededRandom random(20261124 + static_cast<std::uint64_t>(GetParam()));
    for (int i = 0; i < 400; ++i) {
        std::string other = token;
        const std::uint64_t edits = 1 + random.below(3);
        for (std::uint64_t edit = 0; edit < edits; ++edit) {
            const std::size_t at = random.below(other.size());
            const char character = kAlphabet[random.below(kAlphabet.size())];
            switch (random.below(4)) {
                case 0:
                    other.erase(at, 1);
                    break;
                case 1:
                    other.insert(at, 1, character);
                    break;
                case 2:
                    std::swap(other[at], other[random.below(other.size())]);
                    break;
                default:
                    other[at] = character;
                    break;
            }
        }
        if (other == token) continue;
        EXPECT_NE(verdict(other, keys, kAsymmetric), "accepted") << other;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Judge, ::testing::ValuesIn(kAllAsymmetric),
                         [](const auto& row) { return std::string(name_of(row.param)); });

}  // namespace
}  // namespace latchkey::crypto
