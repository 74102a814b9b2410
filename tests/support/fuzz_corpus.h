// The corpora of the fuzzers as tests: every input that once taught a fuzzer something is tried at each
// build.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace latchkey::test {

/// Calls try_one(std::string_view) with each file of fuzz/corpus/NAME. @return how many there were
template <class F>
std::size_t for_each_in_corpus(std::string_view name, F&& try_one) {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../fuzz/corpus" / name;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(in), {});
        SCOPED_TRACE(entry.path().filename().string());
        try_one(std::string_view(text));
        ++files;
    }
    return files;
}

/// As for_each_in_corpus, through the fuzzer's own function.
inline std::size_t replay_corpus(std::string_view name, int (*target)(const std::uint8_t*, std::size_t)) {
    return for_each_in_corpus(name, [&](std::string_view text) {
        EXPECT_EQ(target(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), 0);
    });
}

}  // namespace latchkey::test
