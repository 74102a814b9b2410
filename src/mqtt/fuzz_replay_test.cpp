// Replays the corpora of both fuzzers through the fuzzers' own code.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#define LLVMFuzzerTestOneInput fuzz_mqtt_decoder
#include "../../fuzz/mqtt_decoder_fuzz.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_mqtt_connection
#include "../../fuzz/mqtt_connection_fuzz.cpp"
#undef LLVMFuzzerTestOneInput

namespace latchkey::mqtt {
namespace {

using Target = int (*)(const std::uint8_t*, std::size_t);

std::size_t replay(const char* corpus, Target target) {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../fuzz/corpus" / corpus;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(in), {});
        SCOPED_TRACE(entry.path().filename().string());
        EXPECT_EQ(target(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), 0);
        ++files;
    }
    return files;
}

TEST(MqttCorpus, EveryPacketKeepsTheFuzzersPromises) {
    EXPECT_GE(replay("mqtt_decoder", fuzz_mqtt_decoder), 25U);
}

TEST(MqttCorpus, EverySequenceKeepsTheFuzzersPromises) {
    EXPECT_GE(replay("mqtt_connection", fuzz_mqtt_connection), 12U);
}

}  // namespace
}  // namespace latchkey::mqtt
