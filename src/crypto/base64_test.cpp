// Strictness and round trips of base64.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/base64.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace latchkey::crypto {
namespace {

TEST(Base64, EncodesTheVectorsOfRfc4648) {
    const struct {
        std::string_view plain, encoded;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
    for (const auto& row : rows) {
        EXPECT_EQ(base64_encode(row.plain), row.encoded);
        EXPECT_EQ(base64_decode(row.encoded).value(), row.plain);
        const std::string_view unpadded = row.encoded.substr(0, row.encoded.find('='));
        EXPECT_EQ(base64url_encode(row.plain), unpadded);
        EXPECT_EQ(base64url_decode(unpadded).value(), row.plain);
    }
    EXPECT_EQ(base64url_encode("\xfb\xff"), "-_8");
    EXPECT_EQ(base64_encode("\xfb\xff"), "+/8=");
}

TEST(Base64, RandomBytesSurviveARoundTrip) {
    SeededRandom random(7);
    for (std::size_t size = 0; size < 200; ++size) {
        std::string bytes(size, '\0');
        random.fill(std::as_writable_bytes(std::span(bytes)));
        EXPECT_EQ(base64url_decode(base64url_encode(bytes)).value(), bytes);
        EXPECT_EQ(base64_decode(base64_encode(bytes)).value(), bytes);
    }
}

TEST(Base64, EveryTextThatDecodesIsTheOneSpellingOfItsBytes) {
    constexpr std::string_view kSome = "AQgw-_+/=. \n\x80";
    for (const char a : kSome) {
        for (const char b : kSome) {
            for (const char c : kSome) {
                for (const std::string& text :
                     {std::string{a, b}, std::string{a, b, c}, std::string{a, b, c, '='}}) {
                    const auto url = base64url_decode(text);
                    EXPECT_TRUE(!url || base64url_encode(*url) == text) << text;
                    const auto plain = base64_decode(text);
                    EXPECT_TRUE(!plain || base64_encode(*plain) == text) << text;
                }
            }
        }
    }
}

TEST(Base64, RefusesWhatIsNotTheUrlForm) {
    const std::string_view rows[] = {"Zg==",  "Zg=", "Z",  "Zm9vY", "Zm 9v",   "Zm9v\n",
                                     " Zm9v", "+/8", "Zh", "Zm9",   "Zm9v.Zg", "Zm9\0"};
    for (const std::string_view row : rows)
        EXPECT_FALSE(base64url_decode(row)) << row;
    EXPECT_FALSE(base64url_decode(std::string_view("Zm9\0", 4)));
}

TEST(Base64, RefusesPlainFormWithoutOrWithForeignPadding) {
    const std::string_view rows[] = {
        "Zg", "Zg=", "Zm8", "Zh==", "Zm9=", "=m9v", "Zg==Zg==", "====", "-_8=", "Zm9v===="};
    for (const std::string_view row : rows)
        EXPECT_FALSE(base64_decode(row)) << row;
}

}  // namespace
}  // namespace latchkey::crypto
