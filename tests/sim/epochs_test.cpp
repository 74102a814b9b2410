// Epochs: what a receipt promises, and that nobody judges under a policy it does not have yet. The rules of
// data-path 10.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "auth/pipeline.h"
#include "sim/world.h"

namespace latchkey::sim {
namespace {

using Payloads = std::vector<std::string>;

/// User "r" may do everything below "read", user "w" everything below "write"; both may use "open/...".
struct TwoRoles {
    explicit TwoRoles(std::uint64_t seed, std::uint32_t shards = 3)
        : world({.shards = shards, .seed = seed}) {
        world.realm->users["r"] = {.roles = {"reader"}};
        world.realm->users["w"] = {.roles = {"writer"}};
        grant(true, true);
        world.adopt();
    }
    /// The rules of the next epoch.
    void grant(bool reader, bool writer) {
        world.realm->rules.clear();
        world.realm->allow("all", "#");
        world.realm->allow("reader", "open/#");
        world.realm->allow("writer", "open/#");
        if (reader) world.realm->allow("reader", "t/#");
        if (writer) world.realm->allow("writer", "t/#");
    }
    World world;
};

TEST(SimEpochs, TheReceiptMeansThatNoPacketIsBegunUnderTheOldPolicy) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const bool narrow_reader = seed % 2 == 0;
        TwoRoles it(seed);
        World& world = it.world;
        SimClient& reader = world.online({.client_id = world.name_on(0, "r"), .user = "r"});
        SimClient& author = world.online({.client_id = world.name_on(1, "w"), .user = "w"});
        reader.subscribe("t/#", 1);
        reader.subscribe("open/#", 1);
        world.settle();
        reader.to_client().room = 250;
        reader.read_room = 0;
        for (int i = 0; i < 20; ++i)
            author.publish("t/x", std::string(100, static_cast<char>('a' + i)),
                           static_cast<std::uint8_t>(seed / 2 % 3));
        world.settle();
        it.grant(!narrow_reader, narrow_reader);
        ASSERT_TRUE(world.adopt()) << "the receipt";
        const std::size_t before = reader.received.size();
        author.publish("open/end", "end", 1);
        reader.read_room = ~std::size_t{0};
        world.settle();
        // What fits into the pipe has left; one more packet may have been started, and is finished.
        ASSERT_EQ(before, 0U);
        ASSERT_GE(reader.received.size(), 2U) << seed;
        EXPECT_LE(reader.received.size(), 4U) << seed;
        EXPECT_EQ(reader.received.back().payload, "end") << seed;
        for (std::size_t i = 0; i + 1 < reader.received.size(); ++i)
            EXPECT_EQ(reader.received[i].payload, std::string(100, static_cast<char>('a' + i)));
        EXPECT_FALSE(reader.closed());
    }
}

TEST(SimEpochs, AFanOutThatIsHalfDoneIsJudgedAnewWhereItHasNotArrived) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        TwoRoles it(seed);
        World& world = it.world;
        SimClient& author = world.online({.client_id = world.name_on(0, "w"), .user = "w"});
        SimClient& near = world.online({.client_id = world.name_on(1, "near")});
        SimClient& far = world.online({.client_id = world.name_on(2, "far")});
        near.subscribe("t/#", 0);
        far.subscribe("t/#", 0);
        world.settle();
        world.frozen[2] = true;
        author.publish("t/x", "half", static_cast<std::uint8_t>(seed % 3));
        world.settle();
        EXPECT_EQ(near.payloads(), Payloads{"half"}) << seed;
        it.grant(true, false);
        bool receipt = false;
        world.control->adopt(world.make_epoch(), [&receipt] { receipt = true; });
        world.settle();
        EXPECT_FALSE(receipt) << "a shard has not answered";
        world.frozen[2] = false;
        world.settle();
        EXPECT_TRUE(receipt);
        EXPECT_TRUE(far.received.empty()) << seed;
    }
}

TEST(SimEpochs, AShardIgnoresALowerNumber) {
    TwoRoles it(3);
    World& world = it.world;
    const broker::EpochRef old = world.peers[0]->epoch();
    ASSERT_TRUE(world.adopt());
    const broker::EpochRef present = world.peers[0]->epoch();
    ASSERT_GT(present->number, old->number);
    world.mesh->mailbox(0).deliver([&] { world.peers[0]->adopt(old); });
    world.settle();
    EXPECT_EQ(world.peers[0]->epoch(), present);
}

TEST(SimEpochs, AMessageStampedNewerThanTheShardWaitsForTheShard) {
    for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
        TwoRoles it(4);
        World& world = it.world;
        it.grant(true, false);
        world.adopt();  // the writer may not, as yet
        SimClient& author = world.online({.client_id = world.name_on(0, "w"), .user = "w"});
        SimClient& reader = world.online({.client_id = world.name_on(1, "r"), .user = "r"});
        reader.subscribe("t/#", qos);
        reader.subscribe("open/#", qos);
        world.settle();
        it.grant(true, true);
        auto epoch = world.make_epoch();
        epoch->number = world.peers[0]->epoch()->number + 1;
        world.mesh->mailbox(0).deliver([&] { world.peers[0]->adopt(epoch); });
        world.settle();
        author.publish("t/x", "granted by the new policy", qos);
        world.settle();
        EXPECT_TRUE(reader.received.empty()) << "under its own, older policy the shard would have to drop it";
        world.mesh->mailbox(1).deliver([&] { world.peers[1]->adopt(epoch); });
        world.settle();
        EXPECT_EQ(reader.payloads(), Payloads{"granted by the new policy"});
        EXPECT_EQ(world.peers[1]->counters().deliveries_withheld, 0U);
    }
}

TEST(SimEpochs, ALoginThatIsPendingIsDecidedUnderTheNewPolicy) {
    for (const bool still_allowed : {true, false}) {
        TwoRoles it(5);
        World& world = it.world;
        world.realm->hold = true;
        SimClient& client =
            world.client({.client_id = "c", .user = "w", .will = ConnectSpec::WillSpec{.topic = "t/will"}});
        world.settle();
        ASSERT_EQ(world.realm->held(), 1U);
        it.grant(true, still_allowed);
        ASSERT_TRUE(world.adopt());
        world.realm->let_go();
        world.settle();
        EXPECT_EQ(client.connack, still_allowed ? mqtt::Reason::Success : mqtt::Reason::NotAuthorized);
    }
}

TEST(SimEpochs, ALoginUnderAPipelineThatWasReplacedRunsAgain) {
    TwoRoles it(6);
    World& world = it.world;
    world.realm->hold = true;
    SimClient& client = world.client({.client_id = "c", .user = "w"});
    world.settle();
    ASSERT_EQ(world.realm->held(), 1U);
    auto epoch = world.make_epoch();
    auth::PipelineParts parts;
    parts.name = "sim";
    parts.listener = "ALL";
    parts.chain.push_back({"sim", world.realm, {}});
    parts.authorizers.emplace_back("sim", world.realm);
    epoch->listeners[0].pipeline = std::make_shared<auth::Pipeline>(std::move(parts), world.authorities);
    world.realm->users["w"].verdict = auth::VerdictKind::Refused;  // by the new configuration
    world.control->adopt(epoch, [] {});
    world.settle();
    world.realm->let_go();
    world.settle();
    ASSERT_EQ(world.realm->held(), 1U) << "asked again";
    EXPECT_FALSE(client.connack);
    world.realm->let_go();
    world.settle();
    EXPECT_EQ(client.connack, mqtt::Reason::NotAuthorized);
    EXPECT_EQ(world.session("c", "w"), nullptr);
}

}  // namespace
}  // namespace latchkey::sim
