// Replays the fuzzer's corpus through the function that the fuzzer calls.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/fuzz_corpus.h"
#include "topic/fuzz_target_for_test.h"

namespace latchkey::topic {
namespace {

TEST(TopicCorpus, ReplaysWithoutContradiction) {
    const std::size_t files = test::for_each_in_corpus(
        "topic", [](std::string_view input) { EXPECT_EQ(testing::contradiction(input), ""); });
    EXPECT_GE(files, 5U);
}

}  // namespace
}  // namespace latchkey::topic
