// Replays the fuzzer's corpus through the function that the fuzzer calls.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "topic/fuzz_target_for_test.h"

namespace latchkey::topic {
namespace {

TEST(TopicCorpus, ReplaysWithoutContradiction) {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../fuzz/corpus/topic";
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string input{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        EXPECT_EQ(testing::contradiction(input), "") << entry.path();
        ++files;
    }
    EXPECT_GE(files, 5U);
}

}  // namespace
}  // namespace latchkey::topic
