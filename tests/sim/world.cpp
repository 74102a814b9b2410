// See world.h.
// SPDX-License-Identifier: Apache-2.0
#include "sim/world.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "auth/pipeline.h"

namespace latchkey::sim {

namespace {

HashSeed seed_of(std::uint64_t number) {
    HashSeed seed{};
    SeededRandom(number).fill(seed);
    return seed;
}

}  // namespace

World::World(WorldOptions world_options)
    : options(std::move(world_options)),
      schedule(options.seed),
      random(options.seed ^ 0x5eed),
      authorities(seed_of(options.seed)) {
    broker::MeshOptions mesh_options{.shards = options.shards,
                                     .placement_seed = seed_of(7),
                                     .table_seed = seed_of(options.seed + 1),
                                     .own = authorities.broker(),
                                     .publish = options.publish,
                                     .forward = options.forward};
    mesh = std::make_unique<broker::Mesh>(mesh_options);
    peers.resize(options.shards);
    events_.resize(options.shards);
    due_.assign(options.shards, MonoTime{});
    frozen.assign(options.shards, false);
    const broker::EpochRef first = make_epoch();
    for (std::uint32_t i = 0; i < options.shards; ++i) {
        pollers.push_back(std::make_unique<SimPoller>(network, sim_acceptors));
        stores.push_back(std::make_unique<SimStore>());
        shards.push_back(std::make_unique<broker::Shard>(broker::ShardServices{.index = i,
                                                                               .process_epoch = 1,
                                                                               .clock = clock,
                                                                               .random = random,
                                                                               .mesh = *mesh,
                                                                               .store = *stores[i],
                                                                               .poller = *pollers[i],
                                                                               .login_log = login_log,
                                                                               .peers = peers,
                                                                               .acceptors = acceptors},
                                                         first));
        peers[i] = shards[i].get();
    }
    for (auto& shard : shards)
        shard->open_listeners();
    control = std::make_unique<broker::Control>(*mesh, peers);
    settle();
}

World::~World() {
    realm->forget();
}

std::shared_ptr<broker::Epoch> World::make_epoch() {
    auth::PipelineParts parts;
    parts.name = "sim";
    parts.listener = "ALL";
    parts.chain.push_back({"sim", realm, {}});
    parts.authorizers.emplace_back("sim", realm);
    auto pipeline = std::make_shared<auth::Pipeline>(std::move(parts), authorities);
    policy::PolicyBuilder builder;
    std::set<std::string> contributed;
    EXPECT_TRUE(pipeline->contribute(builder, contributed));
    auto policy = builder.build(++policy_version);
    EXPECT_TRUE(policy);
    auto epoch = std::make_shared<broker::Epoch>();
    epoch->number = policy_version;
    epoch->policy = *policy;
    // The pipeline itself stays the same from epoch to epoch unless a test says otherwise.
    if (!shards.empty() && !fresh_pipeline)
        pipeline = std::const_pointer_cast<auth::Pipeline>(peers[0]->epoch()->listeners[0].pipeline);
    epoch->listeners.push_back({"sim", pipeline, {}, options.denied});
    epoch->settings = options.settings;
    epoch->settings.admin_url = "http://127.0.0.1:8080";
    return epoch;
}

bool World::adopt() {
    // Of its own: with a frozen shard the receipt comes after this has returned.
    const auto receipt = std::make_shared<bool>(false);
    control->adopt(make_epoch(), [receipt] { *receipt = true; });
    settle();
    return *receipt;
}

SimClient& World::client(const ConnectSpec& spec, int shard) {
    SimNet::Connection ends = network.connect(*net::parse_address(spec.from, 40000));
    clients.push_back(std::make_unique<SimClient>(spec.client_id, ends.to_client, ends.to_broker, trace));
    SimClient& made = *clients.back();
    made.connect(spec);
    acceptor.offer(std::move(ends.broker));
    if (shard >= 0) {
        while (acceptor.waiting())
            step(static_cast<std::uint32_t>(shard));
    }
    return made;
}

SimClient& World::online(const ConnectSpec& spec) {
    SimClient& made = client(spec);
    settle();
    EXPECT_EQ(made.connack, mqtt::Reason::Success) << spec.client_id;
    return made;
}

bool World::has_work(std::uint32_t shard) {
    if (shards[shard]->finished()) return false;
    return pollers[shard]->anything() || due_[shard] <= clock.now || !shards[shard]->wake_word().sleeping();
}

void World::step(std::uint32_t shard) {
    due_[shard] = net::step(*shards[shard], events_[shard], clock, false);
    // Whoever was notified during its turn takes another one instead of sleeping, as an executor does.
    if (!shards[shard]->wake_word().prepare_sleep()) due_[shard] = clock.now;
}

void World::step() {
    const auto shard = static_cast<std::uint32_t>(schedule.below(options.shards));
    // A sleeping shard gets no turn unless something wakes it: a lost wake-up shows as a message that never
    // comes.
    if (!frozen[shard] && (has_work(shard) || !events_[shard].empty())) step(shard);
    if (schedule.below(2) == 0) pump();
}

void World::pump() {
    for (std::size_t i = 0; i < clients.size(); ++i)
        clients[i]->pump();
}

void World::settle() {
    // Bounded: a world that never comes to rest is a bug worth a failure, not a hang.
    for (int rounds = 0; rounds < 2'000'000; ++rounds) {
        step();
        bool work = false;
        for (const auto& one : clients)
            work = work || one->pump();
        for (std::uint32_t i = 0; i < options.shards; ++i) {
            // A step with nothing to do collects events for the next one: two in a row must be idle.
            work = work || (!frozen[i] && (has_work(i) || !events_[i].empty()));
        }
        if (!work) return;
    }
    FAIL() << "the world does not come to rest, seed " << options.seed;
}

void World::advance(Duration by) {
    const MonoTime end = clock.now + by;
    settle();
    while (clock.now < end) {
        MonoTime next = end;
        for (std::uint32_t i = 0; i < options.shards; ++i) {
            if (!frozen[i] && due_[i] > clock.now) next = std::min(next, due_[i]);
        }
        clock.now = next;
        for (std::uint32_t i = 0; i < options.shards; ++i) {
            if (!frozen[i]) step(i);
        }
        settle();
    }
}

std::string World::name_on(std::uint32_t shard, const std::string& stem) {
    for (int i = 0;; ++i) {
        std::string name = stem + std::to_string(i);
        if (mesh->shard_of(name) == shard) return name;
    }
}

broker::Session* World::session(std::string_view client_id, std::string_view user) {
    const policy::Principal principal{"sim", policy::PrincipalKind::User, std::string(user), 0};
    return shards[mesh->shard_of(client_id)]->sessions().find(broker::session_key(principal, client_id));
}

}  // namespace latchkey::sim
