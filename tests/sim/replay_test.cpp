// Whole scenarios drawn from one number: a seed replays byte for byte, and whatever the order of turns, what
// MQTT and data-path promise holds.
// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using mqtt::Reason;

/// Everybody publishes to and hears everything; who is cut comes back; the configuration changes meanwhile.
/// Every choice is drawn from the seed.
class Scenario {
  public:
    explicit Scenario(std::uint64_t seed)
        : random_(seed * 7919 + 1),
          world({.shards = static_cast<std::uint32_t>(1 + random_.below(4)),
                 .seed = seed,
                 .publish = {.entries = random_.below(2) == 0 ? 2U : 64U},
                 .forward = {.entries = 2}}) {}

    void run(int acts) {
        for (int i = 0; i < 6; ++i)
            come(i);
        world.settle();
        for (std::size_t i = 0; i < people_.size(); ++i)
            people_[i].client->subscribe("t/+", 2);
        world.settle();
        for (int i = 0; i < acts; ++i)
            act();
        world.frozen.assign(world.frozen.size(), false);
        world.settle();
        for (int i = 0; i < 6; ++i) {
            if (people_[static_cast<std::size_t>(i)].away) come(i);
        }
        world.settle();
    }

    struct Sent {
        std::string payload;
        std::uint16_t packet_id = 0;
        SimClient* by = nullptr;
    };
    struct Person {
        std::vector<SimClient*> connections;
        SimClient* client = nullptr;
        bool away = true;
    };
    /// By topic and QoS; each topic has one publisher.
    std::map<std::pair<std::string, std::uint8_t>, std::vector<Sent>> sent;
    const std::vector<Person>& people() const { return people_; }

  private:
    void come(int index) {
        people_.resize(std::max<std::size_t>(people_.size(), static_cast<std::size_t>(index) + 1));
        Person& person = people_[static_cast<std::size_t>(index)];
        // Two CONNECT packets under way at once may be decoded in either order; then the wrong one wins.
        if (person.client && !person.client->connack && !person.client->closed()) return;
        // What was in flight of the old connection is not sent again: only what was acknowledged counts.
        person.client = &world.client({.client_id = "c" + std::to_string(index),
                                       .clean = false,
                                       .expiry_s = 1000,
                                       .receive_maximum = static_cast<std::uint16_t>(1 + random_.below(20))});
        if (!person.connections.empty()) person.client->continue_ids(*person.connections.back());
        person.connections.push_back(person.client);
        person.away = false;
    }
    void publish(std::size_t index) {
        Person& person = people_[index];
        if (person.away) return;
        const auto qos = static_cast<std::uint8_t>(random_.below(3));
        const std::string topic = "t/" + std::to_string(index);
        std::vector<Sent>& stream = sent[{topic, qos}];
        const std::string payload = std::to_string(qos) + ":" + std::to_string(stream.size());
        const bool retain = random_.below(8) == 0;
        stream.push_back({payload, person.client->publish(topic, payload, qos, retain), person.client});
    }
    void act() {
        const auto who = static_cast<std::size_t>(random_.below(6));
        Person& person = people_[who];
        switch (random_.below(24)) {
            case 0:  // the network fails, or the same client connects again
                if (!person.away && random_.below(2) == 0) person.client->cut();
                person.away = true;
                come(static_cast<int>(who));
                break;
            case 1:
                if (!person.away) person.client->cut();
                person.away = true;
                break;
            case 2:
                if (person.away) come(static_cast<int>(who));
                break;
            case 3:
                world.control->adopt(world.make_epoch(), [] {});
                break;
            case 4: {
                const auto shard = static_cast<std::size_t>(random_.below(world.options.shards));
                world.frozen[shard] = !world.frozen[shard];
                break;
            }
            case 5:
                person.client->read_room = random_.below(2) == 0 ? 5 : ~std::size_t{0};
                break;
            default:
                publish(who);
                break;
        }
        const std::uint64_t steps = random_.below(6);
        for (std::uint64_t i = 0; i < steps; ++i)
            world.step();
    }

    SeededRandom random_;
    std::vector<Person> people_;

  public:
    World world;
};

TEST(Replay, OneSeedReplaysByteForByte) {
    std::set<std::string> traces;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        Scenario first(seed);
        first.run(150);
        Scenario second(seed);
        second.run(150);
        ASSERT_FALSE(first.world.trace.empty());
        EXPECT_EQ(first.world.trace, second.world.trace) << seed;
        traces.insert(first.world.trace);
    }
    EXPECT_EQ(traces.size(), 12U) << "different seeds gave the same run: the seed is not used";
}

/// What one receiver got of one stream, over all its connections, without what was sent again. Sent again
/// means with DUP, and for QoS 2 under the same packet id: only so does a receiver know.
std::vector<std::string> heard(const Scenario::Person& person, const std::string& topic, char qos,
                               bool& twice) {
    std::vector<std::string> out;
    std::map<std::string, std::uint16_t> seen;
    for (const SimClient* connection : person.connections) {
        for (const Received& one : connection->received) {
            if (one.topic != topic || one.payload[0] != qos) continue;
            const auto [first, fresh] = seen.emplace(one.payload, one.packet_id);
            if (fresh) {
                out.push_back(one.payload);
            } else if (!one.dup || (one.qos == 2 && first->second != one.packet_id)) {
                twice = true;
            }
        }
    }
    return out;
}

/// @return how many deliveries were owed
std::size_t check_stream(const Scenario& scenario, const std::string& topic, std::uint8_t qos,
                         const std::vector<Scenario::Sent>& stream, std::uint64_t seed) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < scenario.people().size(); ++i) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " topic " + topic + " qos " + std::to_string(qos) +
                     " receiver c" + std::to_string(i));
        bool twice = false;
        const std::vector<std::string> got =
            heard(scenario.people()[i], topic, static_cast<char>('0' + qos), twice);
        std::size_t last = 0;
        for (const std::string& payload : got) {
            const std::size_t number = std::stoul(payload.substr(2));
            EXPECT_GE(number, last) << "order";
            last = number;
        }
        // No client of this scenario sends a message again, so another copy is the broker's.
        EXPECT_FALSE(twice) << "a message came twice without DUP";
        if (qos == 0) continue;
        const std::set<std::string> have(got.begin(), got.end());
        for (const Scenario::Sent& one : stream) {
            // PUBACK, or PUBCOMP: what was only received, and never released, is owed to nobody.
            const bool owed = one.by->acked(one.packet_id);
            if (!owed) continue;
            ++count;
            EXPECT_TRUE(have.contains(one.payload)) << "lost: " << one.payload;
        }
    }
    return count;
}

TEST(Replay, WhatWasAcknowledgedArrivesInOrderAndQosTwoOnce) {
    std::size_t owed = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Scenario scenario(seed);
        scenario.run(200);
        ASSERT_FALSE(::testing::Test::HasFailure()) << seed;
        for (const auto& [key, stream] : scenario.sent)
            owed += check_stream(scenario, key.first, key.second, stream, seed);
        if (::testing::Test::HasFailure()) return;  // one seed is enough to look at
    }
    EXPECT_GT(owed, 20'000U) << "the scenarios hardly ask anything";
}

}  // namespace
}  // namespace latchkey::sim
