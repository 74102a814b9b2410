// Replays the corpus of the broker's fuzzer through the fuzzer's own code.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/fuzz_corpus.h"

#define LLVMFuzzerTestOneInput fuzz_broker
#include "../../fuzz/broker_fuzz.cpp"
#undef LLVMFuzzerTestOneInput

namespace latchkey::sim {
namespace {

TEST(BrokerCorpus, WhateverTwoClientsDoToEachOtherAThirdNoticesNothing) {
    EXPECT_GE(test::replay_corpus("broker", fuzz_broker), 10U);
}

}  // namespace
}  // namespace latchkey::sim
