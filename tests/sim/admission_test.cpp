// Before login, over a whole broker: floods of connections without a CONNECT, too many from one address, and
// guessed passwords. Whoever behaves gets in beside them. On one shard and on several.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using mqtt::Reason;
using std::chrono::seconds;

class Door : public testing::TestWithParam<std::uint32_t> {
  protected:
    /// A connection that sends `bytes` and then nothing.
    static SimClient& silent(World& world, const std::string& from, std::string_view bytes = {}) {
        SimNet::Connection ends = world.network.connect(*net::parse_address(from, 1000));
        world.clients.push_back(
            std::make_unique<SimClient>("silent", ends.to_client, ends.to_broker, world.trace));
        world.clients.back()->raw(bytes);
        world.acceptor.offer(std::move(ends.broker));
        world.settle();
        return *world.clients.back();
    }
    static broker::Counters counters(World& world) {
        broker::Counters sum;
        for (const auto& shard : world.shards)
            sum += shard->counters();
        return sum;
    }
};

TEST_P(Door, E25FloodWithoutConnectDisplacesItselfAndANewcomerGetsIn) {
    WorldOptions options{.shards = GetParam()};
    options.settings.admission.half_open = 50;
    options.settings.admission.half_open_per_address = 20;
    World world(options);
    SimClient& before = world.online({.client_id = "before"});
    for (int i = 0; i < 200; ++i) {
        silent(world, "203.0.113.7", "\x10");
        if (i % 40 == 0) {
            SimClient& slow = silent(world, "198.51.100.9", "\x10");  // older than most, elsewhere
            world.online({.client_id = "new" + std::to_string(i), .from = "203.0.113.7"});
            EXPECT_FALSE(slow.closed()) << "a flood from one address displaces nobody else";
        }
    }
    EXPECT_LE(world.mesh->admission().half_open(), 20U + 5U);
    EXPECT_GE(counters(world).connections_displaced, 180U);
    before.ping();
    world.settle();
    EXPECT_EQ(before.order.back(), "pingresp");
    // And none of them outlives its time.
    world.advance(options.settings.connect_limit + seconds(3));
    EXPECT_EQ(world.mesh->admission().half_open(), 0U);
}

TEST_P(Door, AddressAtItsLimitIsClosedUnreadAndOthersGetIn) {
    WorldOptions options{.shards = GetParam()};
    options.settings.admission.connections_per_address = 3;
    World world(options);
    for (int i = 0; i < 3; ++i)
        world.online({.client_id = "c" + std::to_string(i), .from = "192.0.2.1"});
    SimClient& fourth = world.client({.client_id = "c3", .from = "192.0.2.1"});
    world.settle();
    EXPECT_FALSE(fourth.connack);
    EXPECT_TRUE(fourth.closed());
    EXPECT_EQ(counters(world).connections_refused, 1U);
    world.online({.client_id = "c4", .from = "192.0.2.2"});
    world.clients[0]->disconnect();
    world.settle();
    world.online({.client_id = "c3", .from = "192.0.2.1"});
}

TEST_P(Door, I01GuessesFromOneAddressAreAnsweredUnseenAndTheUserGetsInFromElsewhere) {
    WorldOptions options{.shards = GetParam()};
    options.settings.login_throttle.refused_logins = 5;
    World world(options);
    for (int i = 0; i < 6; ++i) {
        SimClient& guess =
            world.client({.client_id = "g" + std::to_string(i), .user = "nobody", .from = "192.0.2.1"});
        world.settle();
        EXPECT_EQ(guess.connack, Reason::NotAuthorized) << i;
    }
    // Even the right user of that address waits: nothing was looked at.
    SimClient& blocked = world.client({.client_id = "v5", .from = "192.0.2.1"});
    SimClient& old = world.client({.client_id = "v4", .level = mqtt::Level::V311, .from = "192.0.2.1"});
    world.settle();
    EXPECT_EQ(blocked.connack, Reason::ConnectionRateExceeded);
    ASSERT_TRUE(old.connack);
    EXPECT_TRUE(mqtt::is_error(*old.connack));
    EXPECT_EQ(counters(world).logins_refused, 6U);
    EXPECT_EQ(counters(world).logins_throttled, 2U);
    world.online({.client_id = "elsewhere", .from = "192.0.2.2"});
    world.advance(seconds(2));
    world.online({.client_id = "later", .from = "192.0.2.1"});
}

TEST_P(Door, I02ConnectionsAreCountedUntilTheyAreGoneWhereverTheyMoved) {
    World world({.shards = GetParam()});
    for (int i = 0; i < 20; ++i)
        world.online({.client_id = "c" + std::to_string(i)});
    EXPECT_EQ(world.mesh->admission().connections(), 20U);
    EXPECT_EQ(world.mesh->admission().half_open(), 0U);
    for (const auto& client : world.clients)
        client->cut();
    world.settle();
    world.advance(seconds(3));
    EXPECT_EQ(world.mesh->admission().connections(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Shards, Door, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::sim
