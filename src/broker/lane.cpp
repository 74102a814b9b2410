// See lane.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/lane.h"

#include "broker/handoff.h"
#include "broker/retained_page.h"

namespace latchkey::broker {

namespace {
void free_contents(const LaneEntry& entry) {
    if (entry.message) Message::release(entry.message);
    if (entry.kind == LaneEntry::Kind::Handoff) {
        delete entry.handoff;
    } else {
        delete entry.page;
    }
}
}  // namespace

Lane::Lane(const LaneBounds& bounds)
    : ring_(std::make_unique<LaneEntry[]>(bounds.entries)),
      mask_(bounds.entries - 1),
      max_bytes_(bounds.bytes) {}

Lane::~Lane() {
    while (const LaneEntry* entry = front(tail())) {
        free_contents(*entry);
        pop();
    }
}

bool Lane::full(std::uint32_t bytes) const noexcept {
    const std::uint64_t used = tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_acquire);
    if (used == 0) return false;
    if (used > mask_) return true;
    return pushed_bytes_ - drained_bytes_.load(std::memory_order_relaxed) + bytes > max_bytes_;
}

bool Lane::try_push(const LaneEntry& entry) noexcept {
    if (full(entry.bytes)) return false;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    ring_[tail & mask_] = entry;
    pushed_bytes_ += entry.bytes;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
}

const LaneEntry* Lane::front(std::uint64_t end) const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    return head == end ? nullptr : &ring_[head & mask_];
}

void Lane::pop() noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint32_t bytes = ring_[head & mask_].bytes;
    ring_[head & mask_] = LaneEntry{};
    drained_bytes_.store(drained_bytes_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    head_.store(head + 1, std::memory_order_release);
}

Outlet::~Outlet() {
    for (const Waiter& waiter : waiting_)
        free_contents(waiter.entry);
}

bool Outlet::offer(const LaneEntry& entry) {
    // A ring that looked full is asked once more after the stall was announced: the consumer looks at the
    // announcement after its batch, so one of the two sees the other (data-path 5).
    if (!lane_.try_push(entry)) {
        lane_.announce_stall();
        if (!lane_.try_push(entry)) return false;
    }
    pushed_ = true;
    return true;
}

}  // namespace latchkey::broker
