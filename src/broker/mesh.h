// Mesh: what the shards of one process share. Two lanes for each ordered pair, a mailbox for each shard, the
// interest index, the counters that must be one for the process, and where a key lives. Built before the
// shards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "broker/admission.h"
#include "broker/interest.h"
#include "broker/lane.h"
#include "broker/login_throttle.h"
#include "broker/quotas.h"
#include "net/completion.h"
#include "policy/authority.h"

namespace latchkey::broker {

using ShardIndex = std::uint32_t;

inline constexpr std::uint32_t kMaxShards = 64;  ///< destination masks are 64 bits wide

struct MeshOptions {
    ShardIndex shards = 1;
    HashSeed placement_seed{};         ///< from data/identity: partitions outlive the process
    std::uint32_t partitions = 1024;   ///< likewise
    HashSeed table_seed{};             ///< fresh at each start
    std::uint64_t retained_start = 0;  ///< above every retained number in the logs
    policy::AuthorityRef own;          ///< who the broker is when it publishes itself; null: it does not
    LaneBounds publish;
    LaneBounds forward;
};

/// @thread any; lanes as lane.h says
class Mesh {
  public:
    explicit Mesh(const MeshOptions& options);

    ShardIndex shards() const noexcept { return options_.shards; }
    /// Home of a client id's sessions, owner of a topic's retained message: partition, then shard (data-path
    /// 4).
    ShardIndex shard_of(std::string_view key) const noexcept;
    const HashSeed& table_seed() const noexcept { return options_.table_seed; }

    Lane& publish(ShardIndex from, ShardIndex to) { return *publish_[index(from, to)]; }
    Lane& forward(ShardIndex from, ShardIndex to) { return *forward_[index(from, to)]; }
    Interest& interest() noexcept { return interest_; }
    Admission& admission() noexcept { return admission_; }
    LoginThrottle& login_throttle() noexcept { return login_throttle_; }
    Quotas& quotas() noexcept { return quotas_; }
    const policy::AuthorityRef& own_authority() const noexcept { return options_.own; }

    /// Before any executor starts. Both must outlive the mesh's use.
    void seat(ShardIndex shard, net::Mailbox& mailbox, net::WakeWord& word, net::Poller& poller);
    net::Mailbox& mailbox(ShardIndex shard) { return *seats_[shard].mailbox; }
    /// After a batch of pushes towards `shard`.
    void rouse(ShardIndex shard) { net::rouse(*seats_[shard].word, *seats_[shard].poller); }

    /// Order in which CONNECT packets were decoded, over the whole process (data-path 2).
    std::uint64_t next_connect_seq() noexcept { return connect_seq_.fetch_add(1) + 1; }
    /// Order of retained publishes, over the whole process (data-path 8).
    std::uint64_t next_retained_number() noexcept { return retained_number_.fetch_add(1) + 1; }

  private:
    struct Seat {
        net::Mailbox* mailbox = nullptr;
        net::WakeWord* word = nullptr;
        net::Poller* poller = nullptr;
    };
    std::size_t index(ShardIndex from, ShardIndex to) const noexcept { return from * options_.shards + to; }

    MeshOptions options_;
    Interest interest_;
    Admission admission_;
    LoginThrottle login_throttle_;
    Quotas quotas_;
    std::vector<std::unique_ptr<Lane>> publish_;
    std::vector<std::unique_ptr<Lane>> forward_;
    std::vector<Seat> seats_;
    std::atomic<std::uint64_t> connect_seq_{0};
    std::atomic<std::uint64_t> retained_number_;
};

}  // namespace latchkey::broker
