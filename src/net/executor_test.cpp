// Wake-up word, inbox, mailbox, executor and worker pool: order, lost wake-ups, shutdown. The stress tests
// run under TSan too; a lost wake-up shows as a wait that only its deadline ended.
// SPDX-License-Identifier: Apache-2.0
#include "net/executor.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/completion.h"
#include "net/epoll_poller.h"
#include "net/pool.h"

namespace latchkey::net {
namespace {

const SystemClock kClock;
constexpr Duration kPatience = std::chrono::seconds(20);

struct Note final : InboxNode {
    explicit Note(std::function<void()> act) : act_(std::move(act)) {}
    void serve() override { act_(); }
    void drop() override { ++dropped; }
    std::function<void()> act_;
    int dropped = 0;
};

// Remembers what was asked of it; never waits.
struct FakePoller final : Poller {
    Result<void> add(int, PollToken, Interest) override { return {}; }
    void modify(int, PollToken, Interest) override {}
    void remove(int) override {}
    void wait(MonoTime now, MonoTime deadline, std::vector<PollEvent>& out) override {
        out.clear();
        waits.push_back(deadline <= now ? "look" : "sleep");
        if (on_wait) on_wait();
    }
    void wake() override { ++wakes; }
    std::vector<std::string> waits;
    std::function<void()> on_wait;
    int wakes = 0;
};

TEST(WakeWord, OnlyASleeperNeedsTheDescriptor) {
    WakeWord word;
    EXPECT_FALSE(word.notify()) << "before the first turn nobody sleeps";
    word.begin_turn();
    EXPECT_FALSE(word.notify());
    EXPECT_FALSE(word.prepare_sleep()) << "notified during the turn: another turn follows";
    word.begin_turn();
    EXPECT_TRUE(word.prepare_sleep());
    EXPECT_TRUE(word.sleeping());
    EXPECT_TRUE(word.notify());
    EXPECT_FALSE(word.notify()) << "one wake-up is enough";
}

TEST(WakeWord, ItsFirstTurnIsNotSleptThrough) {
    WakeWord word;
    EXPECT_FALSE(word.prepare_sleep());
}

TEST(Inbox, ServesInOrderOfPostingAndOnlyTheSnapshot) {
    WakeWord word;
    FakePoller poller;
    Inbox inbox(word, poller);
    std::string seen;
    Note c([&] { seen += 'c'; });
    Note a([&] {
        seen += 'a';
        inbox.post(c);
    });
    Note b([&] { seen += 'b'; });
    inbox.post(a);
    inbox.post(b);
    EXPECT_EQ(inbox.snapshot().serve(), 2U);
    EXPECT_EQ(seen, "ab");
    EXPECT_EQ(inbox.snapshot().serve(), 1U);
    EXPECT_EQ(seen, "abc");
    EXPECT_TRUE(inbox.snapshot().empty());
}

TEST(Inbox, ANodeMayTravelBackInItsOwnAnswer) {
    WakeWord word;
    FakePoller poller;
    Inbox there(word, poller);
    Inbox back(word, poller);
    int served = 0;
    Note* self = nullptr;
    Note node([&] {
        if (++served == 1) back.post(*self);
    });
    self = &node;
    there.post(node);
    there.snapshot().serve();
    EXPECT_EQ(back.snapshot().serve(), 1U);
    EXPECT_EQ(served, 2);
}

TEST(Inbox, PostingWakesASleeperOnce) {
    WakeWord word;
    FakePoller poller;
    Inbox inbox(word, poller);
    Note a([] {});
    Note b([] {});
    word.begin_turn();
    ASSERT_TRUE(word.prepare_sleep());
    inbox.post(a);
    inbox.post(b);
    EXPECT_EQ(poller.wakes, 1);
    inbox.snapshot().serve();
}

TEST(Inbox, UnservedNodesAreDroppedOnce) {
    WakeWord word;
    FakePoller poller;
    Note a([] { FAIL() << "dropped, not served"; });
    Note b([] { FAIL() << "dropped, not served"; });
    {
        Inbox inbox(word, poller);
        inbox.post(a);
        const InboxChain half = inbox.snapshot();
        inbox.post(b);
    }
    EXPECT_EQ(a.dropped, 1);
    EXPECT_EQ(b.dropped, 1);
}

TEST(Mailbox, AnUnservedClosureIsDestroyedUncalled) {
    WakeWord word;
    FakePoller poller;
    const auto token = std::make_shared<int>(1);
    {
        Mailbox mailbox(word, poller);
        mailbox.deliver([token] { FAIL() << "the mailbox died first"; });
        EXPECT_EQ(token.use_count(), 2);
    }
    EXPECT_EQ(token.use_count(), 1);
}

// A shard in small: serves its mailbox, counts its turns.
class Desk final : public Turnable {
  public:
    explicit Desk(std::unique_ptr<Poller> poller) : poller_(std::move(poller)), mailbox_(word_, *poller_) {}
    MonoTime turn(MonoTime now, std::span<const PollEvent> events) override {
        // A turn that begins when its deadline has passed although work waits was not woken.
        if (now >= due_ && events.empty() && !mailbox_.empty()) ++overslept;
        ++turns;
        served += mailbox_.snapshot().serve();
        if (on_turn) on_turn();
        due_ = now + kPatience;
        return busy ? now : due_;
    }
    Poller& poller() override { return *poller_; }
    WakeWord& wake_word() override { return word_; }
    bool finished() const override { return stop; }
    Mailbox& mailbox() { return mailbox_; }

    std::function<void()> on_turn;
    std::size_t served = 0;
    int turns = 0;
    int overslept = 0;
    bool busy = false;
    bool stop = false;

  private:
    WakeWord word_;
    std::unique_ptr<Poller> poller_;
    Mailbox mailbox_;
    MonoTime due_ = kNever;
};

std::unique_ptr<EpollPoller> epoll() {
    auto poller = EpollPoller::create();
    EXPECT_TRUE(poller);
    return poller ? std::move(*poller) : nullptr;
}

TEST(Step, SleepsOnlyWhenNothingWasPushedDuringTheTurn) {
    auto owned = std::make_unique<FakePoller>();
    FakePoller& poller = *owned;
    Desk desk(std::move(owned));
    std::vector<PollEvent> events;
    step(desk, events, kClock, true);
    desk.on_turn = [&] { desk.mailbox().deliver([] {}); };
    step(desk, events, kClock, true);
    desk.on_turn = nullptr;
    step(desk, events, kClock, true);
    EXPECT_EQ(poller.waits, (std::vector<std::string>{"sleep", "look", "sleep"}));
    EXPECT_EQ(poller.wakes, 0);
}

TEST(Step, APushBetweenTurnAndWaitWritesTheDescriptor) {
    auto owned = std::make_unique<FakePoller>();
    FakePoller& poller = *owned;
    Desk desk(std::move(owned));
    poller.on_wait = [&] { desk.mailbox().deliver([] {}); };
    std::vector<PollEvent> events;
    step(desk, events, kClock, true);
    EXPECT_EQ(poller.wakes, 1);
    poller.on_wait = nullptr;
    step(desk, events, kClock, true);
    EXPECT_EQ(desk.served, 1U);
}

TEST(Step, NeverBlocksWhenAskedNotToOrWithWorkLeft) {
    auto owned = std::make_unique<FakePoller>();
    FakePoller& poller = *owned;
    Desk desk(std::move(owned));
    std::vector<PollEvent> events;
    step(desk, events, kClock, false);
    EXPECT_FALSE(desk.wake_word().sleeping());
    desk.busy = true;
    step(desk, events, kClock, true);
    EXPECT_EQ(poller.waits, (std::vector<std::string>{"look", "look"}));
}

TEST(Step, AFinishedTurnableIsNotWaitedFor) {
    auto owned = std::make_unique<FakePoller>();
    FakePoller& poller = *owned;
    Desk desk(std::move(owned));
    desk.on_turn = [&] { desk.stop = true; };
    std::vector<PollEvent> events;
    step(desk, events, kClock, true);
    EXPECT_TRUE(poller.waits.empty());
}

TEST(Executor, ServesEveryPostOfManyThreadsAndSleepsThroughNone) {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kPosts = 5000;
    Desk desk(epoll());
    Executor executor(kClock, "test");
    executor.seat(desk);
    executor.start();
    std::size_t sum = 0;  // touched by the desk's thread alone: TSan proves the hand-over
    std::vector<std::thread> producers;
    for (std::size_t t = 0; t < kThreads; ++t) {
        producers.emplace_back([&, t] {
            for (std::size_t i = 0; i < kPosts; ++i) {
                desk.mailbox().deliver([&sum] { ++sum; });
                if (i % 64 == t) std::this_thread::yield();
            }
        });
    }
    for (std::thread& producer : producers)
        producer.join();
    desk.mailbox().deliver([&] { desk.stop = true; });
    executor.join();
    EXPECT_EQ(sum, kThreads * kPosts);
    EXPECT_EQ(desk.overslept, 0);
}

// Two desks throw a ball; each throw must wake the other. Together on one thread or apart on two.
void play(Desk& left, Desk& right, int throws) {
    const auto count = std::make_shared<int>(throws);
    auto toss = std::make_shared<std::function<void(Desk&, Desk&)>>();
    *toss = [count, &toss = *toss](Desk& from, Desk& to) {
        to.mailbox().deliver([count, &toss, &from, &to] {
            if (--*count > 0) return toss(to, from);
            to.stop = true;
            from.mailbox().deliver([&from] { from.stop = true; });
        });
    };
    (*toss)(left, right);
    left.on_turn = right.on_turn = [toss] {};  // keeps the ball alive as long as the desks
}

TEST(Executor, TwoThreadsWakeEachOther) {
    Desk left(epoll());
    Desk right(epoll());
    play(left, right, 20'000);
    Executor one(kClock, "left");
    Executor two(kClock, "right");
    one.seat(left);
    two.seat(right);
    one.start();
    two.start();
    one.join();
    two.join();
    EXPECT_EQ(left.overslept + right.overslept, 0);
    EXPECT_GE(left.served + right.served, 20'000U);
}

TEST(Executor, TwoSeatsShareAThreadAndAreWokenFromOutside) {
    auto poller_left = epoll();
    auto poller_right = epoll();
    const int handle_left = poller_left->handle();
    const int handle_right = poller_right->handle();
    Desk left(std::move(poller_left));
    Desk right(std::move(poller_right));
    Executor executor(kClock, "both");
    executor.seat(left, handle_left);
    executor.seat(right, handle_right);
    play(left, right, 2000);
    executor.start();
    executor.join();
    EXPECT_GE(left.served + right.served, 2000U);

    left.stop = right.stop = false;
    Executor again(kClock, "both");
    again.seat(left, handle_left);
    again.seat(right, handle_right);
    again.start();
    for (Desk* desk : {&left, &right})
        for (int i = 0; i < 500; ++i)
            desk->mailbox().deliver([] { std::this_thread::yield(); });
    left.mailbox().deliver([&] { left.stop = true; });
    right.mailbox().deliver([&] { right.stop = true; });
    again.join();
    EXPECT_EQ(left.overslept + right.overslept, 0);
}

TEST(Pool, EveryJobIsAnsweredOnceOnTheAskersThread) {
    Desk desk(epoll());
    Executor executor(kClock, "asker");
    WorkerPool pool(kClock, {.threads = 3, .queue_jobs = 100'000});
    executor.seat(desk);
    executor.start();
    constexpr int kJobs = 2000;
    int answered = 0;
    std::atomic<int> ran{0};
    for (int i = 0; i < kJobs; ++i) {
        const bool taken = pool.try_submit({.work = [&]() -> Deliver {
                                                ++ran;
                                                return [&] {
                                                    if (++answered == kJobs) desk.stop = true;
                                                };
                                            },
                                            .late = [] { FAIL() << "no deadline was set"; },
                                            .deadline = kNever},
                                           desk.mailbox());
        ASSERT_TRUE(taken);
    }
    executor.join();
    EXPECT_EQ(ran, kJobs);
    EXPECT_EQ(answered, kJobs);
}

// Keeps the only worker busy until told, so that the queue's behaviour can be seen.
struct BusyPool {
    explicit BusyPool(std::size_t queue_jobs) : pool(kClock, {.threads = 1, .queue_jobs = queue_jobs}) {
        const bool taken = pool.try_submit({.work = [this]() -> Deliver {
                                                busy = true;
                                                busy.notify_all();
                                                release.wait(false);
                                                return [] {};
                                            },
                                            .late = [] {},
                                            .deadline = kNever},
                                           mailbox);
        EXPECT_TRUE(taken);
        busy.wait(false);
    }
    ~BusyPool() { let_go(); }
    void let_go() {
        release = true;
        release.notify_all();
    }
    PoolJob job(std::string name, MonoTime deadline) {
        return {.work = [this, name]() -> Deliver { return [this, name] { seen.push_back("ran " + name); }; },
                .late = [this, name] { seen.push_back("late " + name); },
                .deadline = deadline};
    }
    WakeWord word;
    FakePoller poller;
    Mailbox mailbox{word, poller};
    std::atomic<bool> busy{false};
    std::atomic<bool> release{false};
    std::vector<std::string> seen;
    WorkerPool pool;
};

TEST(Pool, AFullQueueRefusesAndAnswersNothing) {
    BusyPool test(2);
    EXPECT_TRUE(test.pool.try_submit(test.job("a", kNever), test.mailbox));
    EXPECT_TRUE(test.pool.try_submit(test.job("b", kNever), test.mailbox));
    EXPECT_FALSE(test.pool.try_submit(test.job("c", kNever), test.mailbox));
    test.let_go();
    while (test.seen.size() < 2)
        test.mailbox.snapshot().serve();
    test.pool.drain();
    test.mailbox.snapshot().serve();
    EXPECT_EQ(test.seen, (std::vector<std::string>{"ran a", "ran b"}));
}

TEST(Pool, AJobPastItsDeadlineNeverRuns) {
    BusyPool test(8);
    EXPECT_TRUE(test.pool.try_submit(test.job("stale", kClock.mono()), test.mailbox));
    EXPECT_TRUE(test.pool.try_submit(test.job("fresh", kNever), test.mailbox));
    test.let_go();
    while (test.seen.size() < 2)
        test.mailbox.snapshot().serve();
    EXPECT_EQ(test.seen, (std::vector<std::string>{"late stale", "ran fresh"}));
}

TEST(Pool, DrainAnswersWhatWaitsAndTakesNothingNew) {
    BusyPool test(8);
    EXPECT_TRUE(test.pool.try_submit(test.job("waiting", kNever), test.mailbox));
    std::thread drainer([&] { test.pool.drain(); });
    while (test.seen.empty())
        test.mailbox.snapshot().serve();
    EXPECT_FALSE(test.pool.try_submit(test.job("new", kNever), test.mailbox));
    test.let_go();
    drainer.join();
    test.mailbox.snapshot().serve();
    EXPECT_EQ(test.seen, (std::vector<std::string>{"late waiting"}));
}

}  // namespace
}  // namespace latchkey::net
