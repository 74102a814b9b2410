// Every kind of packet in every way it can be wrong: the exact code it is told, and a neighbour on the same
// shard that publishes and receives at that very moment in as many turns as without it. Threat cases E-01 to
// E-24.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "conformance/malformed_rows.h"
#include "conformance/wire_client.h"

namespace latchkey::conformance {
namespace {

/// Where the offender lives: a client that talks to itself, and how many turns of its shard that takes.
struct Neighbourhood {
    explicit Neighbourhood(std::uint32_t shards)
        : world({.shards = shards, .seed = 3, .settings = settings()}),
          neighbour(world.online({.client_id = world.name_on(0, "n"), .user = "u"})) {
        neighbour.subscribe("n/t", 1);
        world.settle();
        quiet_turns = round();
        EXPECT_GT(quiet_turns, 0);
    }
    static broker::Settings settings() {
        broker::Settings made;
        made.packets.topic_alias_maximum = 4;
        made.receive_maximum = 3;
        return made;
    }
    /// A message to itself, from PUBLISH to both its arrival and its PUBACK.
    int round() {
        const std::size_t before = neighbour.received.size();
        const std::uint16_t id = neighbour.publish("n/t", "x", 1);
        for (int turns = 0; turns < 100; ++turns) {
            if (neighbour.received.size() > before && neighbour.acked(id)) return turns;
            world.step(0);
            neighbour.pump();
        }
        return -1;
    }
    sim::World world;
    sim::SimClient& neighbour;
    int quiet_turns = 0;
};

void expect_told(const Row& row, const std::string& told) {
    const auto answers = packets_of(told);
    if (row.code == kSilence) {
        EXPECT_EQ(hex(told), "") << row.what;
        return;
    }
    ASSERT_EQ(answers.size(), 1U) << row.what << ": " << hex(told);
    EXPECT_EQ(answers[0].type(), row.when == When::First ? 2U : 14U) << row.what;
    EXPECT_EQ(answers[0].code(), static_cast<unsigned>(row.code)) << row.what;
    // A refusing CONNACK never says that a session is there [MQTT-3.2.2-6].
    if (row.when == When::First) {
        EXPECT_EQ(answers[0].body()[0], '\0') << row.what;
    }
}

void meet(Neighbourhood& street, const Row& row) {
    sim::World& world = street.world;
    WireClient offender(world, 0);
    if (row.when == When::Connected) {
        offender.connect({.client_id = world.name_on(0, "offender"), .level = row.level});
    }
    if (!row.before.empty()) offender.say(row.before);
    offender.take();
    ASSERT_FALSE(offender.closed()) << row.what;
    offender.write(row.bytes + kPing);  // what stands behind it is never looked at
    EXPECT_EQ(street.round(), street.quiet_turns) << row.what << ": the neighbour noticed";
    world.settle();
    EXPECT_TRUE(offender.closed()) << row.what << " was tolerated";
    expect_told(row, offender.take());
}

class Malformed : public testing::TestWithParam<std::uint32_t> {
  protected:
    void meet_all(const std::vector<Row>& rows) {
        Neighbourhood street(GetParam());
        const std::size_t before = street.neighbour.received.size();
        for (const Row& row : rows) {
            meet(street, row);
            if (HasFatalFailure()) return;
        }
        EXPECT_GT(rows.size(), 10U);
        EXPECT_EQ(street.neighbour.received.size(), before + rows.size());
        EXPECT_EQ(street.round(), street.quiet_turns) << "afterwards";
        EXPECT_FALSE(street.neighbour.disconnected);
    }
};

TEST_P(Malformed, FixedHeadersOfEveryType) {
    meet_all(fixed_headers());
}
TEST_P(Malformed, ConnectInEveryWay) {
    meet_all(connects());
}
TEST_P(Malformed, PublishInEveryWay) {
    meet_all(publishes());
}
TEST_P(Malformed, AcknowledgementsInEveryWay) {
    meet_all(acknowledgements());
}
TEST_P(Malformed, SubscribeAndUnsubscribeInEveryWay) {
    meet_all(subscribes());
}
TEST_P(Malformed, PingDisconnectAndAuthInEveryWay) {
    meet_all(rest());
}
TEST_P(Malformed, StringsOfEveryPacketThatAreNotUtf8) {
    meet_all(strings());
}
TEST_P(Malformed, PropertiesOfEveryPacket) {
    meet_all(properties());
}
TEST_P(Malformed, PacketsInTheWrongState) {
    meet_all(states());
}

INSTANTIATE_TEST_SUITE_P(Shards, Malformed, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::conformance
