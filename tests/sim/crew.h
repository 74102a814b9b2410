// Crew: a broker with users, members of a shared group on its shards, and publishers, for the tests of shared
// subscriptions. Every second seed has lanes so small that pushes wait.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {

inline constexpr std::array<std::uint8_t, 3> kAnyQos{0, 1, 2};
inline constexpr std::array<std::uint8_t, 2> kAcknowledgedQos{1, 2};
inline constexpr std::array<std::uint8_t, 2> kLowQos{0, 1};
inline const std::string kShare = "$share/g/t/#";

inline std::vector<std::string> numbered(int from, int to) {
    std::vector<std::string> out;
    for (int i = from; i < to; ++i)
        out.push_back(std::to_string(i));
    return out;
}

/// A broker where user "u" may everything, and "s" what the test says; both in groups too.
struct Crew {
    Crew(std::uint32_t shards, std::uint64_t seed, broker::Settings settings = {})
        : world({.shards = shards,
                 .seed = seed,
                 .publish = {.entries = seed % 2 == 0 ? 4U : 1024U},
                 .forward = {.entries = seed % 2 == 0 ? 2U : 1024U},
                 .settings = settings}) {
        world.realm->users["s"] = {.roles = {"some"}};
        grant("#");
    }
    /// What user "s" may, from now on.
    void grant(const std::string& filter) {
        world.realm->rules.clear();
        world.realm->allow_shared("all", "#");
        if (!filter.empty()) world.realm->allow_shared("some", filter);
        EXPECT_TRUE(world.adopt());
    }
    std::string name(std::uint32_t n) {
        return world.name_on(n % world.options.shards, "m" + std::to_string(n) + "-");
    }
    /// The `n`th member; they stand on all shards.
    SimClient& member(std::uint32_t n, std::uint8_t qos = 1, ConnectSpec spec = {}) {
        SimClient& made = connect(n, std::move(spec));
        subscribe(made, kShare, qos);
        return made;
    }
    SimClient& connect(std::uint32_t n, ConnectSpec spec = {}) {
        spec.client_id = name(n);
        return world.online(spec);
    }
    void subscribe(SimClient& who, const std::string& filter, std::uint8_t qos = 1, std::uint32_t id = 0) {
        const auto packet = who.subscribe(filter, qos, 0, id);
        world.settle();
        ASSERT_FALSE(who.subacks.empty());
        EXPECT_EQ(who.subacks.back().first, packet);
        EXPECT_EQ(who.subacks.back().second, std::vector<mqtt::Reason>{static_cast<mqtt::Reason>(qos)});
    }
    SimClient& publisher(std::uint32_t n = 1) {
        return world.online({.client_id = world.name_on(n % world.options.shards, "p")});
    }
    void say(SimClient& who, int from, int to, std::uint8_t qos = 1) {
        for (int i = from; i < to; ++i)
            who.publish("t/x", std::to_string(i), qos);
    }
    /// As say(), with turns of some shards between the messages.
    void say_slowly(SimClient& who, int from, int to, std::uint8_t qos = 1) {
        for (int i = from; i < to; ++i) {
            who.publish("t/x", std::to_string(i), qos);
            steps();
        }
    }
    void steps() {
        const std::uint64_t count = world.schedule.below(6);
        for (std::uint64_t i = 0; i < count; ++i)
            world.step();
    }
    std::uint64_t dropped() {
        std::uint64_t sum = 0;
        for (const auto& shard : world.shards)
            sum += shard->counters().deliveries_dropped;
        return sum;
    }
    bool no_groups() {
        return std::ranges::all_of(world.shards, [](const auto& shard) { return shard->groups().empty(); });
    }
    broker::Session* session(const SimClient& who, const char* user = "u") {
        return world.session(who.name, user);
    }
    World world;
};

/// Runs a case on one shard and on three.
inline void everywhere(std::uint64_t seeds, const std::function<void(std::uint32_t, std::uint64_t)>& one) {
    for (const std::uint32_t shards : {1U, 3U}) {
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            SCOPED_TRACE(testing::Message() << shards << " shards, seed " << seed);
            one(shards, seed);
            if (testing::Test::HasFailure()) return;
        }
    }
}

/// How often each payload came, over several clients.
inline std::map<std::string, int> count(std::initializer_list<const SimClient*> clients) {
    std::map<std::string, int> times;
    for (const SimClient* one : clients) {
        for (const Received& message : one->received)
            ++times[message.payload];
    }
    return times;
}

inline void expect_each_once(const std::map<std::string, int>& times, int from, int to) {
    EXPECT_EQ(times.size(), static_cast<std::size_t>(to - from));
    for (const std::string& payload : numbered(from, to)) {
        const auto found = times.find(payload);
        EXPECT_EQ(found == times.end() ? 0 : found->second, 1) << payload;
    }
}

}  // namespace latchkey::sim
