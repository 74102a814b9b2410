// Replays the fuzzers' corpora through the function that the fuzzers call.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "config/fuzz_target_for_test.h"

namespace latchkey::config {
namespace {

void replay(const std::string& corpus, const std::string& path) {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../fuzz/corpus" / corpus;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string input{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        EXPECT_EQ(testing::contradiction(input, path), "") << entry.path();
        ++files;
    }
    EXPECT_GE(files, 5U);
}

TEST(ConfigCorpus, EseReplaysWithoutContradiction) {
    replay("ese", "/f/conf/c.xml");
}
TEST(ConfigCorpus, TomlReplaysWithoutContradiction) {
    replay("toml", "/f/conf/c.toml");
}

}  // namespace
}  // namespace latchkey::config
