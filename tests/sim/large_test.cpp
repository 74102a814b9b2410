// Large packets and topic aliases: one copy of a large payload from socket to socket, a goodbye of limits,
// and numbers for topics both ways. Each on one shard and on three.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;
using mqtt::Reason;

class Large : public testing::TestWithParam<std::uint32_t> {
  protected:
    World make() {
        broker::Settings settings;
        settings.packets.max_packet_bytes = 16U << 20;
        settings.packets.topic_alias_maximum = 4;
        return World({.shards = GetParam(), .settings = settings});
    }
};
INSTANTIATE_TEST_SUITE_P(Shards, Large, testing::Values(1U, 3U));

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>('a' + i * 7 % 26);
    return text;
}

TEST_P(Large, APacketOfMegabytesArrivesUnchangedAtEveryQosThroughSmallSockets) {
    World world = make();
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
    std::vector<SimClient*> readers;
    for (std::uint8_t qos = 0; qos <= 2; ++qos) {
        readers.push_back(
            &world.online({.client_id = world.name_on(qos % GetParam(), "r" + std::to_string(qos))}));
        readers.back()->subscribe("big", qos);
        readers.back()->to_client().room = 30'000 + qos;
    }
    world.settle();
    const std::string payload = pattern(3'000'000);
    const auto id = publisher.publish("big", payload, 2);
    publisher.publish("big", "small", 2);
    world.settle();
    EXPECT_TRUE(publisher.acked(id));
    for (SimClient* reader : readers)
        EXPECT_TRUE(reader->payloads() == (Payloads{payload, "small"})) << reader->received.size();
}

TEST_P(Large, AcknowledgementsWaitBehindALargePayloadAndAreNotLost) {
    World world = make();
    SimClient& reader = world.online({.client_id = world.name_on(0, "r")});
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
    reader.subscribe("big", 0);
    world.settle();
    reader.to_client().room = 10'000;
    reader.read_room = 0;  // the payload gets stuck on its way
    publisher.publish("big", pattern(2'000'000), 0);
    world.settle();
    const auto id = reader.publish("elsewhere", "x", 1);
    reader.ping();
    reader.read_room = ~std::size_t{0};
    world.settle();
    EXPECT_TRUE(reader.acked(id));
    EXPECT_EQ(reader.received.size(), 1U);
    EXPECT_EQ(reader.order.back(), "pingresp");
}

TEST_P(Large, OneByteOverTheLimitIsRefusedBeforeItIsTaken) {
    World world = make();
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
    SimClient& neighbour = world.online({.client_id = world.name_on(0, "n")});
    // Fixed header of a packet of 16 MiB and one byte: 0x30, then the length in four bytes.
    const std::uint32_t remaining = (16U << 20) - 5 + 1;
    std::string header = "\x30";
    for (std::uint32_t left = remaining, i = 0; i < 4; ++i, left >>= 7)
        header.push_back(static_cast<char>((left & 0x7F) | (i < 3 ? 0x80U : 0U)));
    publisher.raw(header);
    world.settle();
    EXPECT_EQ(publisher.disconnected, Reason::PacketTooLarge);
    EXPECT_TRUE(publisher.closed());
    EXPECT_FALSE(neighbour.closed());
}

TEST_P(Large, AReaderThatLeavesInTheMiddleOfALargePayloadCostsNobodyElse) {
    World world = make();
    SimClient& leaves = world.online({.client_id = world.name_on(0, "l")});
    SimClient& stays = world.online({.client_id = world.name_on(0, "s")});
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
    leaves.subscribe("big", 1);
    stays.subscribe("big", 1);
    world.settle();
    leaves.to_client().room = 1000;
    leaves.read_room = 0;
    const std::string payload = pattern(2'000'000);
    publisher.publish("big", payload, 1);
    world.settle();
    leaves.cut();
    world.settle();
    EXPECT_TRUE(stays.payloads() == (Payloads{payload}));
}

TEST_P(Large, AClientsTopicAliasesAreUnderstoodAndEndWithItsConnection) {
    World world = make();
    SimClient& reader = world.online({.client_id = world.name_on(0, "r")});
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p"), .clean = false, .expiry_s = 60});
    reader.subscribe("#", 1);
    world.settle();
    publisher.publish({.topic = "a/long/topic", .payload = "1", .qos = 1, .alias = {.alias = 4}});
    publisher.publish({.topic = "", .payload = "2", .qos = 1, .alias = {.alias = 4, .known = true}});
    publisher.publish({.topic = "another", .payload = "3", .qos = 1, .alias = {.alias = 4}});
    publisher.publish({.topic = "", .payload = "4", .qos = 1, .alias = {.alias = 4, .known = true}});
    world.settle();
    ASSERT_EQ(reader.payloads(), (Payloads{"1", "2", "3", "4"}));
    EXPECT_EQ(reader.received[1].topic, "a/long/topic");
    EXPECT_EQ(reader.received[3].topic, "another");
    publisher.cut();
    world.settle();
    SimClient& again = world.online({.client_id = publisher.name, .clean = false, .expiry_s = 60});
    EXPECT_TRUE(again.session_present);
    again.publish({.topic = "", .payload = "5", .alias = {.alias = 4, .known = true}});
    world.settle();
    EXPECT_EQ(again.disconnected, Reason::ProtocolError);
    EXPECT_EQ(reader.received.size(), 4U);
}

TEST_P(Large, AnAliasAboveTheAnnouncedMaximumIsRefused) {
    World world = make();
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
    publisher.publish({.topic = "t", .payload = "x", .alias = {.alias = 5}});
    world.settle();
    EXPECT_EQ(publisher.disconnected, Reason::TopicAliasInvalid);
}

TEST_P(Large, TopicAliasesAreUsedTowardsAClientThatTakesThem) {
    World world = make();
    const std::string topic(200, 't');
    SimClient& plain = world.online({.client_id = world.name_on(0, "plain")});
    SimClient& short_one = world.online({.client_id = world.name_on(0, "short"), .topic_aliases = 1});
    SimClient& publisher = world.online({.client_id = world.name_on(0, "p")});
    for (SimClient* one : {&plain, &short_one}) {
        one->subscribe("#", 1);
        one->to_client().room = 777;  // many packets go back before their first byte has left
    }
    world.settle();
    for (int i = 0; i < 50; ++i)
        publisher.publish(topic, std::to_string(i), 1);
    publisher.publish("other", "x", 1);
    world.settle();
    ASSERT_EQ(short_one.payloads(), plain.payloads());
    for (std::size_t i = 0; i < 50; ++i)
        EXPECT_EQ(short_one.received[i].topic, topic);
    EXPECT_EQ(short_one.received[50].topic, "other") << "the one number is taken: the topic is sent";
    EXPECT_LT(short_one.bytes_received, plain.bytes_received / 5);
}

}  // namespace
}  // namespace latchkey::sim
