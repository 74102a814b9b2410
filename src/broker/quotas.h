// Quotas: what all clients together may make the broker keep: sessions in total and of one principal, bytes
// that wait for sessions without a connection, retained messages. One for the process. Sessions are counted
// behind a mutex when they begin and end; the rest are plain sums that may be over their limit by what is
// under way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "policy/authority.h"

namespace latchkey::broker {

class Session;

struct QuotaLimits {
    std::uint32_t sessions = 1'000'000;
    std::uint32_t sessions_per_principal = 250'000;
    std::uint64_t offline_bytes = 1ULL << 30;
    std::uint64_t retained_messages = 1'000'000;
    std::uint64_t retained_bytes = 1ULL << 30;
};

/// Who a session counts for.
std::string quota_key(const policy::Principal& principal);

/// @thread any; functions on a session: its shard
class Quotas {
  public:
    explicit Quotas(const HashSeed& seed) : principals_(0, SeededHash{seed}) {}

    /// Whether a session of `principal` may begin. Logins under way on other shards may go one beyond each.
    /// @param replaces  one of the same key ends for it
    bool may_begin(const std::string& principal, bool replaces, const QuotaLimits& limits);
    /// A session was made: counted until session_ended(), whatever may_begin() said of it.
    void session_began(Session& session, std::string principal);
    void session_ended(Session& session);

    /// What waits for the session now waits for nobody present, or no longer does.
    void session_offline(Session& session);
    void session_online(Session& session);
    void queued_offline(Session& session, std::size_t bytes);
    bool has_room_offline(std::size_t bytes, const QuotaLimits& limits) const noexcept {
        return offline_bytes() + bytes <= limits.offline_bytes;
    }

    /// A topic's retained message became one of another size; 0: none.
    void retained_changed(std::size_t before, std::size_t after) noexcept;
    bool retained_full(std::size_t bytes, const QuotaLimits& limits) const noexcept {
        return retained_messages() >= limits.retained_messages ||
               retained_bytes() + bytes > limits.retained_bytes;
    }

    std::uint64_t offline_bytes() const noexcept { return offline_bytes_.load(std::memory_order_relaxed); }
    std::uint64_t offline_messages() const noexcept {
        return offline_messages_.load(std::memory_order_relaxed);
    }
    std::uint64_t retained_bytes() const noexcept { return retained_bytes_.load(std::memory_order_relaxed); }
    std::uint64_t retained_messages() const noexcept {
        return retained_messages_.load(std::memory_order_relaxed);
    }

  private:
    std::mutex mutex_;  ///< guards the two below; not a lane: every shard counts, at logins only
    std::size_t sessions_ = 0;
    std::unordered_map<std::string, std::uint32_t, SeededHash, std::equal_to<>> principals_;
    std::atomic<std::uint64_t> offline_bytes_{0};
    std::atomic<std::uint64_t> offline_messages_{0};
    std::atomic<std::uint64_t> retained_bytes_{0};
    std::atomic<std::uint64_t> retained_messages_{0};
};

}  // namespace latchkey::broker
