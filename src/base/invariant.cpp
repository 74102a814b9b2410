// See invariant.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/invariant.h"

#include <atomic>
#include <cstdlib>

#include "base/log.h"

namespace latchkey {
namespace {

std::atomic<std::uint64_t> g_broken{0};
thread_local const void* t_shard = nullptr;

#ifdef NDEBUG
/// Whether this place was not logged yet. A small table of places; when it is full, later ones only count.
bool first_time(const char* file, int line) noexcept {
    static std::atomic<std::uintptr_t> places[64]{};
    const std::uintptr_t place =
        reinterpret_cast<std::uintptr_t>(file) * 131071 + static_cast<std::uintptr_t>(line);
    for (auto& slot : places) {
        std::uintptr_t seen = 0;
        if (slot.compare_exchange_strong(seen, place)) return true;
        if (seen == place) return false;
    }
    return false;
}
#endif

}  // namespace

bool invariant_broken(const char* condition, const char* file, int line) noexcept {
    g_broken.fetch_add(1, std::memory_order_relaxed);
    const auto report = [&] {
        log::event(log::Level::Error, "invariant_broken",
                   {log::field("condition", condition), log::field("file", file), log::field("line", line)});
    };
#ifdef NDEBUG
    if (first_time(file, line)) report();
    return false;
#else
    report();
    log::flush();
    std::abort();
#endif
}

std::uint64_t invariants_broken() noexcept {
    return g_broken.load(std::memory_order_relaxed);
}

const void* current_shard() noexcept {
    return t_shard;
}

ShardScope::ShardScope(const void* shard) noexcept : outer_(t_shard) {
    t_shard = shard;
}
ShardScope::~ShardScope() {
    t_shard = outer_;
}

}  // namespace latchkey
