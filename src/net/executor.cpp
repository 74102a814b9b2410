// The loop around turns; see executor.h for the order that it must keep.
// SPDX-License-Identifier: Apache-2.0
#include "net/executor.h"

#include <algorithm>
#include <ctime>

#include <poll.h>
#include <pthread.h>

#include "base/result.h"

namespace latchkey::net {

namespace {

constexpr Duration kShortTurn = std::chrono::milliseconds(1);

Duration thread_cpu() {
    timespec spent{};
    if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) != 0) return {};
    return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

}  // namespace

MonoTime step(Turnable& turnable, std::vector<PollEvent>& events, const Clock& clock, bool may_block) {
    turnable.wake_word().begin_turn();
    const MonoTime begun = clock.mono();
    const Duration cpu = thread_cpu();
    const MonoTime due = turnable.turn(begun, events);
    events.clear();
    if (turnable.finished()) return due;
    const MonoTime now = clock.mono();
    // The second look at the thread's own time is a system call: only turns that somebody could feel get it.
    const Duration wall = now - begun;
    turnable.took({.wall = wall, .cpu = wall < kShortTurn ? wall : thread_cpu() - cpu});
    // A sleeping word is promised a wake-up; one that was notified meanwhile only looks at its sockets.
    const bool sleeps = may_block && turnable.wake_word().prepare_sleep();
    turnable.poller().wait(now, sleeps ? due : now, events);
    return due;
}

void Executor::seat(Turnable& turnable, int poll_handle) {
    seats_.push_back({.turnable = &turnable, .poll_handle = poll_handle, .events = {}, .done = false});
}

void Executor::start() {
    thread_ = std::thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
}

void Executor::join() {
    if (thread_.joinable()) thread_.join();
}

void Executor::run() {
    if (seats_.size() == 1)
        run_single(seats_.front());
    else
        run_many();
}

void Executor::run_single(Seat& seat) {
    while (!seat.turnable->finished())
        LK_IGNORE(step(*seat.turnable, seat.events, clock_, true), "the wait used it");
}

// Several seats share the thread: each only looks at its own poller, then all of them sleep together.
void Executor::run_many() {
    for (;;) {
        MonoTime due = kNever;
        bool busy = false;
        bool alive = false;
        for (Seat& seat : seats_) {
            if (seat.done) continue;
            due = std::min(due, step(*seat.turnable, seat.events, clock_, false));
            busy = busy || !seat.events.empty();
            seat.done = seat.turnable->finished();
            alive = alive || !seat.done;
        }
        if (!alive) return;
        if (!busy) sleep_many(due);
    }
}

void Executor::sleep_many(MonoTime due) {
    bool notified = false;
    std::vector<pollfd> handles;
    for (Seat& seat : seats_) {
        if (seat.done) continue;
        notified = !seat.turnable->wake_word().prepare_sleep() || notified;
        handles.push_back({.fd = seat.poll_handle, .events = POLLIN, .revents = 0});
    }
    const MonoTime now = clock_.mono();
    if (!notified && due > now) {
        const std::int64_t left = due == kNever ? 0 : (due - now).count();
        timespec limit{};
        limit.tv_sec = static_cast<time_t>(left / 1'000'000'000);
        limit.tv_nsec = static_cast<long>(left % 1'000'000'000);
        LK_IGNORE(::ppoll(handles.data(), handles.size(), due == kNever ? nullptr : &limit, nullptr),
                  "whatever ended it, every poller is asked next");
    }
    for (Seat& seat : seats_)
        if (!seat.done) seat.turnable->poller().wait(now, now, seat.events);
}

}  // namespace latchkey::net
