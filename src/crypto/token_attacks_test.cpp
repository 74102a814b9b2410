// The attack list on tokens, as far as it concerns form, header and JSON: A1, A2, A11 to A19. Every hostile
// token is correctly signed by the issuer unless the row says otherwise, so that only the rule under test can
// refuse it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/test_keys.h"

namespace latchkey::crypto {
namespace {

using testing::kAllowed;
using testing::kClaims;
using testing::signer;
using testing::verdict;

const Signer& es() {
    return signer(Algorithm::Es256);
}

/// Header with the issuer's ES256 kid and `extra` members (JSON, with a leading comma).
std::string header_with(std::string_view extra) {
    return R"({"alg":"ES256","kid":")" + es().kid() + "\"" + std::string(extra) + "}";
}
std::string token_with_header(std::string_view header) {
    return es().sign_compact(header, kClaims).value();
}
std::string token_with_payload(std::string_view payload) {
    return es().sign_compact(es().header(), payload).value();
}
std::string good() {
    return token_with_payload(kClaims);
}

TEST(TokenAttacks, TheUnharmedTokenIsAccepted) {
    for (const Algorithm algorithm : {Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa}) {
        const Signer& key = signer(algorithm);
        EXPECT_EQ(verdict(key.sign_compact(key.header(), kClaims).value()), "accepted");
    }
    EXPECT_EQ(verdict(token_with_header(header_with(""))), "accepted");
}

TEST(TokenAttacks, A1_NoneInEverySpelling) {
    for (const std::string_view alg :
         {R"("none")", R"("None")", R"("NONE")", R"("nOnE")", R"("")", R"(" ES256")", R"("ES256 ")",
          R"("es256")", R"("ES256\u0000")", "1", R"(["ES256"])", "null", "true", R"({"a":"ES256"})"}) {
        const std::string header = R"({"alg":)" + std::string(alg) + R"(,"kid":")" + es().kid() + "\"}";
        EXPECT_EQ(verdict(token_with_header(header)), "algorithm_refused") << alg;
        // The form an attacker would send: no signature at all.
        const std::string bare = base64url_encode(header) + "." + base64url_encode(kClaims) + ".";
        EXPECT_EQ(verdict(bare), "algorithm_refused") << alg;
    }
    EXPECT_EQ(verdict(token_with_header(R"({"kid":")" + es().kid() + "\"}")), "algorithm_refused");
}

TEST(TokenAttacks, A1_AlgorithmOffTheAllowList) {
    const std::string token = good();
    EXPECT_EQ(verdict(token, testing::issuer_keys(), {Algorithm::Rs256}), "algorithm_refused");
    EXPECT_EQ(verdict(token, testing::issuer_keys(), {}), "algorithm_refused");
}

TEST(TokenAttacks, A2_EmptySignatureOrMissingSegment) {
    const std::string token = good();
    const std::string input = token.substr(0, token.rfind('.'));
    EXPECT_EQ(verdict(input + "."), "not_compact_jws");
    EXPECT_EQ(verdict(input), "not_compact_jws");
    const std::string payload_and_signature = token.substr(token.find('.'));
    EXPECT_EQ(verdict(payload_and_signature), "bad_token_header");
    EXPECT_EQ(verdict(""), "not_compact_jws");
    EXPECT_EQ(verdict(".."), "bad_token_header");
    EXPECT_EQ(verdict(token + "."), "not_compact_jws");
    EXPECT_EQ(verdict("." + token), "not_compact_jws");
}

TEST(TokenAttacks, A11_KidInjection) {
    const std::string long_kid(65536, 'k');
    const std::string over_limit(kMaxKidBytes + 1, 'k');
    const std::string at_limit(kMaxKidBytes, 'k');
    const auto with_kid = [](std::string_view kid) {
        return token_with_header(R"({"alg":"ES256","kid":)" + std::string(kid) + "}");
    };
    for (const std::string_view kid : {R"("../../../../dev/null")", R"("' OR 1=1--")", R"("|id")", R"("")"}) {
        EXPECT_EQ(verdict(with_kid(kid)), "unknown_kid") << kid;
    }
    EXPECT_EQ(verdict(with_kid('"' + at_limit + '"')), "unknown_kid");
    EXPECT_EQ(verdict(with_kid('"' + over_limit + '"')), "bad_token_header");
    EXPECT_EQ(verdict(with_kid('"' + long_kid + '"')), "token_too_large");
    EXPECT_EQ(verdict(with_kid('"' + es().kid() + R"(\u0000")")), "bad_token_header");
    EXPECT_EQ(verdict(with_kid('"' + es().kid() + R"(\u0430")")), "unknown_kid");
    for (const std::string_view kid : {"1", "{}", "[]", "null", "true"}) {
        EXPECT_EQ(verdict(with_kid(kid)), "bad_token_header") << kid;
    }
}

TEST(TokenAttacks, A12_A13_KeysBroughtByTheTokenAreNotUsed) {
    const Signer attacker = Signer::generate(Algorithm::Es256).value();
    const std::string brought[] = {
        R"(,"jwk":)" + attacker.public_jwk(),
        R"(,"jku":"http://169.254.169.254/keys")",
        R"(,"x5u":"https://attacker.example/cert.pem")",
        R"(,"x5c":["MIIB"])",
    };
    for (const std::string& member : brought) {
        const std::string own_kid = R"({"alg":"ES256","kid":")" + attacker.kid() + "\"" + member + "}";
        EXPECT_EQ(verdict(attacker.sign_compact(own_kid, kClaims).value()), "unknown_kid") << member;
        const std::string stolen_kid = header_with(member);
        EXPECT_EQ(verdict(attacker.sign_compact(stolen_kid, kClaims).value()), "bad_signature") << member;
        const std::string no_kid = R"({"alg":"ES256")" + member + "}";
        EXPECT_EQ(verdict(attacker.sign_compact(no_kid, kClaims).value()), "bad_signature") << member;
        EXPECT_EQ(verdict(token_with_header(header_with(member))), "accepted")
            << "ignored, not an error: " << member;
    }
}

TEST(TokenAttacks, A14_AnyCritIsRefused) {
    for (const std::string_view extra :
         {R"(,"crit":["exp"])", R"(,"crit":["unknown"])", R"(,"crit":[])", R"(,"crit":"b64")",
          R"(,"crit":["exp","exp"])", R"(,"crit":null)", R"(,"b64":false,"crit":["b64"])", R"(,"b64":false)",
          R"(,"b64":true)", R"(,"crit":{})"}) {
        EXPECT_EQ(verdict(token_with_header(header_with(extra))), "critical_header") << extra;
    }
    EXPECT_EQ(verdict(token_with_header(header_with(R"(,"crit":["a"],"crit":[])"))), "bad_token_header");
}

TEST(TokenAttacks, A15_TypIsSurfacedAsWritten) {
    for (const std::string_view typ : {"AT+JWT", "application/at+jwt", "logout+jwt", "JWT", ""}) {
        const std::string token = es().sign_compact(es().header(typ), kClaims).value();
        EXPECT_EQ(parse_compact(token).value().typ, typ);
    }
    EXPECT_FALSE(parse_compact(token_with_header(header_with(""))).value().typ);
    for (const std::string_view extra :
         {R"(,"typ":1)", R"(,"typ":null)", R"(,"typ":["at+jwt"])", R"(,"typ":"a\u0000")"}) {
        EXPECT_EQ(verdict(token_with_header(header_with(extra))), "bad_token_header") << extra;
    }
}

TEST(TokenAttacks, A16_EncryptedNestedOrCompressed) {
    const std::string jwe = base64url_encode(R"({"alg":"dir","enc":"A256GCM"})") + "..aXY.Y2lwaGVy.dGFn";
    EXPECT_EQ(verdict(jwe), "encrypted_token");
    const std::string pbes =
        base64url_encode(R"({"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000})");
    EXPECT_EQ(verdict(pbes + ".a.b.c.d"), "encrypted_token");
    for (const std::string_view extra :
         {R"(,"cty":"JWT")", R"(,"cty":"jwt")", R"(,"cty":"application/JWT")", R"(,"zip":"DEF")",
          R"(,"enc":"A128GCM")", R"(,"p2c":1000000000)", R"(,"epk":{})"}) {
        EXPECT_EQ(verdict(token_with_header(header_with(extra))), "encrypted_token") << extra;
    }
    EXPECT_EQ(verdict(token_with_header(header_with(R"(,"cty":1)"))), "bad_token_header");
    EXPECT_EQ(verdict(token_with_payload(good())), "bad_token_payload");
}

TEST(TokenAttacks, A17_AnotherSpellingOfTheSameToken) {
    const std::string token = good();
    const std::size_t first = token.find('.');
    const std::size_t second = token.rfind('.');
    for (const std::size_t end : {first, second, token.size()}) {
        for (const std::string& addition :
             {std::string("="), std::string("=="), std::string(" "), std::string("\n"), std::string("\r\n"),
              std::string("\t"), std::string(1, '\0'), std::string("A")}) {
            std::string other = token;
            other.insert(end, addition);
            EXPECT_NE(verdict(other), "accepted") << end << addition;
        }
    }
    for (const std::string_view addition : {" ", "\n", "\xef\xbb\xbf", "Bearer "}) {
        EXPECT_NE(verdict(std::string(addition) + token), "accepted");
    }
    // 64 bytes take 86 characters: the last one has four unused bits, all other values of them are
    // respellings.
    int respelled = 0;
    for (const char last :
         std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/")) {
        std::string other = token;
        if (other.back() == last) continue;
        other.back() = last;
        EXPECT_NE(verdict(other), "accepted");
        ++respelled;
    }
    EXPECT_EQ(respelled, 65);
    std::string plain_alphabet = token;
    for (char& character : plain_alphabet) {
        if (character == '-') character = '+';
        if (character == '_') character = '/';
    }
    EXPECT_TRUE(plain_alphabet == token || verdict(plain_alphabet) != "accepted");
}

TEST(TokenAttacks, A18_JsonOfTheHeader) {
    const std::string kid = R"("kid":")" + es().kid() + "\"";
    const std::string rows[] = {
        R"({"alg":"ES256","alg":"ES256",)" + kid + "}",
        R"({"alg":"none",)" + kid + R"(,"alg":"ES256"})",
        R"({"alg":"ES256",)" + kid + R"(,"\u0061lg":"none"})",
        R"({"alg":"ES256",)" + kid + "," + kid + "}",
        R"({"alg":"ES256",)" + kid + "}x",
        R"({"alg":"ES256",)" + kid + "}{}",
        "\xef\xbb\xbf"
        R"({"alg":"ES256",)" +
            kid + "}",
        R"({"alg":"ES256",)" + kid + "/**/}",
        R"({"alg":"ES256",)" + kid + ",}",
        R"({'alg':'ES256'})",
        R"([{"alg":"ES256"}])",
        R"("ES256")",
        "",
        "null",
        R"({"alg":"ES256",)" + kid + ",\"x\":\"\xff\"}",
        R"({"alg":"ES256",)" + kid + R"(,"x":"\ud800"})",
        R"({"alg":"ES256",)" + kid + R"(,"x":)" + std::string(1000, '[') + std::string(1000, ']') + "}",
    };
    for (const std::string& header : rows)
        EXPECT_EQ(verdict(token_with_header(header)), "bad_token_header") << header;
}

TEST(TokenAttacks, A18_JsonOfThePayload) {
    const std::string rows[] = {
        R"({"iss":"a","iss":"b"})",
        R"({"aud":"x","\u0061ud":"mqtt-broker"})",
        R"({"exp":1,"exp":9999999999})",
        R"({"a":{"b":1,"b":2}})",
        R"({"iss":"a"}x)",
        "\xef\xbb\xbf{}",
        R"({"iss":"a"/*comment*/})",
        R"(["iss"])",
        R"("iss")",
        "1",
        "",
        R"({"a":)" + std::string(1000, '[') + std::string(1000, ']') + "}",
        "{\"sub\":\"\xc3\x28\"}",
        R"({"sub":"\udc00"})",
        R"({"sub":"admin\u0000"})",
        R"({"roles":["a",["\u0000"]]})",
        R"({"a\u0000":1})",
    };
    for (const std::string& payload : rows) {
        EXPECT_EQ(verdict(token_with_payload(payload)), "bad_token_payload") << payload;
    }
    EXPECT_EQ(verdict(token_with_payload("{}")), "accepted") << "claims are the next layer's";
}

TEST(TokenAttacks, A19_NumbersThatAreNotJson) {
    for (const std::string_view number :
         {"NaN", "Infinity", "-Infinity", "0x10", "+1", "01", "1.", ".5", "1e"}) {
        EXPECT_EQ(verdict(token_with_payload(R"({"exp":)" + std::string(number) + "}")), "bad_token_payload")
            << number;
    }
    const auto parsed =
        parse_compact(token_with_payload(R"({"exp":1e400,"nbf":18446744073709551617,"iat":1.9e9})"));
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(parsed->payload.find("exp")->number()->floor_int64());
    EXPECT_FALSE(parsed->payload.find("nbf")->number()->floor_int64());
    EXPECT_EQ(parsed->payload.find("iat")->number()->floor_int64(), 1900000000);
}

TEST(TokenAttacks, A33_SizeIsCheckedBeforeAnythingElse) {
    const std::string big = token_with_payload(R"({"x":")" + std::string(20000, 'x') + "\"}");
    EXPECT_EQ(verdict(big), "token_too_large");
    EXPECT_TRUE(parse_compact(big, 64 * 1024));
    EXPECT_EQ(verdict(std::string(1000000, 'a')), "token_too_large");
    EXPECT_EQ(verdict(std::string(16 * 1024, '.')), "not_compact_jws");
}

}  // namespace
}  // namespace latchkey::crypto
