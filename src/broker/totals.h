// Totals: what one shard, or all of them together, can say of itself in numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "broker/counters.h"
#include "net/executor.h"

namespace latchkey::broker {

/// Turns that took long, since somebody last took these. @thread shard
struct TurnStats {
    Duration longest_wall{};
    Duration longest_cpu{};
    std::uint64_t turns = 0;
    std::uint64_t slow = 0;  ///< more than kSlow of the thread's own time

    static constexpr Duration kSlow = std::chrono::milliseconds(20);

    void add(const net::TurnTime& time) noexcept {
        ++turns;
        longest_wall = std::max(longest_wall, time.wall);
        longest_cpu = std::max(longest_cpu, time.cpu);
        if (time.cpu > kSlow) ++slow;
    }
    TurnStats& operator+=(const TurnStats& other) noexcept {
        longest_wall = std::max(longest_wall, other.longest_wall);
        longest_cpu = std::max(longest_cpu, other.longest_cpu);
        turns += other.turns;
        slow += other.slow;
        return *this;
    }
};

struct Totals {
    Counters counters;
    std::size_t connections = 0;  ///< sockets
    std::size_t sessions = 0;
    std::size_t connected = 0;  ///< sessions with a connection
    std::size_t subscriptions = 0;
    std::size_t shared_subscriptions = 0;
    std::size_t filters = 0;  ///< distinct
    std::size_t retained = 0;
    TurnStats turns;

    Totals& operator+=(const Totals& other) noexcept {
        counters += other.counters;
        connections += other.connections;
        sessions += other.sessions;
        connected += other.connected;
        subscriptions += other.subscriptions;
        shared_subscriptions += other.shared_subscriptions;
        filters += other.filters;
        retained += other.retained;
        turns += other.turns;
        return *this;
    }
};

}  // namespace latchkey::broker
