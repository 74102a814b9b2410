// The protocol as a client meets it: exactly once through any number of reconnects, windows, packet ids,
// expiry of messages, sessions and wills, and the limits that either side imposes.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::PacketType;
using mqtt::Reason;
using std::chrono::seconds;

/// What a careful client keeps over its connections, and a network that fails at any moment.
struct Careful {
    Careful(World& the_world, std::string id, SeededRandom& the_dice)
        : world(the_world), dice(the_dice), client_id(std::move(id)) {
        connect(true);
    }
    void connect(bool clean) {
        client = &world.client({.client_id = client_id, .clean = clean, .expiry_s = 600});
        client->auto_ack = false;
        pubrecs = pubcomps = publishes = seen = 0;
        greeted = false;
    }
    void maybe_cut() {
        if (dice.below(25) != 0) return;
        // What is on its way to the broker may be lost too, from any byte on.
        auto& bytes = client->to_broker().bytes;
        if (dice.below(2) == 0) bytes.resize(dice.below(bytes.size() + 1));
        client->cut();
        if (client->connack) established = true;
        connect(!established);
        ++cuts;
    }
    /// @return the CONNACK has just come
    bool greet() {
        if (greeted || !client->connack) return false;
        EXPECT_TRUE(!established || client->session_present);
        return greeted = true;
    }
    World& world;
    SeededRandom& dice;
    std::string client_id;
    SimClient* client = nullptr;
    bool established = false;
    bool greeted = false;
    int cuts = 0;
    std::size_t pubrecs = 0, pubcomps = 0, publishes = 0, seen = 0;  ///< handled on this connection
};

struct ExactlyOncePublisher : Careful {
    using Careful::Careful;
    struct Exchange {
        std::string payload;
        bool released = false;
    };
    std::map<std::uint16_t, Exchange> open;
    int next = 0;

    void go(int total) {
        if (greet()) {
            for (const auto& [id, one] : open)
                send(id, one, true);
        }
        if (!greeted) return maybe_cut();
        for (; pubrecs < client->pubrecs.size(); ++pubrecs) {
            const auto found = open.find(client->pubrecs[pubrecs].first);
            if (found == open.end()) continue;
            found->second.released = true;
            send(found->first, found->second, false);
        }
        for (; pubcomps < client->pubacks.size(); ++pubcomps)
            open.erase(client->pubacks[pubcomps].first);
        if (open.size() < 2 && next < total) {
            std::uint16_t id = 1;
            while (open.contains(id))
                ++id;
            send(id, open[id] = {std::to_string(next++), false}, false);
        }
        maybe_cut();
    }
    void send(std::uint16_t id, const Exchange& one, bool dup) {
        if (one.released) return client->ack(PacketType::Pubrel, id);
        client->publish({.topic = "t", .payload = one.payload, .qos = 2, .dup = dup, .packet_id = id});
    }
};

struct ExactlyOnceReader : Careful {
    using Careful::Careful;
    std::set<std::uint16_t> held;
    Payloads got;
    bool subscribed = false;

    void go() {
        if (greet() && !subscribed) client->subscribe("t", 2);
        if (!greeted) return maybe_cut();
        subscribed = subscribed || !client->subacks.empty();
        for (; seen < client->order.size(); ++seen) {
            const std::string& word = client->order[seen];
            if (word.starts_with("publish ")) {
                const Received& one = client->received[publishes++];
                if (held.insert(one.packet_id).second) got.push_back(one.payload);
                client->ack(PacketType::Pubrec, one.packet_id);
            } else if (word.starts_with("PUBREL ")) {
                std::uint16_t id = 0;
                std::from_chars(word.data() + 7, word.data() + word.size(), id);
                held.erase(id);
                client->ack(PacketType::Pubcomp, id);
            }
        }
        maybe_cut();
    }
};

TEST(SimProtocol, QoS2ArrivesExactlyOnceThroughReconnectsAtAnyStep) {
    int cuts = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        World world({.shards = 2, .seed = seed});
        SeededRandom dice(seed * 7);
        ExactlyOnceReader reader(world, world.name_on(0, "r"), dice);
        while (!reader.subscribed) {
            world.step();
            reader.go();
        }
        reader.established = true;
        ExactlyOncePublisher publisher(world, world.name_on(1, "p"), dice);
        constexpr int kTotal = 12;
        for (int i = 0; i < 20'000 && (reader.got.size() < kTotal || !publisher.open.empty()); ++i) {
            world.step();
            publisher.go(kTotal);
            reader.go();
        }
        Payloads got = reader.got;
        std::ranges::sort(got, {}, [](const std::string& one) { return std::stoi(one); });
        ASSERT_EQ(got.size(), static_cast<std::size_t>(kTotal)) << seed;
        for (int i = 0; i < kTotal; ++i)
            ASSERT_EQ(got[static_cast<std::size_t>(i)], std::to_string(i)) << seed;
        cuts += reader.cuts + publisher.cuts;
    }
    EXPECT_GT(cuts, 100) << "the network was too kind for this test";
}

TEST(SimProtocol, RedeliveryKeepsOrderAndPacketIdsAndSaysDup) {
    World world({.shards = 2, .seed = 2});
    SimClient& first = world.online({.client_id = "r", .expiry_s = 600});
    SimClient& publisher = world.online({.client_id = "p"});
    first.auto_ack = false;
    first.subscribe("t", 2);
    world.settle();
    for (int i = 0; i < 6; ++i) {
        publisher.publish("t", std::to_string(i), static_cast<std::uint8_t>(1 + i % 2));
        world.settle();
    }
    ASSERT_EQ(first.received.size(), 6U);
    first.ack(PacketType::Puback, first.received[0].packet_id);
    first.ack(PacketType::Pubrec, first.received[1].packet_id);
    world.settle();
    first.cut();
    world.settle();
    SimClient& second = world.client({.client_id = "r", .clean = false, .expiry_s = 600});
    second.auto_ack = false;
    world.settle();
    ASSERT_EQ(second.payloads(), (Payloads{"2", "3", "4", "5"}));
    for (std::size_t i = 0; i < second.received.size(); ++i) {
        EXPECT_TRUE(second.received[i].dup);
        EXPECT_EQ(second.received[i].packet_id, first.received[i + 2].packet_id);
        EXPECT_FALSE(first.received[i].dup);
    }
    EXPECT_EQ(second.order[1], "PUBREL " + std::to_string(first.received[1].packet_id) + " 00");
}

TEST(SimProtocol, TheReceiversWindowIsNeverExceeded) {
    for (const std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
        World world({.shards = 2, .seed = 3});
        SimClient& reader = world.online({.client_id = "r", .expiry_s = 600, .receive_maximum = 3});
        SimClient& publisher = world.online({.client_id = "p"});
        reader.auto_ack = false;
        reader.subscribe("t", qos);
        world.settle();
        for (int i = 0; i < 10; ++i)
            publisher.publish("t", std::to_string(i), qos);
        world.settle();
        EXPECT_EQ(reader.received.size(), 3U);
        if (qos == 2) {
            reader.ack(PacketType::Pubrec, reader.received[0].packet_id);
            world.settle();
            EXPECT_EQ(reader.received.size(), 3U) << "only PUBCOMP makes room";
        }
        reader.ack(qos == 1 ? PacketType::Puback : PacketType::Pubcomp, reader.received[0].packet_id);
        world.settle();
        ASSERT_EQ(reader.received.size(), 4U);
        EXPECT_EQ(reader.received[3].payload, "3");
        std::set<std::uint16_t> ids;
        for (std::size_t i = 1; i < 4; ++i)
            ids.insert(reader.received[i].packet_id);
        EXPECT_EQ(ids.size(), 3U);
    }
}

TEST(SimProtocol, AResumedSessionKeepsToTheWindowOfItsNewConnection) {
    World world({.shards = 2, .seed = 4});
    SimClient& first = world.online({.client_id = "r", .expiry_s = 600, .receive_maximum = 5});
    SimClient& publisher = world.online({.client_id = "p"});
    first.auto_ack = false;
    first.subscribe("t", 1);
    world.settle();
    for (int i = 0; i < 8; ++i)
        publisher.publish("t", std::to_string(i), 1);
    world.settle();
    ASSERT_EQ(first.received.size(), 5U);
    first.cut();
    world.settle();
    SimClient& second =
        world.client({.client_id = "r", .clean = false, .expiry_s = 600, .receive_maximum = 2});
    second.auto_ack = false;
    world.settle();
    for (std::size_t i = 0; i < 8; ++i) {
        ASSERT_EQ(second.received.size(), std::min<std::size_t>(i + 2, 8));
        EXPECT_EQ(second.received[i].payload, std::to_string(i));
        second.ack(PacketType::Puback, second.received[i].packet_id);
        world.settle();
    }
}

TEST(SimProtocol, MessageExpiryIsCountedDownWhileItWaits) {
    World world({.shards = 2, .seed = 5});
    SimClient& first = world.online({.client_id = "r", .expiry_s = 600});
    SimClient& publisher = world.online({.client_id = "p"});
    first.subscribe("t", 1);
    world.settle();
    first.cut();
    world.settle();
    publisher.publish({.topic = "t", .payload = "short", .qos = 1, .expiry_s = 10});
    publisher.publish({.topic = "t", .payload = "long", .qos = 1, .expiry_s = 100});
    world.settle();
    world.advance(seconds(30));
    SimClient& second = world.online({.client_id = "r", .clean = false, .expiry_s = 600});
    world.settle();
    ASSERT_EQ(second.payloads(), Payloads{"long"});
    EXPECT_EQ(second.received[0].expiry_s, 70U);
}

TEST(SimProtocol, WhatIsKeptForWhoIsAwayHasTheIdentifiersOfAllItsFilters) {
    for (const bool low_first : {true, false}) {
        World world({.shards = 2});
        SimClient& reader = world.online({.client_id = "r", .clean = false, .expiry_s = 600});
        reader.subscribe(low_first ? "t/#" : "t/+", low_first ? 0 : 1, 0, low_first ? 7 : 8);
        reader.subscribe(low_first ? "t/+" : "t/#", low_first ? 1 : 0, 0, low_first ? 8 : 7);
        reader.subscribe("only/low", 0, 0, 9);
        world.settle();
        reader.cut();
        world.settle();
        SimClient& writer = world.online({.client_id = "w"});
        writer.publish("t/x", "kept", 1);
        writer.publish("only/low", "not kept", 1);
        writer.publish("t/x", "not kept either", 0);
        world.settle();
        SimClient& again = world.online({.client_id = "r", .clean = false, .expiry_s = 600});
        world.settle();
        ASSERT_EQ(again.payloads(), (Payloads{"kept"})) << low_first;
        std::vector<std::uint32_t> ids = again.received[0].ids;
        std::ranges::sort(ids);
        EXPECT_EQ(ids, (std::vector<std::uint32_t>{7, 8})) << low_first;
        EXPECT_EQ(again.received[0].qos, 1);
    }
}

TEST(SimProtocol, NoLocalKeepsAClientsOwnMessagesFromIt) {
    World world({.shards = 2, .seed = 6});
    SimClient& both = world.online({.client_id = "b"});
    both.subscribe("t", 1, 0, 0, true);
    world.settle();
    both.publish("t", "mine", 1);
    world.settle();
    world.online({.client_id = "other"}).publish("t", "yours", 1);
    world.settle();
    EXPECT_EQ(both.payloads(), Payloads{"yours"});
}

TEST(SimProtocol, WhenAWillFires) {
    struct Row {
        std::uint32_t delay_s;
        std::uint32_t session_s;
        int back_after_s;  ///< -1: never
        bool clean;
        int fires_after_s;  ///< -1: never
        std::string_view why;
    };
    for (const Row& row :
         {Row{0, 100, -1, false, 0, "no delay"}, Row{30, 100, -1, false, 30, "after its delay"},
          Row{30, 100, 10, false, -1, "its client came back in time"},
          Row{30, 100, 10, true, 10, "a clean start ended the session"},
          Row{100, 20, -1, false, 20, "the session ended first"},
          Row{30, 0, -1, false, 0, "a session that ends with its connection"}}) {
        World world({.shards = 2, .seed = 7});
        SimClient& watcher = world.online({.client_id = "watch"});
        watcher.subscribe("will", 1);
        const ConnectSpec spec{
            .client_id = "c",
            .expiry_s = row.session_s,
            .will = ConnectSpec::WillSpec{.topic = "will", .payload = "gone", .delay_s = row.delay_s}};
        world.online(spec).cut();
        world.settle();
        for (int second = 0; second <= 120; ++second) {
            if (second == row.back_after_s)
                world.online({.client_id = "c", .clean = row.clean, .expiry_s = row.session_s});
            const bool expected = row.fires_after_s >= 0 && second >= row.fires_after_s;
            EXPECT_EQ(watcher.received.size(), expected ? 1U : 0U) << row.why << ", second " << second;
            world.advance(seconds(1));
        }
    }
}

TEST(SimProtocol, AWillMessageHasItsOwnExpiry) {
    World world({.shards = 2, .seed = 8});
    SimClient& watcher = world.online({.client_id = "watch", .expiry_s = 600});
    watcher.subscribe("will", 1);
    world.settle();
    watcher.cut();
    SimClient& doomed = world.online(
        {.client_id = "c",
         .will = ConnectSpec::WillSpec{.topic = "will", .payload = "gone", .qos = 1, .expiry_s = 20}});
    doomed.cut();
    world.settle();
    world.advance(seconds(5));
    SimClient& early = world.online({.client_id = "watch", .clean = false, .expiry_s = 600});
    world.settle();
    ASSERT_EQ(early.payloads(), Payloads{"gone"});
    EXPECT_EQ(early.received[0].expiry_s, 15U);
}

TEST(SimProtocol, DisconnectWithWillPublishesIt) {
    World world({.shards = 2, .seed = 9});
    SimClient& watcher = world.online({.client_id = "watch"});
    watcher.subscribe("will", 1);
    SimClient& client =
        world.online({.client_id = "c", .will = ConnectSpec::WillSpec{.topic = "will", .payload = "gone"}});
    client.disconnect(Reason::DisconnectWithWill);
    world.settle();
    EXPECT_EQ(watcher.payloads(), Payloads{"gone"});
}

TEST(SimProtocol, ASessionThatNeverExpiresIsThereYearsLater) {
    World world({.shards = 2, .seed = 10});
    world.online({.client_id = "c", .expiry_s = 0xFFFFFFFF}).cut();
    world.settle();
    world.advance(seconds(5LL * 366 * 24 * 3600));
    EXPECT_TRUE(world.online({.client_id = "c", .clean = false}).session_present);
}

TEST(SimProtocol, DisconnectMayChangeTheSessionsExpiry) {
    struct Row {
        std::uint32_t from_s;
        std::uint32_t to_s;
        int wait_s;
        bool there;
    };
    for (const Row& row :
         {Row{100, 10, 9, true}, Row{100, 10, 11, false}, Row{10, 100, 50, true}, Row{100, 0, 0, false}}) {
        World world({.shards = 2, .seed = 11});
        world.online({.client_id = "c", .expiry_s = row.from_s}).disconnect_with_expiry(row.to_s);
        world.settle();
        world.advance(seconds(row.wait_s));
        EXPECT_EQ(world.online({.client_id = "c", .clean = false}).session_present, row.there)
            << row.from_s << " -> " << row.to_s << ", after " << row.wait_s;
    }
}

TEST(SimProtocol, AnExpiryThatWasZeroCannotBeRaisedByDisconnect) {
    World world({.shards = 2, .seed = 12});
    SimClient& client = world.online({.client_id = "c"});
    client.disconnect_with_expiry(100);
    world.settle();
    EXPECT_EQ(client.disconnected, Reason::ProtocolError);
    EXPECT_FALSE(world.online({.client_id = "c", .clean = false}).session_present);
}

TEST(SimProtocol, TheServerMayShortenKeepAliveAndSessionExpiryAndSaysSo) {
    for (const std::uint16_t asked : {std::uint16_t{0}, std::uint16_t{600}, std::uint16_t{10}}) {
        World world(
            {.shards = 2, .seed = 13, .settings = {.max_session_expiry_s = 50, .max_keep_alive_s = 20}});
        SimClient& client = world.online({.client_id = "c", .expiry_s = 600, .keep_alive_s = asked});
        const bool imposed = asked != 10;
        EXPECT_EQ(client.server_keep_alive_s, imposed ? std::optional<std::uint16_t>(20) : std::nullopt);
        EXPECT_EQ(client.session_expiry_s, 50U);
        const int patience_ms = imposed ? 30'000 : 15'000;
        world.advance(std::chrono::milliseconds(patience_ms - 200));
        EXPECT_FALSE(client.disconnected);
        world.advance(std::chrono::milliseconds(400));
        EXPECT_EQ(client.disconnected, Reason::KeepAliveTimeout);
        world.advance(seconds(51));
        EXPECT_FALSE(world.online({.client_id = "c", .clean = false}).session_present);
    }
}

TEST(SimProtocol, WhatIsTooLargeForAReceiverIsDroppedAndCostsNoWindow) {
    for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
        World world({.shards = 2, .seed = 14});
        SimClient& reader =
            world.online({.client_id = "r", .expiry_s = 600, .receive_maximum = 2, .max_packet = 60});
        SimClient& publisher = world.online({.client_id = "p"});
        reader.subscribe("t", qos);
        world.settle();
        for (int i = 0; i < 5; ++i)
            publisher.publish("t", std::string(100, 'x'), qos);
        publisher.publish("t", "small", qos);
        world.settle();
        EXPECT_EQ(reader.payloads(), Payloads{"small"}) << static_cast<int>(qos);
        EXPECT_EQ(world.session("r")->in_window, 0U);
        EXPECT_EQ(world.session("r")->inflight.size(), 0U);
    }
}

}  // namespace
}  // namespace latchkey::sim
