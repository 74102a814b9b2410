// SHA-256 and HMAC against published values; the length prefix against confusion of inputs.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace latchkey::crypto {
namespace {

TEST(Digest, MatchesFips180Examples) {
    EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256("abc")), to_hex(sha256("abc")));
}

TEST(Digest, HmacMatchesRfc4231) {
    const HmacSha256 first(Secret(std::string(20, '\x0b')));
    EXPECT_EQ(to_hex(first.of_raw("Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    const HmacSha256 second(Secret("Jefe"));
    EXPECT_EQ(to_hex(second.of_raw("what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(to_hex(second.of_raw("what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Digest, HmacWithAnEmptyKeyIsNotTheKeyOfAnotherObject) {
    const HmacSha256 other(Secret("Jefe"));
    const HmacSha256 empty{Secret()};
    EXPECT_EQ(to_hex(empty.of_raw("")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Digest, A35_InputsThatConcatenateAlikeDiffer) {
    const HmacSha256 hmac(Secret("key"));
    EXPECT_NE(hmac.of({"a", "b-c"}), hmac.of({"a-b", "c"}));
    EXPECT_NE(hmac.of({"ab"}), hmac.of({"a", "b"}));
    EXPECT_NE(hmac.of({"", "a"}), hmac.of({"a", ""}));
    EXPECT_NE(hmac.of({"a"}), hmac.of({"a", ""}));
    EXPECT_EQ(hmac.of({"a", "b"}), hmac.of({"a", "b"}));
    EXPECT_NE(hmac.of({"a"}), HmacSha256(Secret("yek")).of({"a"}));
}

TEST(Digest, ThreadsShareOneHmac) {
    const HmacSha256 hmac(Secret("key"));
    const Digest256 expected = hmac.of({"x", "y"});
    std::vector<std::thread> threads;
    std::vector<int> wrong(4, 0);
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        threads.emplace_back([&, i] {
            for (int n = 0; n < 500; ++n)
                wrong[i] += hmac.of({"x", "y"}) == expected ? 0 : 1;
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    for (const int count : wrong)
        EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace latchkey::crypto
