// Lanes: what fits, who waits, and that two threads lose nothing.
// SPDX-License-Identifier: Apache-2.0
#include "broker/lane.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/ingress.h"
#include "net/wake.h"

namespace latchkey::broker {
namespace {

LaneEntry mark(std::uint64_t round, std::uint32_t bytes = 0) {
    return {.kind = LaneEntry::Kind::Mark, .round = round, .bytes = bytes};
}

TEST(Lane, TakesItsNumberOfEntriesAndNoMore) {
    Lane lane({.entries = 4});
    for (std::uint64_t i = 0; i < 4; ++i)
        EXPECT_TRUE(lane.try_push(mark(i)));
    EXPECT_FALSE(lane.try_push(mark(4)));
    EXPECT_EQ(lane.front(lane.tail())->round, 0U);
    lane.pop();
    EXPECT_TRUE(lane.try_push(mark(4)));
}

TEST(Lane, AdmitsOneEntryLargerThanItsBytesWhenEmptyAndNoneBehindIt) {
    Lane lane({.entries = 4, .bytes = 100});
    EXPECT_TRUE(lane.try_push(mark(0, 1000)));
    EXPECT_FALSE(lane.try_push(mark(1, 1)));
    lane.pop();
    EXPECT_TRUE(lane.try_push(mark(1, 60)));
    EXPECT_TRUE(lane.try_push(mark(2, 40)));
    EXPECT_FALSE(lane.try_push(mark(3, 1)));
}

TEST(Lane, DrainingStopsAtTheTailThatWasRead) {
    Lane lane({.entries = 4});
    ASSERT_TRUE(lane.try_push(mark(0)));
    const std::uint64_t end = lane.tail();
    ASSERT_TRUE(lane.try_push(mark(1)));
    ASSERT_NE(lane.front(end), nullptr);
    lane.pop();
    EXPECT_EQ(lane.front(end), nullptr);
}

TEST(Outlet, NobodyOvertakesAWaiterEvenWhenTheRingHasRoomAgain) {
    Lane lane({.entries = 2});
    Outlet outlet(lane);
    Parcel parcel;
    EXPECT_TRUE(outlet.try_now(mark(0)));
    EXPECT_TRUE(outlet.try_now(mark(1)));
    EXPECT_FALSE(outlet.try_now(mark(2)));
    outlet.wait(mark(2), &parcel);
    EXPECT_TRUE(lane.take_stall());
    lane.pop();
    EXPECT_FALSE(outlet.try_now(mark(3)));
    std::vector<Parcel*> told;
    outlet.settle([&](Parcel* one) { told.push_back(one); });
    EXPECT_EQ(told, std::vector<Parcel*>{&parcel});
    EXPECT_FALSE(outlet.waiting());
}

TEST(Outlet, AStallIsAnnouncedSoThatTheConsumerWakesTheProducer) {
    Lane lane({.entries = 2});
    Outlet outlet(lane);
    EXPECT_TRUE(outlet.push(mark(0)));
    EXPECT_TRUE(outlet.push(mark(1)));
    EXPECT_FALSE(lane.take_stall());
    EXPECT_FALSE(outlet.push(mark(2)));
    EXPECT_TRUE(lane.take_stall());
    EXPECT_FALSE(lane.take_stall());
}

// Two real threads that sleep on wake words, a ring of four: every entry arrives, in order, and nobody sleeps
// for ever.
TEST(Lane, TwoThreadsLoseNothingAndNoWakeUp) {
    constexpr std::uint64_t kCount = 200'000;
    Lane lane({.entries = 4});
    net::WakeWord producer_word;
    net::WakeWord consumer_word;
    std::atomic<int> producer_bell{0};
    std::atomic<int> consumer_bell{0};
    const auto ring = [](net::WakeWord& word, std::atomic<int>& bell) {
        if (!word.notify()) return;
        bell.store(1);
        bell.notify_one();
    };
    const auto doze = [](net::WakeWord& word, std::atomic<int>& bell) {
        if (!word.prepare_sleep()) return;
        bell.wait(0);
        bell.store(0);
    };
    std::thread consumer([&] {
        std::uint64_t expected = 0;
        while (expected < kCount) {
            consumer_word.begin_turn();
            const std::uint64_t end = lane.tail();
            while (const LaneEntry* entry = lane.front(end)) {
                ASSERT_EQ(entry->round, expected);
                ++expected;
                lane.pop();
            }
            if (lane.take_stall()) ring(producer_word, producer_bell);
            if (expected < kCount) doze(consumer_word, consumer_bell);
        }
    });
    Outlet outlet(lane);
    std::uint64_t next = 0;
    while (next < kCount || outlet.waiting()) {
        producer_word.begin_turn();
        outlet.settle([](Parcel*) {});
        while (next < kCount && !outlet.waiting())
            outlet.push(mark(next++));
        if (outlet.take_pushed()) ring(consumer_word, consumer_bell);
        if (outlet.waiting()) doze(producer_word, producer_bell);
    }
    if (outlet.take_pushed()) ring(consumer_word, consumer_bell);
    consumer.join();
}

}  // namespace
}  // namespace latchkey::broker
