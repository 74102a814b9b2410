// Keys that sign: PEM round trips and refusal of keys that do not fit.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/signer.h"

#include <gtest/gtest.h>

#include "crypto/certificate.h"
#include "crypto/test_keys.h"

namespace latchkey::crypto {
namespace {

using testing::kAllAsymmetric;
using testing::signer;

TEST(Signer, TheKeySurvivesItsPem) {
    for (const Algorithm algorithm : kAllAsymmetric) {
        const Signer& first = signer(algorithm);
        const Signer again = Signer::from_pem(first.private_pem(), algorithm).value();
        EXPECT_EQ(again.kid(), first.kid());
        EXPECT_EQ(again.public_jwk(), first.public_jwk());
        EXPECT_EQ(again.algorithm(), algorithm);
        const std::string token = again.sign_compact(again.header(), testing::kClaims).value();
        EXPECT_EQ(testing::verdict(token, testing::load(first.jwk_set()), kAsymmetric), "accepted");
    }
}

TEST(Signer, ThePublicJwkHoldsNoPrivateNumber) {
    for (const Algorithm algorithm : kAllAsymmetric) {
        const auto jwk = json::parse(signer(algorithm).public_jwk()).value();
        for (const std::string_view name : {"d", "p", "q", "dp", "dq", "qi", "k"})
            EXPECT_EQ(jwk.find(name), nullptr);
        EXPECT_EQ(*jwk.find_string("kid"), signer(algorithm).kid());
        EXPECT_EQ(*jwk.find_string("alg"), name_of(algorithm));
    }
}

TEST(Signer, FreshKeysDiffer) {
    EXPECT_NE(Signer::generate(Algorithm::Es256).value().kid(),
              Signer::generate(Algorithm::Es256).value().kid());
    EXPECT_NE(Signer::generate(Algorithm::EdDsa).value().kid(),
              Signer::generate(Algorithm::EdDsa).value().kid());
}

TEST(Signer, RefusesKeysThatDoNotFit) {
    const Secret p256 = signer(Algorithm::Es256).private_pem();
    for (const Algorithm algorithm :
         {Algorithm::Es384, Algorithm::Rs256, Algorithm::EdDsa, Algorithm::Hs256}) {
        EXPECT_FALSE(Signer::from_pem(p256, algorithm)) << name_of(algorithm);
    }
    for (const std::string& pem :
         {std::string(), std::string("no pem"), signer(Algorithm::Es256).public_pem(),
          std::string(p256.expose().substr(0, p256.size() / 2))}) {
        EXPECT_FALSE(Signer::from_pem(Secret(pem), Algorithm::Es256));
    }
    EXPECT_FALSE(Signer::generate(Algorithm::Hs256));
}

}  // namespace
}  // namespace latchkey::crypto
