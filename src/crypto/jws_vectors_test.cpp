// The worked examples of RFC 7515, 7520, 7638 and 8037. Payloads of 7520 and 8037 are not JSON, hence raw
// parts.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "crypto/test_keys.h"

namespace latchkey::crypto {
namespace {

using testing::key_set;
using testing::load;

constexpr std::string_view kJoe =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view kRsaA2 =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
constexpr std::string_view kEcA3 =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr std::string_view kBilboRsa =
    R"({"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"})";
constexpr std::string_view kBilboEc =
    R"({"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"})";
constexpr std::string_view kEd25519 =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr std::string_view kBilboSays =
    ".SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9"
    "hZCwg"
    "YW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0"
    "IG9m"
    "ZiB0by4";

struct Vector {
    std::string_view source;
    Algorithm algorithm;
    std::string_view jwk;
    std::string input;
    std::string_view signature;
};

std::vector<Vector> vectors() {
    return {
        {"RFC 7515 A.2", Algorithm::Rs256, kRsaA2, "eyJhbGciOiJSUzI1NiJ9" + std::string(kJoe),
         "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
         "O8W2Fp5jujGbds9uJdbF9CUA"
         "r7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_"
         "eSN9383LcOLn6_dO-"
         "-xi12jzDwusC-"
         "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
         "IoypGlUPQGe77Rw"},
        {"RFC 7515 A.3", Algorithm::Es256, kEcA3, "eyJhbGciOiJFUzI1NiJ9" + std::string(kJoe),
         "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
        {"RFC 7520 4.1", Algorithm::Rs256, kBilboRsa,
         "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9" + std::string(kBilboSays),
         "MRjdkly7_-"
         "oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDko"
         "BwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_"
         "qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpER"
         "V0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_"
         "fcIe8u9ipH84ogoree"
         "7vjbU5y18kDquDg"},
        {"RFC 7520 4.2", Algorithm::Ps384, kBilboRsa,
         "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9" + std::string(kBilboSays),
         "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-"
         "tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLP"
         "pcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_"
         "ijQ7p8Vdz0TTrxUeT3lm8d9shnr2"
         "lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_"
         "jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4"
         "ifKo8DYM-X72Eaw"},
        {"RFC 7520 4.3", Algorithm::Es512, kBilboEc,
         "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9" + std::string(kBilboSays),
         "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_"
         "u_sDDyYjnAMD"
         "xXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"},
        {"RFC 8037 A.4", Algorithm::EdDsa, kEd25519,
         "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
         "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
    };
}

TEST(JwsVectors, TheExamplesOfTheRfcsVerify) {
    for (const Vector& vector : vectors()) {
        const JwkSet keys = load(key_set({vector.jwk}));
        ASSERT_EQ(keys.usable_count(), 1U) << vector.source << keys.keys()[0].reason();
        const std::string signature = base64url_decode(vector.signature).value();
        EXPECT_TRUE(verify_bytes(vector.algorithm, vector.input, signature, keys.keys()[0])) << vector.source;
        EXPECT_FALSE(verify_bytes(vector.algorithm, vector.input + "A", signature, keys.keys()[0]))
            << vector.source;
        for (const Algorithm other : testing::kAllAsymmetric) {
            if (other == vector.algorithm) continue;
            EXPECT_FALSE(verify_bytes(other, vector.input, signature, keys.keys()[0])) << vector.source;
        }
    }
}

TEST(JwsVectors, TheJsonExamplesVerifyAsWholeTokens) {
    for (const Vector& vector : vectors()) {
        if (!vector.source.starts_with("RFC 7515")) continue;
        const JwkSet keys = load(key_set({vector.jwk}));
        const std::string token = vector.input + "." + std::string(vector.signature);
        const auto parsed = parse_compact(token);
        ASSERT_TRUE(parsed) << vector.source;
        EXPECT_EQ(*parsed->payload.find_string("iss"), "joe");
        EXPECT_EQ(parsed->payload.find("exp")->as_int64(), 1300819380);
        EXPECT_FALSE(parsed->kid);
        EXPECT_FALSE(parsed->typ);
        EXPECT_EQ(testing::verdict(token, keys), "accepted") << vector.source;
    }
}

TEST(JwsVectors, ThumbprintsMatchTheRfcs) {
    // RFC 7638 3.1, RFC 8037 A.3
    constexpr std::string_view kRsa =
        R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})";
    const JwkSet keys = load(key_set({kRsa, kEd25519, kBilboEc}));
    EXPECT_EQ(keys.keys()[0].thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    EXPECT_EQ(keys.keys()[1].thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    EXPECT_EQ(keys.keys()[2].thumbprint(), "dHri3SADZkrush5HU_50AoRhcKFryN-PI6jPBtPL55M");
    EXPECT_EQ(keys.find_thumbprint("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"), &keys.keys()[1]);
    EXPECT_EQ(keys.find_thumbprint("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4l"), nullptr);
}

TEST(JwsVectors, HmacExampleOfRfc7515VerifiesOnlyWithTheLocalSecret) {
    const std::string token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + std::string(kJoe) +
                              ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const Secret key(
        base64url_decode(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .value());
    const auto parsed = parse_compact(token);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->typ, "JWT");
    EXPECT_TRUE(verify_with_secret(*parsed, LocalSecret::make(key, {Algorithm::Hs256}).value()));
    EXPECT_FALSE(verify_with_secret(*parsed, LocalSecret::make(key, {Algorithm::Hs384}).value()));
    EXPECT_FALSE(verify_with_secret(
        *parsed, LocalSecret::make(Secret(std::string(64, 'k')), {Algorithm::Hs256}).value()));
    EXPECT_EQ(testing::verdict(token, testing::issuer_keys(), {Algorithm::Hs256}), "algorithm_refused");
}

}  // namespace
}  // namespace latchkey::crypto
