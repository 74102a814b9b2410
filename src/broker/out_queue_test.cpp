// The ring of queue entries against a deque, and its size: a million queued references are a budget.
// SPDX-License-Identifier: Apache-2.0
#include "broker/out_queue.h"

#include <deque>

#include <gtest/gtest.h>

#include "base/random.h"

namespace latchkey::broker {
namespace {

static_assert(sizeof(QueueEntry) <= 24);

TEST(EntryRing, BehavesAsADequeUnderRandomUse) {
    SeededRandom random(20261124);
    EntryRing ring;
    std::deque<std::uint16_t> twin;
    std::uint16_t next = 1;
    for (int i = 0; i < 100'000; ++i) {
        switch (random.below(6)) {
            case 0:
            case 1:
                ring.push_back({.packet_id = next});
                twin.push_back(next++);
                break;
            case 2:
                ring.push_front({.packet_id = next});
                twin.push_front(next++);
                break;
            case 3:
                if (twin.empty()) break;
                ring.pop_front();
                twin.pop_front();
                break;
            case 4:
                if (twin.empty()) break;
                ring.pop_back();
                twin.pop_back();
                break;
            default: {
                if (twin.empty()) break;
                const auto at = static_cast<std::uint32_t>(random.below(twin.size()));
                ring.erase(at);
                twin.erase(twin.begin() + at);
            }
        }
        ASSERT_EQ(ring.size(), twin.size());
        for (std::uint32_t at = 0; at < ring.size() && i % 97 == 0; ++at)
            ASSERT_EQ(ring[at].packet_id, twin[at]);
    }
}

TEST(MessageRef, TheLastReferenceOfTheLastShardFrees) {
    Message* message = Message::create({.topic = "t", .payload = std::as_bytes(std::span("xy", 2))});
    MessageRef here = MessageRef::created(message);
    const MessageRef copy = here;
    EXPECT_EQ(copy->topic(), "t");
    EXPECT_EQ(copy->payload().size(), 2U);
    MessageRef there = MessageRef::received(here.share());
    here = {};
    EXPECT_EQ(there->topic(), "t");
    there = {};
    EXPECT_EQ(copy->topic(), "t");  // what a leak or an early free would break under AddressSanitizer
}

}  // namespace
}  // namespace latchkey::broker
