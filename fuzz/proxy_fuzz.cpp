// Fuzzes the PROXY header's parse: however the bytes are cut, the answer is the same, and what is taken is
// there. proxy_test.cpp in src/net replays the corpus through this file.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "net/errors.h"
#include "net/proxy_header.h"

namespace latchkey::net::probe {
namespace {

void promise(bool kept) {
    if (!kept) std::abort();
}

void fuzz_proxy_header(std::span<const std::byte> all) {
    for (std::size_t size = 0; size <= all.size(); ++size) {
        // Exactly these bytes on the heap: one beyond them is a finding.
        const std::vector<std::byte> seen(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
        const auto header = parse_proxy_header(seen);
        if (!header) {
            const Error& error = header.error();
            promise(error.is(kProxyMissing) || error.is(kProxyMalformed) || error.is(kProxyTooLong));
            const auto later = parse_proxy_header(all);
            promise(!later);  // what cannot become a header never does
            return;
        }
        promise(size < kMaxProxyBytes || *header);
        if (!*header) continue;
        promise((*header)->bytes == size && size <= kMaxProxyBytes);  // no earlier, no later
        if ((*header)->source) promise((*header)->source->size == 4 || (*header)->source->size == 16);
        const auto later = parse_proxy_header(all);
        promise(later && *later && (*later)->bytes == size && (*later)->source == (*header)->source);
        return;
    }
}

}  // namespace
}  // namespace latchkey::net::probe

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 1024) return 0;
    latchkey::net::probe::fuzz_proxy_header({reinterpret_cast<const std::byte*>(data), size});
    return 0;
}
