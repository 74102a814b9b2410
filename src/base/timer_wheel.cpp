// See timer_wheel.h. A node at level L has the same base-64 digits as the current tick above digit L, and a
// greater digit L; so the lowest level with a node ahead holds the earliest one.
// SPDX-License-Identifier: Apache-2.0
#include "base/timer_wheel.h"

#include <bit>

namespace latchkey {

TimerNode& TimerWheel::node_of(TimerLink& link) noexcept {
    return static_cast<TimerNode&>(link);
}

std::uint64_t TimerWheel::tick_of_deadline(MonoTime deadline) noexcept {
    const std::int64_t ns = deadline.time_since_epoch().count();
    // Rounded up: never early.
    return ns <= 0 ? 0 : static_cast<std::uint64_t>((ns - 1) / kTick.count() + 1);
}

void TimerWheel::clear(TimerLink& list) noexcept {
    list.next = list.previous = &list;
}

void TimerWheel::append(TimerLink& list, TimerLink& link) noexcept {
    link.previous = list.previous;
    link.next = &list;
    list.previous->next = &link;
    list.previous = &link;
}

void TimerWheel::splice(TimerLink& to, TimerLink& from) noexcept {
    if (is_empty(from)) return;
    from.next->previous = to.previous;
    to.previous->next = from.next;
    from.previous->next = &to;
    to.previous = from.previous;
    clear(from);
}

void TimerWheel::release(TimerLink& list) noexcept {
    while (!is_empty(list))
        node_of(*list.next).unlink();
}

TimerWheel::TimerWheel(MonoTime now) {
    const std::int64_t ns = now.time_since_epoch().count();
    current_ = ns <= 0 ? 0 : static_cast<std::uint64_t>(ns / kTick.count());
    clear(due_);
    clear(overdue_);
    for (auto& level : slots_) {
        for (TimerLink& slot : level)
            clear(slot);
    }
}

TimerWheel::~TimerWheel() {
    release(due_);
    release(overdue_);
    for (auto& level : slots_) {
        for (TimerLink& slot : level)
            release(slot);
    }
}

void TimerWheel::schedule(TimerNode& node, MonoTime deadline) noexcept {
    node.unlink();
    node.deadline_ = deadline;
    node.order_ = ++orders_;
    place(node, overdue_);
}

void TimerWheel::place(TimerNode& node, TimerLink& when_due) noexcept {
    const std::uint64_t tick = tick_of_deadline(node.deadline_);
    if (tick <= current_) {
        append(when_due, node);
        return;
    }
    const auto highest = static_cast<unsigned>(std::bit_width(tick ^ current_) - 1);
    const std::size_t level = highest / kBits;
    const std::size_t slot = (tick >> (level * kBits)) % kSlots;
    append(slots_[level][slot], node);
    occupied_[level] |= std::uint64_t{1} << slot;
}

bool TimerWheel::find_event(Event& event) const noexcept {
    for (std::size_t level = 0; level < kLevels; ++level) {
        const std::size_t digit = (current_ >> (level * kBits)) % kSlots;
        // Two shifts: one by 64 would be undefined.
        std::uint64_t ahead = occupied_[level] & (~std::uint64_t{0} << digit << 1);
        while (ahead != 0) {
            const auto slot = static_cast<std::size_t>(std::countr_zero(ahead));
            if (!is_empty(slots_[level][slot])) {
                const std::size_t above = (level + 1) * kBits;
                event = {(current_ >> above << above) | (std::uint64_t{slot} << (level * kBits)), level,
                         slot};
                return true;
            }
            ahead &= ahead - 1;
            occupied_[level] &= ~(std::uint64_t{1} << slot);
        }
    }
    return false;
}

void TimerWheel::collect(MonoTime now) noexcept {
    const std::int64_t ns = now.time_since_epoch().count();
    const std::uint64_t target = ns <= 0 ? 0 : static_cast<std::uint64_t>(ns / kTick.count());
    sort(overdue_);
    splice(due_, overdue_);
    Event event{};
    while (current_ < target && find_event(event) && event.tick <= target) {
        current_ = event.tick;
        TimerLink here;
        TimerLink now_due;
        clear(here);
        clear(now_due);
        splice(here, slots_[event.level][event.slot]);
        occupied_[event.level] &= ~(std::uint64_t{1} << event.slot);
        while (!is_empty(here)) {
            TimerNode& node = node_of(*here.next);
            node.unlink();
            place(node, now_due);
        }
        sort(now_due);
        splice(due_, now_due);
    }
    if (current_ < target) current_ = target;
}

TimerNode* TimerWheel::take_due() noexcept {
    if (is_empty(due_)) return nullptr;
    TimerNode& node = node_of(*due_.next);
    node.unlink();
    return &node;
}

MonoTime TimerWheel::next_deadline() const noexcept {
    Event event{current_, 0, 0};
    if (is_empty(overdue_) && is_empty(due_) && !find_event(event)) return kNever;
    // Ticks come from int64 nanoseconds; only the last one, rounded up, can be beyond them.
    const std::uint64_t last = static_cast<std::uint64_t>(kNever.time_since_epoch().count() / kTick.count());
    return event.tick > last ? kNever : MonoTime(kTick * static_cast<std::int64_t>(event.tick));
}

/// Bottom-up merge sort by (deadline, order) over the forward links; no recursion, no allocation.
void TimerWheel::sort(TimerLink& list) noexcept {
    const auto before = [](TimerLink* a, TimerLink* b) {
        const TimerNode& x = node_of(*a);
        const TimerNode& y = node_of(*b);
        return x.deadline_ != y.deadline_ ? x.deadline_ < y.deadline_ : x.order_ < y.order_;
    };
    if (is_empty(list) || list.next->next == &list) return;
    list.previous->next = nullptr;
    TimerLink* head = list.next;
    for (std::size_t width = 1;; width *= 2) {
        TimerLink merged;
        TimerLink* tail = &merged;
        std::size_t merges = 0;
        for (TimerLink* left = head; left != nullptr;) {
            ++merges;
            TimerLink* right = left;
            std::size_t left_size = 0;
            for (; left_size < width && right != nullptr; ++left_size)
                right = right->next;
            std::size_t right_size = width;
            while (left_size > 0 || (right_size > 0 && right != nullptr)) {
                const bool right_ends = right_size == 0 || right == nullptr;
                const bool take_left = left_size > 0 && (right_ends || before(left, right));
                TimerLink*& from = take_left ? left : right;
                --(take_left ? left_size : right_size);
                tail->next = from;
                tail = from;
                from = from->next;
            }
            left = right;
        }
        tail->next = nullptr;
        head = merged.next;
        if (merges <= 1) break;
    }
    clear(list);
    while (head != nullptr) {
        TimerLink* next = head->next;
        append(list, *head);
        head = next;
    }
}

}  // namespace latchkey
