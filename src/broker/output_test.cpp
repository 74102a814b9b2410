// What a transport gets over many partial writes, against the plain concatenation of the packets: nothing
// lost, nothing twice, and no packet begun that could have gone back.
// SPDX-License-Identifier: Apache-2.0
#include "broker/output.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace latchkey::broker {
namespace {

MessageRef message_of(const std::string& payload) {
    return MessageRef::created(Message::create({.topic = "t", .payload = std::as_bytes(std::span(payload))}));
}

std::string text(std::span<const iovec> vectors) {
    std::string out;
    for (const iovec& one : vectors)
        out.append(static_cast<const char*>(one.iov_base), one.iov_len);
    return out;
}

/// A packet of the test: a head, and for some a payload by reference.
struct Wanted {
    std::string head;
    std::string payload;
};

std::string filled(Random& random, std::size_t size) {
    return std::string(size, static_cast<char>('a' + random.below(26)));
}

std::string send_all(SeededRandom& random, std::vector<Wanted> wanted, std::size_t sealed) {
    Output output;
    Leftover leftover;
    mqtt::Buffer control;
    std::string wire;
    std::size_t next = 0;
    while (next < wanted.size() || !leftover.empty()) {
        output.clear();
        std::size_t added = 0;
        for (std::size_t i = next; leftover.empty() && i < wanted.size() && !output.full(); ++i, ++added) {
            Output::Packet packet{.begin = output.scratch.size()};
            output.scratch.append(wanted[i].head);
            if (!wanted[i].payload.empty()) packet.payload = message_of(wanted[i].payload);
            output.add(std::move(packet));
        }
        const std::string offered = text(output.gather(leftover, control));
        EXPECT_EQ(offered.size(), output.offered());
        const std::size_t taken = random.below(4) == 0 ? offered.size() : random.below(offered.size() + 1);
        wire += offered.substr(0, taken);
        const std::size_t begun = taken == offered.size() ? taken : std::min(offered.size(), taken + sealed);
        Output::Outcome outcome = output.after_write(taken, begun);
        EXPECT_LE(outcome.packets_left, added);
        next += outcome.packets_left;
        leftover = std::move(outcome.rest);
    }
    return wire;
}

TEST(Output, EveryByteLeavesOnceAndInOrderHoweverLittleATransportTakes) {
    SeededRandom random(20261125);
    for (int round = 0; round < 300; ++round) {
        std::vector<Wanted> wanted;
        std::string expected;
        for (std::uint64_t i = 1 + random.below(12); i > 0; --i) {
            Wanted one{.head = filled(random, 1 + random.below(300))};
            switch (random.below(4)) {
                case 0:
                    one.payload = filled(random, 1 + random.below(5000));
                    break;
                case 1:
                    one.payload = filled(random, 60'000 + random.below(20'000));
                    break;
                case 2:
                    if (round % 20 == 0) one.payload = filled(random, 3'000'000);
                    break;
                default:
                    break;
            }
            expected += one.head + one.payload;
            wanted.push_back(std::move(one));
        }
        ASSERT_EQ(send_all(random, wanted, round % 2 == 0 ? 0 : 16'384), expected) << round;
    }
}

TEST(Output, APacketThatHasNotBegunGoesBack) {
    Output output;
    for (const char* head : {"one", "two", "three"}) {
        Output::Packet packet{.begin = output.scratch.size()};
        output.scratch.append(std::string_view(head));
        output.add(std::move(packet));
    }
    const Leftover none;
    const mqtt::Buffer control;
    ASSERT_EQ(text(output.gather(none, control)), "onetwothree");
    EXPECT_EQ(output.after_write(0, 0).packets_left, 0U);
    EXPECT_EQ(output.after_write(3, 3).packets_left, 1U);
    EXPECT_TRUE(output.after_write(3, 3).rest.empty());
    const Output::Outcome half = output.after_write(4, 4);
    EXPECT_EQ(half.packets_left, 2U);
    EXPECT_EQ(half.rest.bytes.size(), 2U) << "the rest of what has begun";
}

TEST(Output, ALargePayloadIsOfferedInSlicesAndNeverCopied) {
    const std::string payload(5 << 20, 'x');
    const MessageRef message = message_of(payload);
    Output output;
    Output::Packet packet{.begin = 0, .entry = {}, .payload = message};
    output.scratch.append(std::string_view("head"));
    output.add(std::move(packet));
    EXPECT_TRUE(output.full()) << "nothing is encoded behind it";
    const Leftover none;
    mqtt::Buffer control;
    const auto vectors = output.gather(none, control);
    EXPECT_EQ(vectors.back().iov_base, message->payload().data());
    EXPECT_LT(output.offered(), payload.size());
    const Output::Outcome outcome = output.after_write(output.offered(), output.offered());
    EXPECT_TRUE(outcome.rest.bytes.empty());
    EXPECT_EQ(outcome.rest.offset, output.offered() - 4);
    control.append(std::string_view("acknowledgement"));
    Output next;
    const auto rest = next.gather(outcome.rest, control);
    EXPECT_EQ(rest.back().iov_base, message->payload().data() + outcome.rest.offset);
    EXPECT_FALSE(next.offers_control()) << "nothing may be sent in the middle of a packet";
}

TEST(Message, ALargePacketBecomesTheMessage) {
    mqtt::Buffer packet;
    packet.append(std::string_view("topic"));
    packet.append(std::string(100'000, 'p'));
    const std::byte* where = packet.data();
    const MessageRef message =
        MessageRef::created(Message::create({.topic = {reinterpret_cast<const char*>(where), 5},
                                             .payload = packet.bytes().subspan(5),
                                             .packet = &packet}));
    EXPECT_EQ(message->topic(), "topic");
    EXPECT_EQ(message->payload().data(), where + 5);
    EXPECT_EQ(message->payload().size(), 100'000U);
    EXPECT_TRUE(packet.empty()) << "it was taken over";
}

}  // namespace
}  // namespace latchkey::broker
