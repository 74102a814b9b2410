// Broker: the parts of a running broker put together for production: mesh, one store and one executor thread
// per shard, control. The simulator puts the same parts together on one thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "broker/control.h"
#include "broker/shard.h"
#include "broker/totals.h"
#include "net/epoll_poller.h"
#include "net/executor.h"

namespace latchkey::broker {

struct BrokerOptions {
    MeshOptions mesh;
    std::uint32_t process_epoch = 0;        ///< from data/identity, grows with each start
    std::vector<net::Acceptor*> acceptors;  ///< index = listener; outlive the broker
};

/// What became of a denial that somebody asks about by its id.
struct DenialReport {
    std::string text;  ///< for people, several lines
    std::string json;
};

/// @thread control, except where said
class Broker {
  public:
    /// @error net::kPollFailed
    static Result<std::unique_ptr<Broker>> create(const BrokerOptions& options, EpochRef first,
                                                  const Clock& clock, auth::LoginLog& login_log);
    /// Shuts down if that was not asked for, and joins.
    ~Broker();

    /// Every shard opens its listeners and runs. Returns once all of them accept.
    void start();
    /// As Control. @thread any
    Control& control() noexcept { return *control_; }
    /// Returns when every shard has finished.
    void join();

    /// Asks the shard that made a decision. BLOCKS up to `limit`; nothing when it is unknown or forgotten.
    /// @thread any but a shard
    std::optional<DenialReport> find_denial(policy::DecisionId id, Duration limit);
    /// The newest denials of all shards, as JSON objects. BLOCKS up to `limit`. @thread any but a shard
    std::vector<std::string> recent_denials(std::size_t count, Duration limit);
    /// Sums over all shards; their longest turns begin anew. BLOCKS up to `limit`. @thread any but a shard
    Totals totals(Duration limit);
    /// What the whole process keeps. @thread any
    const Quotas& quotas() const noexcept { return mesh_->quotas(); }
    const Admission& admission() const noexcept { return mesh_->admission(); }

  private:
    Broker() = default;
    /// Runs `ask` on each shard and waits; false when `limit` passed first.
    bool ask_all(std::function<void(Shard&)> ask, Duration limit);

    SystemRandom random_;
    std::vector<net::Acceptor*> acceptors_;
    std::unique_ptr<Mesh> mesh_;
    std::vector<std::unique_ptr<net::EpollPoller>> pollers_;
    std::vector<std::unique_ptr<store::Store>> stores_;
    std::vector<Shard*> peers_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<Control> control_;
    std::vector<std::unique_ptr<net::Executor>> executors_;
};

}  // namespace latchkey::broker
