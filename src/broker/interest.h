// Interest: which shards want a topic at all, and which of them durably. A superset that every publisher asks
// and each shard keeps true for its own filters. One index for the process: readers and writers meet behind a
// mutex, and the route cache keeps readers away from it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/hash.h"
#include "topic/trie.h"

namespace latchkey::broker {

/// Masks of shards: bit i is shard i.
struct Reach {
    std::uint64_t any = 0;
    std::uint64_t durable = 0;
};

/// What a cached route depends on: the counter of the topic's first two levels, and the one for filters with
/// a wildcard there.
struct Generation {
    std::uint32_t local = 0;
    std::uint32_t global = 0;
    friend bool operator==(const Generation&, const Generation&) = default;
};

/// @thread any
class Interest {
  public:
    explicit Interest(const HashSeed& seed) : seed_(seed), filters_(seed) {}

    /// Which counter a topic or a filter without wildcard in its first two levels belongs to.
    std::uint16_t counter_of(std::string_view topic) const noexcept;
    /// Read this BEFORE walk() and keep the values read with the route (data-path 6): a subscription that
    /// comes between the two then makes the route stale instead of being missed.
    Generation generation(std::uint16_t counter) const noexcept {
        return {counters_[counter].load(), global_.load()};
    }
    Reach walk(std::string_view topic);

    /// Sets the two bits of `shard` for `filter`. Moves the generation whenever a bit stands, so also for a
    /// subscription that adds none: the caller has already inserted locally, and nothing that was looked up
    /// earlier may be used for what is published after its SUBACK.
    void set(std::uint32_t shard, std::string_view filter, bool any, bool durable);

  private:
    static constexpr std::size_t kCounters = 4096;

    HashSeed seed_;
    std::array<std::atomic<std::uint32_t>, kCounters> counters_{};
    std::atomic<std::uint32_t> global_{0};
    /// Guards filters_. Not a lane: publishers of every shard read it, and a miss of the route cache is rare.
    std::mutex mutex_;
    topic::Trie<Reach> filters_;
};

}  // namespace latchkey::broker
