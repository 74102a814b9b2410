// Threads for shards. A shard only has turns; the executor is the one who knows threads, waits on pollers and
// reads the clock. step() is the body of the loop, shared with the simulator, which calls it on one thread
// with a virtual clock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"
#include "net/poller.h"
#include "net/wake.h"

namespace latchkey::net {

/// What one turn took, on the wall and of this thread's own time: on a machine that is busy elsewhere the
/// first says how long others waited, the second whose fault it was.
struct TurnTime {
    Duration wall{};
    Duration cpu{};
};

/// What an executor runs. @thread its executor's; wake_word() and poller().wake() any
class Turnable {
  public:
    virtual ~Turnable() = default;
    /// One turn: inbox snapshot, lanes, serve the snapshot, these events, timers, flush.
    /// @return when the next turn is due at the latest; not later than `now` while work is left
    virtual MonoTime turn(MonoTime now, std::span<const PollEvent> events) = 0;
    /// How long the turn that just ended took. @thread its executor's
    virtual void took(const TurnTime& time) { static_cast<void>(time); }
    virtual Poller& poller() = 0;
    virtual WakeWord& wake_word() = 0;
    /// True once it will never need a turn again; asked after each turn. Stopping is asked for through its
    /// inbox.
    virtual bool finished() const = 0;
};

/// One turn and the wait after it. `events` holds what the last step collected and is replaced.
/// AWAKE comes before the turn drains anything and SLEEPING before the wait; NOTIFIED means another turn
/// instead.
/// @param may_block  false: only looks whether something is ready
/// @return when the next turn is due
MonoTime step(Turnable& turnable, std::vector<PollEvent>& events, const Clock& clock, bool may_block);

/// One thread with one or more Turnables. @thread control, except the loop itself
class Executor {
  public:
    /// @param name  of the thread, at most 15 characters
    Executor(const Clock& clock, std::string name) : clock_(clock), name_(std::move(name)) {}
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    /// Waits as join() does.
    ~Executor() { join(); }

    /// Before start(). @param poll_handle  readable when the turnable's poller has something
    /// (EpollPoller::handle()); needed only when there is more than one
    void seat(Turnable& turnable, int poll_handle = -1);
    void start();
    /// Returns when every Turnable said finished().
    void join();

  private:
    struct Seat {
        Turnable* turnable;
        int poll_handle;
        std::vector<PollEvent> events;
        bool done = false;
    };
    void run();
    void run_single(Seat& seat);
    void run_many();
    void sleep_many(MonoTime due);

    const Clock& clock_;
    std::string name_;
    std::vector<Seat> seats_;
    std::thread thread_;
};

}  // namespace latchkey::net
