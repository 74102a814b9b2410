// Tests of timer_wheel.h: against a std::multimap twin on random histories, and the callback's freedoms one
// by one.
// SPDX-License-Identifier: Apache-2.0
#include "base/timer_wheel.h"

#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace latchkey {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

MonoTime at(Duration since_start) {
    return MonoTime(since_start);
}

struct Timer : TimerNode {
    explicit Timer(int number) : name(number) {}
    int name;
};

std::vector<int> advance(TimerWheel& wheel, MonoTime now) {
    std::vector<int> fired;
    wheel.advance(now, [&](TimerNode& node) { fired.push_back(static_cast<Timer&>(node).name); });
    return fired;
}

TEST(TimerWheel, NeverFiresEarlyAndLessThanATickLate) {
    TimerWheel wheel;
    Timer timer(1);
    wheel.schedule(timer, at(milliseconds(25)));
    EXPECT_TRUE(timer.scheduled());
    EXPECT_EQ(advance(wheel, at(milliseconds(29))), std::vector<int>{});
    EXPECT_EQ(advance(wheel, at(milliseconds(30))), std::vector<int>{1});
    EXPECT_FALSE(timer.scheduled());
    wheel.schedule(timer, at(milliseconds(40)));
    EXPECT_EQ(advance(wheel, at(milliseconds(40) - nanoseconds(1))), std::vector<int>{});
    EXPECT_EQ(advance(wheel, at(milliseconds(40))), std::vector<int>{1}) << "a whole tick is not rounded";
}

TEST(TimerWheel, FiresByDeadlineThenByInsertion) {
    TimerWheel wheel;
    Timer a(1), b(2), c(3), d(4), e(5);
    wheel.schedule(a, at(hours(2)));
    wheel.schedule(b, at(milliseconds(12)));
    wheel.schedule(c, at(milliseconds(11)));
    wheel.schedule(d, at(milliseconds(12)));
    wheel.schedule(e, at(seconds(90)));
    EXPECT_EQ(advance(wheel, at(hours(3))), (std::vector<int>{3, 2, 4, 5, 1}));
}

TEST(TimerWheel, OverdueAndNeverAreTakenAtTheirWord) {
    TimerWheel wheel(at(hours(5)));
    EXPECT_EQ(wheel.next_deadline(), kNever);
    Timer past(1), before_start(2), never(3), last(4);
    wheel.schedule(past, at(hours(1)));
    wheel.schedule(before_start, at(-hours(1)));
    wheel.schedule(never, kNever);
    wheel.schedule(last, kNever - seconds(1));
    EXPECT_LE(wheel.next_deadline(), at(hours(5)));
    EXPECT_EQ(advance(wheel, at(hours(5))), (std::vector<int>{2, 1}));
    EXPECT_GT(wheel.next_deadline(), at(hours(5)));
    EXPECT_EQ(advance(wheel, at(hours(24 * 365 * 100))), std::vector<int>{});
    EXPECT_EQ(advance(wheel, kNever - milliseconds(500)), std::vector<int>{4});
    EXPECT_EQ(advance(wheel, kNever), std::vector<int>{}) << "never is never";
    EXPECT_TRUE(never.scheduled());
    EXPECT_EQ(wheel.next_deadline(), kNever);
}

TEST(TimerWheel, ADestroyedNodeAndADestroyedWheelLeaveNothingBehind) {
    Timer survivor(1);
    {
        TimerWheel wheel;
        wheel.schedule(survivor, at(seconds(1)));
        auto gone = std::make_unique<Timer>(2);
        wheel.schedule(*gone, at(seconds(1)));
        gone.reset();
        EXPECT_EQ(advance(wheel, at(milliseconds(999))), std::vector<int>{});
    }
    EXPECT_FALSE(survivor.scheduled());
}

TEST(TimerWheel, TheCallbackMayDoAnythingToAnyNode) {
    TimerWheel wheel;
    auto first = std::make_unique<Timer>(1);
    auto second = std::make_unique<Timer>(2);
    Timer third(3), fourth(4);
    for (Timer* timer : {first.get(), second.get(), &third, &fourth})
        wheel.schedule(*timer, at(milliseconds(10)));
    std::vector<int> fired;
    const std::size_t count = wheel.advance(at(milliseconds(50)), [&](TimerNode& node) {
        const int name = static_cast<Timer&>(node).name;
        fired.push_back(name);
        if (name != 1) return;
        second.reset();
        wheel.cancel(third);
        wheel.schedule(*first, at(milliseconds(20)));  // past: the next advance
        first.reset();
    });
    EXPECT_EQ(count, 2U);
    EXPECT_EQ(fired, (std::vector<int>{1, 4}));
    std::size_t rounds = 0;
    wheel.schedule(third, at(milliseconds(1)));
    for (int i = 0; i < 3; ++i) {
        rounds += wheel.advance(at(milliseconds(50)),
                                [&](TimerNode& node) { wheel.schedule(node, at(Duration(0))); });
    }
    EXPECT_EQ(rounds, 3U) << "what reschedules itself into the past fires once an advance";
}

/// The obvious wheel: everything sorted by (tick it fires at, deadline, order).
struct Twin {
    using Key = std::pair<MonoTime, std::uint64_t>;
    std::map<Key, int> queue;
    std::map<int, Key> keys;
    std::uint64_t orders = 0;

    static MonoTime fires_at(MonoTime deadline) {
        const auto ticks =
            (deadline.time_since_epoch() + TimerWheel::kTick - nanoseconds(1)) / TimerWheel::kTick;
        return MonoTime(TimerWheel::kTick * ticks);
    }
    void cancel(int name) {
        if (const auto found = keys.find(name); found != keys.end()) {
            queue.erase(found->second);
            keys.erase(found);
        }
    }
    void schedule(int name, MonoTime deadline) {
        cancel(name);
        const Key key{deadline, ++orders};
        queue[key] = name;
        keys[name] = key;
    }
    std::vector<std::pair<int, MonoTime>> take_due(MonoTime now) {
        std::vector<std::pair<int, MonoTime>> due;
        while (!queue.empty() && fires_at(queue.begin()->first.first) <= now) {
            due.emplace_back(queue.begin()->second, queue.begin()->first.first);
            cancel(due.back().first);
        }
        return due;
    }
};

Duration random_delay(SeededRandom& random) {
    // All levels: from nanoseconds to months, and some in the past.
    const std::uint64_t bits = random.below(53);
    return Duration(static_cast<std::int64_t>(random.below((std::uint64_t{1} << bits) + 1))) -
           milliseconds(random.below(15));
}

void play_history(std::uint64_t seed) {
    SeededRandom random(seed);
    MonoTime now = at(seconds(random.below(100'000)) + milliseconds(random.below(1000)));
    TimerWheel wheel(now);
    Twin twin;
    std::vector<std::unique_ptr<Timer>> timers;
    for (int i = 0; i < 60; ++i)
        timers.push_back(std::make_unique<Timer>(i));
    for (int step = 0; step < 400; ++step) {
        const auto name = static_cast<int>(random.below(timers.size()));
        auto& timer = timers[static_cast<std::size_t>(name)];
        const std::uint64_t what = random.below(10);
        if (what < 6) {
            const MonoTime deadline = now + random_delay(random);
            wheel.schedule(*timer, deadline);
            twin.schedule(name, deadline);
        } else if (what < 7) {
            wheel.cancel(*timer);
            twin.cancel(name);
        } else if (what < 8) {
            timer = std::make_unique<Timer>(name);
            twin.cancel(name);
        } else {
            now = std::max(now, now + random_delay(random));
            if (random.below(3) == 0 && wheel.next_deadline() != kNever)
                now = std::max(now, wheel.next_deadline());
            const auto due = twin.take_due(now);
            std::vector<std::pair<int, MonoTime>> fired;
            wheel.advance(now, [&](TimerNode& node) {
                fired.emplace_back(static_cast<Timer&>(node).name, node.deadline());
            });
            ASSERT_EQ(fired, due) << "seed " << seed << " step " << step;
        }
        // Never later than the truth, so that nobody sleeps through a deadline.
        const MonoTime next = wheel.next_deadline();
        if (twin.queue.empty()) {
            ASSERT_EQ(next, kNever) << "seed " << seed << " step " << step;
        } else {
            ASSERT_LE(next, std::max(now, Twin::fires_at(twin.queue.begin()->first.first)))
                << "seed " << seed;
        }
    }
}

TEST(TimerWheel, AgreesWithASortedQueueOnRandomHistories) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        play_history(seed);
        if (HasFatalFailure()) return;
    }
}

TEST(TimerWheel, FollowingNextDeadlineReachesEveryTimerAtItsTick) {
    SeededRandom random(7);
    TimerWheel wheel;
    std::vector<std::unique_ptr<Timer>> timers;
    for (int i = 0; i < 500; ++i) {
        timers.push_back(std::make_unique<Timer>(i));
        wheel.schedule(*timers.back(),
                       at(Duration(static_cast<std::int64_t>(random.below(std::uint64_t{1} << 45)))));
    }
    std::size_t fired = 0;
    std::size_t advances = 0;
    while (wheel.next_deadline() != kNever) {
        const MonoTime now = wheel.next_deadline();
        ++advances;
        fired +=
            wheel.advance(now, [&](TimerNode& node) { EXPECT_EQ(Twin::fires_at(node.deadline()), now); });
        ASSERT_LT(advances, 500U * 8) << "a cascade moves a node at most once per level";
    }
    EXPECT_EQ(fired, timers.size());
}

}  // namespace
}  // namespace latchkey
