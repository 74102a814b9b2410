// Fuzzes topic names, filters, shares, their algebra and the matching tree against each other.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "topic/fuzz_target_for_test.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string found =
        latchkey::topic::testing::contradiction({reinterpret_cast<const char*>(data), size});
    if (!found.empty()) {
        std::fprintf(stderr, "%s\n", found.c_str());
        std::abort();
    }
    return 0;
}
