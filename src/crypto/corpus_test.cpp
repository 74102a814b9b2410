// Replays the corpora of the token and key set fuzzers through the functions that the fuzzers call.
// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "crypto/fuzz_target_for_test.h"
#include "support/fuzz_corpus.h"

namespace latchkey::crypto {
namespace {

void replay(const std::string& corpus, std::size_t at_least, std::string (*contradiction)(std::string_view)) {
    const std::size_t files = test::for_each_in_corpus(
        corpus, [&](std::string_view input) { EXPECT_EQ(contradiction(input), ""); });
    EXPECT_GE(files, at_least);
}

TEST(CryptoCorpus, TokensReplayWithoutContradiction) {
    replay("jws", 20, &testing::token_contradiction);
}
TEST(CryptoCorpus, KeySetsReplayWithoutContradiction) {
    replay("jwk", 19, &testing::key_set_contradiction);
}

TEST(CryptoCorpus, TheTokensOfTheRfcsAreAmongThemAndVerify) {
    int verified = 0;
    for (const std::string name : {"rfc7515_a2", "rfc7515_a3"}) {
        std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "../../fuzz/corpus/jws" / name);
        const std::string token{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        const auto parsed = parse_compact(token);
        ASSERT_TRUE(parsed) << name;
        verified += verify(*parsed, testing::rfc_keys(), kAsymmetric) ? 1 : 0;
    }
    EXPECT_EQ(verified, 2);
}

}  // namespace
}  // namespace latchkey::crypto
