// Commit and acknowledge: with a store that commits late, nothing that depends on a record leaves before its
// gate, and nothing of one publisher overtakes. The rules of data-path 9.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;

void late(World& world, bool value = true) {
    for (auto& store : world.stores)
        store->late = value;
}

void commit(World& world) {
    for (std::uint32_t i = 0; i < world.options.shards; ++i)
        world.stores[i]->commit(world.mesh->mailbox(i));
    world.settle();
}

std::size_t records(const SimStore& store, store::RecordKind kind) {
    return static_cast<std::size_t>(std::ranges::count(store.kinds, kind));
}

TEST(SimCommit, NoAcknowledgementLeavesBeforeItsGate) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 3, .seed = seed});
        late(world);
        SimClient& client = world.client({.client_id = world.name_on(1, "c"), .expiry_s = 60});
        const auto expect_only_after_commit = [&](std::string_view what) {
            world.settle();
            const std::size_t before = client.order.size();
            commit(world);
            ASSERT_GT(client.order.size(), before) << what << " must come with the commit";
            EXPECT_TRUE(client.order[before].starts_with(what)) << client.order[before];
            client.order.resize(before + 1);
            for (std::size_t i = 0; i < before; ++i)
                EXPECT_FALSE(client.order[i].starts_with(what)) << what << " came before its gate";
        };
        expect_only_after_commit("connack");
        client.subscribe("t", 1);
        expect_only_after_commit("suback 1");
        client.publish("retained", "x", 1, true);
        expect_only_after_commit("PUBACK 2");
        client.publish("elsewhere", "x", 2);
        expect_only_after_commit("PUBREC 3");
        expect_only_after_commit("PUBCOMP 3");
        client.unsubscribe("t");
        expect_only_after_commit("suback 4");
    }
}

TEST(SimCommit, NothingIsSentBeforeTheConnackIsCommitted) {
    World world({.shards = 2, .seed = 2});
    SimClient& first = world.online({.client_id = world.name_on(0, "c"), .expiry_s = 60});
    first.subscribe("t", 1);
    world.settle();
    first.cut();
    world.settle();
    SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
    publisher.publish("t", "waiting", 1);
    world.settle();
    world.stores[0]->late = true;
    SimClient& second = world.client({.client_id = world.name_on(0, "c"), .clean = false, .expiry_s = 60});
    world.settle();
    publisher.publish("t", "live", 0);
    world.settle();
    EXPECT_TRUE(second.order.empty());
    commit(world);
    ASSERT_EQ(second.order.size(), 3U);
    EXPECT_EQ(second.order[0], "connack 00 present");
    EXPECT_EQ(second.payloads(), (Payloads{"waiting", "live"}));
}

TEST(SimCommit, WhoIsTakenOverBeforeItsConnackIsClosedWithoutAWord) {
    World world({.shards = 2, .seed = 3});
    late(world);
    SimClient& first = world.client({.client_id = "c", .expiry_s = 60});
    world.settle();
    SimClient& second = world.client({.client_id = "c", .clean = false, .expiry_s = 60});
    world.settle();
    EXPECT_TRUE(first.order.empty());
    EXPECT_TRUE(first.closed());
    commit(world);
    EXPECT_EQ(second.connack, mqtt::Reason::Success);
}

TEST(SimCommit, QoS0IsNotGated) {
    World world({.shards = 2, .seed = 4});
    SimClient& reader = world.online({.client_id = world.name_on(0, "r"), .expiry_s = 60});
    SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
    reader.subscribe("t", 2);
    world.settle();
    late(world);
    publisher.publish("t", "one", 1);
    publisher.publish("t", "zero", 0);
    world.settle();
    EXPECT_EQ(reader.payloads(), Payloads{"zero"});
    world.stores[1]->late = false;
    publisher.publish("t", "two", 2);  // its packet id towards the reader waits for the reader's store
    world.settle();
    publisher.publish("t", "zero again", 0);
    world.settle();
    EXPECT_EQ(reader.payloads(), (Payloads{"zero", "one", "zero again"}));
    commit(world);
    EXPECT_EQ(reader.payloads(), (Payloads{"zero", "one", "zero again", "two"}));
}

TEST(SimCommit, MessagesEnterLanesPastTheirOwnCommitInTheOrderOfTheirRecords) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& reader = world.online({.client_id = world.name_on(0, "r"), .expiry_s = 60});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        reader.subscribe("t", 1);
        world.settle();
        SimStore& store = *world.stores[1];
        store.late = true;
        const store::Lsn before = store.last();
        for (const char* payload : {"a", "b", "c"})
            publisher.publish("t", payload, 1);
        world.settle();
        EXPECT_TRUE(reader.received.empty());
        ASSERT_EQ(store.last(), before + 3);
        store.commit(world.mesh->mailbox(1), before + 1);
        world.settle();
        EXPECT_EQ(reader.payloads(), (Payloads{"a"})) << seed;
        EXPECT_EQ(publisher.pubacks.size(), 1U);
        store.commit(world.mesh->mailbox(1));
        world.settle();
        EXPECT_EQ(reader.payloads(), (Payloads{"a", "b", "c"})) << seed;
        EXPECT_EQ(publisher.pubacks.size(), 3U);
    }
}

TEST(SimCommit, AQoS1MessageDoesNotOvertakeAnEarlierReleaseOfItsPublisher) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& reader = world.online({.client_id = world.name_on(0, "r")});  // nobody durable: no record
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        reader.subscribe("t", 2);
        world.settle();
        publisher.auto_ack = false;
        const auto id = publisher.publish("t", "two", 2);
        world.settle();
        world.stores[1]->late = true;
        publisher.ack(mqtt::PacketType::Pubrel, id);
        const auto one = publisher.publish("t", "one", 1);
        world.settle();
        EXPECT_TRUE(reader.received.empty()) << seed;
        EXPECT_FALSE(publisher.acked(one));
        commit(world);
        EXPECT_EQ(reader.payloads(), (Payloads{"two", "one"})) << seed;
    }
}

TEST(SimCommit, ADenialDoesNotOvertakeTheAcknowledgementBeforeIt) {
    World world({.shards = 1, .seed = 5});
    world.realm->rules.clear();
    world.realm->allow("all", "t/#");
    world.adopt();
    SimClient& publisher = world.online({.client_id = "p"});
    late(world);
    const auto granted = publisher.publish("t/kept", "x", 1, true);
    const auto denied = publisher.publish("elsewhere", "x", 1);
    world.settle();
    EXPECT_TRUE(publisher.pubacks.empty());
    commit(world);
    ASSERT_EQ(publisher.pubacks.size(), 2U);
    EXPECT_EQ(publisher.pubacks[0], (std::pair{granted, mqtt::Reason::Success}));
    EXPECT_EQ(publisher.pubacks[1], (std::pair{denied, mqtt::Reason::NotAuthorized}));
}

TEST(SimCommit, AcknowledgementsKeepTheirOrderWhenAMessageWaitsForALane) {
    World world({.shards = 3, .seed = 1, .publish = {.entries = 4}});
    SimClient& one = world.online({.client_id = world.name_on(1, "one"), .expiry_s = 60});
    SimClient& two = world.online({.client_id = world.name_on(2, "two"), .expiry_s = 60});
    SimClient& filler = world.online({.client_id = world.name_on(0, "f")});
    SimClient& p = world.online({.client_id = world.name_on(0, "p")});
    one.subscribe("one", 1);
    two.subscribe("two", 1);
    world.settle();
    world.frozen[1] = true;
    for (int i = 0; i < 6; ++i)
        filler.publish("one", "x", 0);
    world.settle();
    const auto a = p.publish("one", "a", 1);
    const auto b = p.publish("two", "b", 1);
    world.settle();
    EXPECT_EQ(p.pubacks.size(), 0U);
    world.frozen[1] = false;
    world.settle();
    ASSERT_EQ(p.pubacks.size(), 2U);
    EXPECT_EQ(p.pubacks[0].first, a);
    EXPECT_EQ(p.pubacks[1].first, b);
}

TEST(SimCommit, PubrelAsksTheRightsAgain) {
    World world({.shards = 2, .seed = 6});
    world.realm->users["w"] = {.roles = {"writer"}};
    world.realm->allow("writer", "t");
    world.adopt();
    SimClient& reader = world.online({.client_id = world.name_on(0, "r")});
    SimClient& publisher = world.online({.client_id = world.name_on(1, "p"), .user = "w"});
    reader.subscribe("t", 2);
    world.settle();
    publisher.auto_ack = false;
    const auto id = publisher.publish("t", "x", 2);
    world.settle();
    ASSERT_EQ(publisher.pubrecs.size(), 1U);
    EXPECT_EQ(publisher.pubrecs[0].second, mqtt::Reason::Success);
    world.realm->rules.resize(1);  // the writer's rule is gone
    ASSERT_TRUE(world.adopt());
    publisher.ack(mqtt::PacketType::Pubrel, id);
    world.settle();
    EXPECT_TRUE(publisher.acked(id)) << "PUBCOMP ends the exchange";
    EXPECT_TRUE(reader.received.empty());
    EXPECT_EQ(world.shards[1]->counters().publishes_denied, 1U) << "denied at PUBREL";
    EXPECT_EQ(world.shards[0]->counters().deliveries_withheld, 0U) << "and so never routed";
}

TEST(SimCommit, ADuplicateOfWhatIsNotReleasedIsStoredOnce) {
    World world({.shards = 2, .seed = 7});
    SimClient& reader = world.online({.client_id = "r"});
    SimClient& publisher = world.online({.client_id = "p"});
    reader.subscribe("t", 2);
    world.settle();
    publisher.auto_ack = false;
    for (const bool dup : {false, true, true}) {
        publisher.publish({.topic = "t", .payload = "x", .qos = 2, .dup = dup, .packet_id = 7});
        world.settle();
    }
    EXPECT_EQ(publisher.pubrecs.size(), 3U);
    std::size_t stored = 0;
    for (const auto& store : world.stores)
        stored += records(*store, store::RecordKind::Receive);
    EXPECT_EQ(stored, 1U);
    publisher.ack(mqtt::PacketType::Pubrel, 7);
    publisher.ack(mqtt::PacketType::Pubrel, 7);
    world.settle();
    EXPECT_EQ(reader.payloads(), Payloads{"x"});
    ASSERT_EQ(publisher.pubacks.size(), 2U);
    EXPECT_EQ(publisher.pubacks[0].second, mqtt::Reason::Success);
    EXPECT_EQ(publisher.pubacks[1].second, mqtt::Reason::PacketIdentifierNotFound);
}

TEST(SimCommit, AnOutgoingQoS2MessageLeavesOnlyPastTheGateOfItsPacketId) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});
        SimClient& reader = world.online({.client_id = world.name_on(0, "r"), .expiry_s = 60});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        reader.subscribe("t", 2);
        world.settle();
        world.stores[0]->late = true;
        for (const char* payload : {"a", "b", "c"})
            publisher.publish("t", payload, 2);
        world.settle();
        EXPECT_TRUE(reader.received.empty()) << seed;
        EXPECT_GE(records(*world.stores[0], store::RecordKind::Outgoing), 1U);
        commit(world);
        commit(world);
        commit(world);
        EXPECT_EQ(reader.payloads(), (Payloads{"a", "b", "c"})) << seed;
    }
}

TEST(SimCommit, ADurableReaderOfQoS2IsNotLeftWaitingForSomebodyElsesTurn) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World world({.shards = 2, .seed = seed});  // commits at once
        SimClient& reader = world.online({.client_id = world.name_on(0, "r"), .expiry_s = 60});
        SimClient& publisher = world.online({.client_id = world.name_on(1, "p")});
        reader.subscribe("t", 2);
        world.settle();
        for (int i = 0; i < 20; ++i)
            publisher.publish("t", std::to_string(i), 2);
        world.settle();
        ASSERT_EQ(reader.received.size(), 20U) << seed;
        EXPECT_EQ(world.session(reader.name)->inflight.size(), 0U);
    }
}

/// A durable reader of "t/a" and "t/b" has been sent a QoS 2 message of "t/a" as packet 1, and then lost the
/// right to read that topic.
struct Parked {
    Parked() : world({.shards = 2, .seed = 8}) {
        world.realm->users["r"] = {.roles = {"a", "b"}};
        world.realm->rules.push_back({"b", policy::Effect::Allow, both(), "t/b"});
        world.realm->rules.push_back({"a", policy::Effect::Allow, both(), "t/a"});
        world.adopt();
        publisher = &world.online({.client_id = world.name_on(1, "p")});
        reader = &connect(true);
        reader->auto_ack = false;
        reader->subscribe("t/a", 2);
        reader->subscribe("t/b", 2);
        world.settle();
        publisher->publish("t/a", "secret", 2);
        world.settle();
    }
    static policy::Mask both() { return policy::acts_of(policy::Act::Publish, policy::Act::Subscribe); }
    SimClient& connect(bool clean) {
        SimClient& made =
            world.client({.client_id = world.name_on(0, "r"), .user = "r", .clean = clean, .expiry_s = 600});
        made.auto_ack = false;
        world.settle();
        return made;
    }
    void narrow() {
        reader->cut();
        world.settle();
        world.realm->rules.pop_back();
        ASSERT_TRUE(world.adopt());
    }
    broker::Session& session() { return *world.session(reader->name, "r"); }
    World world;
    SimClient* publisher = nullptr;
    SimClient* reader = nullptr;
};

TEST(SimCommit, AnIdThatWasOnTheWireIsParkedWhenItsMessageIsDenied) {
    Parked it;
    ASSERT_EQ(it.reader->received.size(), 1U);
    const std::uint16_t id = it.reader->received[0].packet_id;
    it.narrow();
    it.reader = &it.connect(false);
    EXPECT_TRUE(it.reader->session_present);
    EXPECT_TRUE(it.reader->received.empty()) << "not sent again";
    it.session().next_packet_id = id;  // the circle has come round
    it.publisher->publish("t/b", "open", 2);
    it.world.settle();
    ASSERT_EQ(it.reader->payloads(), Payloads{"open"});
    EXPECT_NE(it.reader->received[0].packet_id, id) << "the receiver would take it for a duplicate";
    it.reader->ack(mqtt::PacketType::Pubrec, id);
    it.world.settle();
    it.reader->ack(mqtt::PacketType::Pubcomp, id);
    it.world.settle();
    it.session().next_packet_id = id;
    it.publisher->publish("t/b", "again", 2);
    it.world.settle();
    ASSERT_EQ(it.reader->received.size(), 2U);
    EXPECT_EQ(it.reader->received[1].packet_id, id) << "free after PUBCOMP";
}

TEST(SimCommit, AParkedIdWhosePubrecCameIsOwedItsPubrelOnEveryConnection) {
    Parked it;
    const std::uint16_t id = it.reader->received.at(0).packet_id;
    it.narrow();
    it.reader = &it.connect(false);
    it.reader->ack(mqtt::PacketType::Pubrec, id);
    it.world.settle();
    it.reader->cut();
    it.world.settle();
    it.reader = &it.connect(false);
    EXPECT_TRUE(it.reader->received.empty());
    ASSERT_EQ(it.reader->order.size(), 2U);
    EXPECT_EQ(it.reader->order[1], "PUBREL " + std::to_string(id) + " 00");
    it.reader->ack(mqtt::PacketType::Pubcomp, id);
    it.world.settle();
    EXPECT_TRUE(it.session().inflight.empty());
    EXPECT_EQ(it.session().in_window, 0U);
}

TEST(SimCommit, AnIdWhoseBytesNeverLeftIsReleasedWhenItsMessageIsDenied) {
    Parked it;
    it.reader->cut();
    it.world.settle();
    it.reader = &it.connect(false);
    it.reader->ack(mqtt::PacketType::Pubrec, it.reader->received.at(0).packet_id);
    it.world.settle();
    it.reader->ack(mqtt::PacketType::Pubcomp, it.reader->received.at(0).packet_id);
    it.world.settle();
    it.world.stores[0]->late = true;
    it.publisher->publish("t/a", "secret", 2);  // has an id, waits for its gate
    it.world.settle();
    ASSERT_EQ(it.session().inflight.size(), 1U);
    it.world.realm->rules.pop_back();
    ASSERT_TRUE(it.world.adopt());
    commit(it.world);
    EXPECT_EQ(it.reader->received.size(), 1U);
    EXPECT_TRUE(it.session().inflight.empty());
    EXPECT_EQ(it.session().in_window, 0U);
}

TEST(SimCommit, PacketsThatDidNotFitAreSentInOrderAcrossAParkedId) {
    Parked it;
    const auto body = [](int i) { return std::string(200, static_cast<char>('a' + i)); };
    it.publisher->publish("t/b", body(0), 2);
    it.publisher->publish("t/a", "secret", 2);
    it.world.settle();
    ASSERT_EQ(it.reader->received.size(), 3U);
    it.narrow();
    for (int i = 1; i < 4; ++i)
        it.publisher->publish("t/b", body(i), 2);
    it.world.settle();
    it.reader = &it.world.client(
        {.client_id = it.world.name_on(0, "r"), .user = "r", .clean = false, .expiry_s = 600});
    it.reader->auto_ack = false;
    it.reader->to_client().room = 8;  // the beginning of the CONNACK
    it.reader->read_room = 7;
    it.world.settle();
    ASSERT_EQ(it.reader->received.size(), 4U);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(it.reader->received[static_cast<std::size_t>(i)].payload, body(i));
}

}  // namespace
}  // namespace latchkey::sim
