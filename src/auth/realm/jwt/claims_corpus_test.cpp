// Replays the corpus of the claims fuzzer through the fuzzer's own function, which aborts on a broken
// promise.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "../../../../fuzz/claims_fuzz.cpp"
#include "support/fuzz_corpus.h"

namespace {

TEST(ClaimsCorpus, EveryInputKeepsThePromises) {
    EXPECT_GE(latchkey::test::replay_corpus("claims", LLVMFuzzerTestOneInput), 11U);
}

}  // namespace
