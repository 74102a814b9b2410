// Replays the corpus of the broker's fuzzer through the fuzzer's own code.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#define LLVMFuzzerTestOneInput fuzz_broker
#include "../../fuzz/broker_fuzz.cpp"
#undef LLVMFuzzerTestOneInput

namespace latchkey::sim {
namespace {

TEST(BrokerCorpus, WhateverTwoClientsDoToEachOtherAThirdNoticesNothing) {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../fuzz/corpus/broker";
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(in), {});
        SCOPED_TRACE(entry.path().filename().string());
        EXPECT_EQ(fuzz_broker(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), 0);
        ++files;
    }
    EXPECT_GE(files, 10U);
}

}  // namespace
}  // namespace latchkey::sim
