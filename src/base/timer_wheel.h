// Hierarchical timing wheel: a million keep-alives without a heap. Seven levels of 64 slots of 10 ms and up
// cover all of MonoTime; nodes live inside their owners; nothing is allocated and no clock is read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/time.h"

namespace latchkey {

/// A link of the wheel's lists; part of TimerNode.
struct TimerLink {
    TimerLink* next = nullptr;
    TimerLink* previous = nullptr;
};

/// Embed one in whatever has a deadline (as a base or a member). It leaves its wheel when destroyed; it must
/// not move.
/// @thread that of its wheel
class TimerNode : private TimerLink {
  public:
    TimerNode() = default;
    TimerNode(const TimerNode&) = delete;
    TimerNode& operator=(const TimerNode&) = delete;
    ~TimerNode() { unlink(); }

    bool scheduled() const noexcept { return next != nullptr; }
    /// Meaningful while scheduled, and inside the callback.
    MonoTime deadline() const noexcept { return deadline_; }

  private:
    friend class TimerWheel;
    void unlink() noexcept {
        if (next == nullptr) return;
        next->previous = previous;
        previous->next = next;
        next = previous = nullptr;
    }
    MonoTime deadline_{};
    std::uint64_t order_ = 0;
};

/// @thread owner (a shard's) @cost schedule and cancel O(1); a node is moved at most once per level
class TimerWheel {
  public:
    static constexpr Duration kTick = std::chrono::milliseconds(10);

    /// `now` is where the wheel starts; only later times are advanced to.
    explicit TimerWheel(MonoTime now = MonoTime{});
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;
    /// Nodes that are still scheduled become unscheduled.
    ~TimerWheel();

    /// Fires in the first advance() at or after `deadline` rounded up to a tick: never early, under 10 ms
    /// late. A node that is already scheduled moves. A deadline in the past fires in the next advance().
    void schedule(TimerNode& node, MonoTime deadline) noexcept;
    void cancel(TimerNode& node) noexcept { node.unlink(); }

    /// Calls `fn(TimerNode&)` for each node that is due, by deadline, then by the order of schedule(). The
    /// node is no longer scheduled when called; it, and any other, may be scheduled, cancelled or destroyed
    /// in there. What is scheduled in there never fires in this advance(), so that it ends. Not to be called
    /// from `fn`.
    /// @return how many fired
    template <class F>
    std::size_t advance(MonoTime now, F&& fn) {
        collect(now);
        std::size_t fired = 0;
        while (TimerNode* node = take_due()) {
            ++fired;
            fn(*node);
        }
        return fired;
    }

    /// When advance() has work next: exact for what is near, earlier (a cascade) for what is far; kNever when
    /// nothing is scheduled. A past time when something is overdue.
    MonoTime next_deadline() const noexcept;

  private:
    static constexpr unsigned kBits = 6;
    static constexpr std::size_t kSlots = std::size_t{1} << kBits;
    static constexpr std::size_t kLevels = 7;

    struct Event {
        std::uint64_t tick;
        std::size_t level;
        std::size_t slot;
    };

    static TimerNode& node_of(TimerLink& link) noexcept;
    static std::uint64_t tick_of_deadline(MonoTime deadline) noexcept;
    static void clear(TimerLink& list) noexcept;
    static bool is_empty(const TimerLink& list) noexcept { return list.next == &list; }
    static void append(TimerLink& list, TimerLink& link) noexcept;
    static void splice(TimerLink& to, TimerLink& from) noexcept;
    static void sort(TimerLink& list) noexcept;
    static void release(TimerLink& list) noexcept;

    /// Moves everything due at `now` to due_, in order.
    void collect(MonoTime now) noexcept;
    TimerNode* take_due() noexcept;
    void place(TimerNode& node, TimerLink& when_due) noexcept;
    /// The earliest slot ahead with a node in it; false when there is none.
    bool find_event(Event& event) const noexcept;

    std::uint64_t current_ = 0;  ///< tick up to which everything fired
    std::uint64_t orders_ = 0;
    TimerLink due_;      ///< being fired by advance()
    TimerLink overdue_;  ///< scheduled at or before current_; for the next advance()
    /// A set bit may belong to a slot that emptied by cancels; it is cleared when met.
    mutable std::array<std::uint64_t, kLevels> occupied_{};
    std::array<std::array<TimerLink, kSlots>, kLevels> slots_;
};

}  // namespace latchkey
