// Replays the fuzzers' corpora through the function that the fuzzers call.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "config/fuzz_target_for_test.h"
#include "support/fuzz_corpus.h"

namespace latchkey::config {
namespace {

void replay(const std::string& corpus, const std::string& path) {
    const std::size_t files = test::for_each_in_corpus(
        corpus, [&](std::string_view input) { EXPECT_EQ(testing::contradiction(input, path), ""); });
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
