// What one client can make a shard do or keep: answers nobody takes, denials without end, subscriptions by
// the packetful, unreleased messages. Each has a bound, and whoever behaves is served on.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using mqtt::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t lines_with(const World& world, std::string_view text) {
    const auto lines = world.audit.lines();
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.find(text) != std::string::npos; }));
}

broker::Client* client_of(World& world, std::string_view client_id, std::string_view user = "u") {
    broker::Session* session = world.session(client_id, user);
    return session ? world.shards[world.mesh->shard_of(client_id)]->find_client(session->connection)
                   : nullptr;
}

std::uint64_t denied_publishes(World& world) {
    std::uint64_t count = 0;
    for (const auto& shard : world.shards)
        count += shard->counters().publishes_denied;
    return count;
}

std::string pings(std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out.append("\xC0\x00", 2);
    return out;
}

TEST(Flood, WhoSendsAndDoesNotReadIsReadNoFurther) {
    WorldOptions options;
    options.settings.max_owed_bytes = 4096;
    World world(options);
    SimClient& flooder = world.online({.client_id = "flooder"});
    flooder.read_room = 0;
    flooder.to_client().room = 512;
    flooder.raw(pings(50'000));
    world.settle();
    broker::Client* client = client_of(world, "flooder");
    ASSERT_NE(client, nullptr);
    EXPECT_LE(client->control.size() + client->leftover.bytes.size(), 4096U + 512U);

    // Nobody else is held up.
    SimClient& other = world.online({.client_id = "other"});
    other.ping();
    world.settle();
    EXPECT_EQ(std::ranges::count(other.order, "pingresp"), 1);

    // And once it reads, every answer comes.
    flooder.read_room = ~std::size_t{0};
    world.settle();
    EXPECT_EQ(std::ranges::count(flooder.order, "pingresp"), 50'000);
    EXPECT_FALSE(flooder.disconnected);
}

TEST(Flood, WhoNeverReadsLosesItsConnectionByKeepAlive) {
    WorldOptions options;
    options.settings.max_owed_bytes = 4096;
    World world(options);
    SimClient& flooder = world.online({.client_id = "flooder", .keep_alive_s = 10});
    flooder.read_room = 0;
    flooder.to_client().room = 512;
    flooder.raw(pings(50'000));
    world.advance(seconds(20));
    EXPECT_EQ(client_of(world, "flooder"), nullptr);
}

TEST(Flood, DenialsAreToldUpToARateAndThenCounted) {
    World world;
    world.realm->users["nobody"] = {.roles = {}};
    SimClient& noisy = world.online({.client_id = "noisy", .user = "nobody"});
    const auto burst = static_cast<std::size_t>(broker::Rights::kClientLines.burst);
    for (std::size_t i = 0; i < burst + 500; ++i)
        noisy.publish("t", "x");
    world.settle();
    EXPECT_EQ(denied_publishes(world), burst + 500);
    EXPECT_EQ(lines_with(world, "\"event\":\"denied\""), burst);

    // Another client's denial has its line, and says how many had none.
    world.realm->users["other"] = {.roles = {}};
    SimClient& quiet =
        world.online({.client_id = world.name_on(world.mesh->shard_of("noisy"), "quiet"), .user = "other"});
    quiet.publish("t", "x");
    world.settle();
    EXPECT_EQ(lines_with(world, "\"event\":\"denied\""), burst + 1);
    EXPECT_EQ(lines_with(world, "\"event\":\"denials_not_told\",\"detail\":\"500\""), 1U);

    world.advance(seconds(1));
    noisy.publish("t", "later");
    world.settle();
    EXPECT_EQ(lines_with(world, "\"event\":\"denied\""), burst + 2);
}

TEST(Flood, OneSubscribeCostsABoundedNumberOfDenials) {
    World world;
    world.realm->users["nobody"] = {.roles = {}};
    SimClient& greedy = world.online({.client_id = "greedy", .user = "nobody"});
    std::string body("\x00\x07\x00", 3);  // packet id 7, no properties
    for (int i = 0; i < 3'000; ++i)
        body.append("\x00\x01t\x00", 4);
    std::string packet("\x82", 1);
    packet.push_back(static_cast<char>((body.size() & 0x7F) | 0x80));
    packet.push_back(static_cast<char>(body.size() >> 7));
    greedy.raw(packet + body);
    world.settle();
    ASSERT_EQ(greedy.subacks.size(), 1U);
    const auto& reasons = greedy.subacks[0].second;
    ASSERT_EQ(reasons.size(), 3'000U);
    EXPECT_EQ(std::ranges::count(reasons, Reason::NotAuthorized), 100);
    EXPECT_EQ(std::ranges::count(reasons, Reason::QuotaExceeded), 2'900);
}

TEST(Flood, RetainedPagesAreAskedForAFewAtATimeAndAllCome) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        World world({.shards = 2, .seed = seed});
        const std::string id = world.name_on(0, "reader");
        SimClient& writer = world.online({.client_id = "writer"});
        std::vector<std::string> topics;
        for (int i = 0; i < 60; ++i)
            topics.push_back(world.name_on(1, "t/" + std::to_string(i) + "/"));
        for (const std::string& topic : topics)
            writer.publish(topic, topic, 0, true);
        world.settle();
        SimClient& reader = world.online({.client_id = id});
        world.frozen[1] = true;
        for (const std::string& topic : topics)
            reader.subscribe(topic);
        for (int again = 0; again < 200; ++again)
            reader.subscribe(topics[0]);
        world.settle();
        EXPECT_LE(world.session(id)->pages_asked, 8U);
        world.frozen[1] = false;
        world.settle();
        EXPECT_EQ(world.session(id)->pages_asked, 0U);
        std::vector<std::string> got = reader.payloads();
        std::ranges::sort(got);
        const auto rest = std::ranges::unique(got);
        got.erase(rest.begin(), rest.end());
        std::ranges::sort(topics);
        EXPECT_EQ(got, topics) << seed;
    }
}

TEST(Flood, UnreleasedMessagesAreBoundedByTheirBytes) {
    WorldOptions options;
    options.settings.max_queued_bytes = 2'000;
    World world(options);
    SimClient& hoarder = world.online({.client_id = "hoarder"});
    hoarder.auto_ack = false;
    const std::string payload(900, 'x');
    hoarder.publish("t", payload, 2);
    world.settle();
    EXPECT_FALSE(hoarder.disconnected);
    hoarder.publish("t", payload, 2);
    hoarder.publish("t", payload, 2);
    world.settle();
    EXPECT_EQ(hoarder.disconnected, Reason::QuotaExceeded);
}

TEST(Flood, LongTopicsAreDecidedForEachPublisher) {
    World world;
    const std::string topic = "long/" + std::string(5'000, 'x');
    world.realm->allow("long", topic);
    world.realm->users["may"] = {.roles = {"long"}};
    world.realm->users["not"] = {.roles = {}};
    ASSERT_TRUE(world.adopt());
    SimClient& listener = world.online({.client_id = "listener"});
    listener.subscribe("#", 1);
    // On one shard, so that they meet in its cache.
    SimClient& may = world.online({.client_id = world.name_on(0, "may"), .user = "may"});
    SimClient& not_allowed = world.online({.client_id = world.name_on(0, "not"), .user = "not"});
    for (int i = 0; i < 3; ++i) {
        may.publish(topic, "good", 1);
        world.settle();
        not_allowed.publish(topic, "bad", 1);
        world.settle();
    }
    EXPECT_EQ(listener.payloads(), (std::vector<std::string>{"good", "good", "good"}));
}

TEST(Flood, WhoLeavesBeforeAHeldRefusalIsLoggedAsRefused) {
    World world;
    world.realm->hides = true;
    world.fresh_pipeline = true;
    ASSERT_TRUE(world.adopt());
    SimClient& guesser = world.client({.client_id = "guesser", .user = "unknown"});
    world.settle();
    EXPECT_FALSE(guesser.connack);
    EXPECT_EQ(lines_with(world, "login_refused"), 0U);
    guesser.to_broker().broken = true;
    guesser.cut();
    world.settle();
    world.advance(milliseconds(200));
    EXPECT_EQ(lines_with(world, "\"event\":\"login_refused\""), 1U);
    EXPECT_EQ(lines_with(world, "unknown_user"), 1U);
}

}  // namespace
}  // namespace latchkey::sim
