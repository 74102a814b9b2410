// World: a whole broker in one thread. Several shards, a virtual clock, an in-memory network and stores that
// commit when told; which shard turns next is drawn from the seed, so a failing seed is the bug report and
// replays byte for byte.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/line_log.h"
#include "auth/login_log.h"
#include "base/random.h"
#include "broker/control.h"
#include "broker/shard.h"
#include "sim/sim_client.h"
#include "sim/sim_net.h"
#include "sim/sim_realm.h"
#include "sim/sim_store.h"

namespace latchkey::sim {

class SimClock final : public Clock {
  public:
    MonoTime mono() const override { return now; }
    WallTime wall() const override {
        return WallTime(std::chrono::milliseconds(1'700'000'000'000)) +
               std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    }
    MonoTime now{std::chrono::seconds(1000)};
};

struct WorldOptions {
    std::uint32_t shards = 2;
    std::uint64_t seed = 1;
    broker::LaneBounds publish{.entries = 1024};
    broker::LaneBounds forward{.entries = 1024};
    broker::Settings settings{};
    broker::DeniedPublish denied = broker::DeniedPublish::Acknowledge;
};

/// @thread one
class World {
  public:
    explicit World(WorldOptions options = {});
    ~World();

    /// A connection whose CONNECT is already in the pipe; accepted by whichever shard comes first, or by
    /// `shard`.
    SimClient& client(const ConnectSpec& spec, int shard = -1);
    /// As client(), run until the CONNACK is there.
    SimClient& online(const ConnectSpec& spec);

    /// One turn of one shard, then every client reads. @return whether anything may be left to do
    void step();
    void step(std::uint32_t shard);
    /// Until nothing moves at this instant of the virtual clock.
    void settle();
    /// Moves the clock, stopping at every deadline on the way.
    void advance(Duration by);
    /// Pumps every client once.
    void pump();

    /// A client id whose home, or a topic whose owner, is `shard`.
    std::string name_on(std::uint32_t shard, const std::string& stem);
    broker::Session* session(std::string_view client_id, std::string_view user = "u");

    std::shared_ptr<broker::Epoch> make_epoch();
    /// Adopts a new epoch made of the realm's present rules and settles. @return whether the receipt came
    bool adopt();

    WorldOptions options;
    SimClock clock;
    SeededRandom schedule;
    SeededRandom random;
    SimNet network;
    SimAcceptor acceptor{10};
    std::vector<SimAcceptor*> sim_acceptors{&acceptor};
    std::vector<net::Acceptor*> acceptors{&acceptor};
    policy::AuthorityTable authorities;
    std::shared_ptr<SimRealm> realm = std::make_shared<SimRealm>();
    auth::MemoryLineLog access;
    auth::MemoryLineLog audit;
    auth::LoginLog login_log{&access, audit};
    std::unique_ptr<broker::Mesh> mesh;
    std::vector<std::unique_ptr<SimPoller>> pollers;
    std::vector<std::unique_ptr<SimStore>> stores;
    std::vector<broker::Shard*> peers;
    std::vector<std::unique_ptr<broker::Shard>> shards;
    std::unique_ptr<broker::Control> control;
    std::vector<std::unique_ptr<SimClient>> clients;
    std::string trace;
    policy::PolicyVersion policy_version = 0;
    bool fresh_pipeline = false;  ///< the next epochs bring another pipeline, not only another policy
    std::vector<bool> frozen;     ///< shards that get no turns in step() and settle()

  private:
    bool has_work(std::uint32_t shard);
    std::vector<std::vector<net::PollEvent>> events_;
    std::vector<MonoTime> due_;
};

}  // namespace latchkey::sim
