// Replays the corpus of the claims fuzzer through the fuzzer's own function, which aborts on a broken
// promise.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "../../../../fuzz/claims_fuzz.cpp"

namespace {

TEST(ClaimsCorpus, EveryInputKeepsThePromises) {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../../../fuzz/corpus/claims";
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string input{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()),
                  0);
        ++files;
    }
    EXPECT_GE(files, 11U);
}

}  // namespace
