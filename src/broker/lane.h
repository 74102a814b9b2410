// Lane: one ring from one shard to another, single producer, single consumer, and the producer's end of it
// (Outlet) with its FIFO of those who wait. A push never waits: who finds the ring full, or somebody waiting,
// queues behind. Protocol: data-path section 5; model tests/models/shards/lanes.pml.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "broker/message.h"

namespace latchkey::broker {

class Parcel;
struct Handoff;
struct RetainedPage;

/// One entry. Exactly what `kind` needs is set; the receiver owns what the pointers carry.
struct LaneEntry {
    enum class Kind : std::uint8_t {
        Deliver,       ///< publish lane: `message` to whoever subscribes here
        Retain,        ///< publish lane: `message` to this topic's owner
        Mark,          ///< publish lane: everything older has been drained; `round` names the question
        RetainedPage,  ///< forward lane: `page` for a session here
        Handoff,       ///< forward lane: `handoff` for a member of a shared group here
    };
    Kind kind = Kind::Deliver;
    Message* message = nullptr;
    union {
        RetainedPage* page = nullptr;
        Handoff* handoff;
    };
    std::uint64_t round = 0;
    std::uint32_t bytes = 0;  ///< what it counts against the lane's bound
};

struct LaneBounds {
    std::uint32_t entries = 16 * 1024;  ///< a power of two
    std::uint64_t bytes = 8ULL * 1024 * 1024;
};

/// The ring. Producer methods on the producer's thread, consumer methods on the consumer's.
class Lane {
  public:
    explicit Lane(const LaneBounds& bounds);
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;
    /// Releases what was never drained.
    ~Lane();

    /// Producer. False when full; one entry is always admitted to an empty ring, whatever its size.
    bool try_push(const LaneEntry& entry) noexcept;
    /// Producer, at a full ring: says that it waits; then it tries once more.
    void announce_stall() noexcept { stalled_.exchange(1); }

    /// Consumer: where the producer stood. Draining stops there.
    std::uint64_t tail() const noexcept { return tail_.load(std::memory_order_acquire); }
    std::uint64_t head() const noexcept { return head_.load(std::memory_order_relaxed); }
    /// Consumer: next entry before `end`, or null. Stays valid until pop().
    const LaneEntry* front(std::uint64_t end) const noexcept;
    void pop() noexcept;
    /// Consumer, after a batch: true when the producer waits for room and must be notified.
    bool take_stall() noexcept { return stalled_.exchange(0) == 1; }

  private:
    bool full(std::uint32_t bytes) const noexcept;

    std::unique_ptr<LaneEntry[]> ring_;
    std::uint64_t mask_;
    std::uint64_t max_bytes_;
    std::uint64_t pushed_bytes_ = 0;  // producer's own
    alignas(64) std::atomic<std::uint64_t> tail_{0};
    alignas(64) std::atomic<std::uint64_t> head_{0};
    std::atomic<std::uint64_t> drained_bytes_{0};
    alignas(64) std::atomic<std::uint32_t> stalled_{0};
};

/// The producer's end of a lane. @thread shard (producer)
class Outlet {
  public:
    explicit Outlet(Lane& lane) : lane_(lane) {}
    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;
    /// Releases what still waited.
    ~Outlet();

    /// Pushes unless the ring is full or somebody already waits: else a busy publisher starves a waiting one,
    /// and a will overtakes the message before it.
    bool try_now(const LaneEntry& entry) { return waiting_.empty() && offer(entry); }
    /// Queues an entry that try_now refused. `parcel` is told when it went in; null: nobody waits for it.
    void wait(const LaneEntry& entry, Parcel* parcel) { waiting_.push_back({entry, parcel}); }
    /// try_now, else wait, for what nobody waits for. @return true when it went in at once
    bool push(const LaneEntry& entry) {
        if (try_now(entry)) return true;
        wait(entry, nullptr);
        return false;
    }
    /// Moves waiters into the ring as far as there is room, oldest first; calls `pushed(Parcel*)` for each.
    template <class F>
    void settle(F&& pushed) {
        while (!waiting_.empty()) {
            if (!offer(waiting_.front().entry)) return;
            Parcel* parcel = waiting_.front().parcel;
            waiting_.pop_front();
            if (parcel) pushed(parcel);
        }
    }
    bool waiting() const noexcept { return !waiting_.empty(); }
    /// Where the ring's head stands once all that was pushed and all that waits has been drained.
    std::uint64_t end() const noexcept { return lane_.tail() + waiting_.size(); }
    /// Something was pushed since the last call: the consumer is to be notified.
    bool take_pushed() noexcept { return std::exchange(pushed_, false); }

  private:
    struct Waiter {
        LaneEntry entry;
        Parcel* parcel;
    };
    bool offer(const LaneEntry& entry);

    Lane& lane_;
    std::deque<Waiter> waiting_;
    bool pushed_ = false;
};

}  // namespace latchkey::broker
