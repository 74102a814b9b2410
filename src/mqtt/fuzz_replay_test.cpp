// Replays the corpora of both fuzzers through the fuzzers' own code.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/fuzz_corpus.h"

#define LLVMFuzzerTestOneInput fuzz_mqtt_decoder
#include "../../fuzz/mqtt_decoder_fuzz.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_mqtt_connection
#include "../../fuzz/mqtt_connection_fuzz.cpp"
#undef LLVMFuzzerTestOneInput

namespace latchkey::mqtt {
namespace {

TEST(MqttCorpus, EveryPacketKeepsTheFuzzersPromises) {
    EXPECT_GE(test::replay_corpus("mqtt_decoder", fuzz_mqtt_decoder), 25U);
}

TEST(MqttCorpus, EverySequenceKeepsTheFuzzersPromises) {
    EXPECT_GE(test::replay_corpus("mqtt_connection", fuzz_mqtt_connection), 12U);
}

}  // namespace
}  // namespace latchkey::mqtt
