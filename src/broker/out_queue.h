// OutQueue: what waits for one session, and what is on its way unacknowledged. Entries are 24 bytes and hold
// a reference, never bytes: encoding happens at flush, so that revocation, expiry and bounds still reach what
// waits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/message.h"

namespace latchkey::broker {

struct QueueEntry {
    MessageRef message;  ///< empty once the receiver has a QoS 2 message (PUBREC), or parked
    std::uint32_t subscription_ids =
        0;                     ///< one identifier, or with `many_ids` the key of one of the session's lists
    std::uint32_t judged = 0;  ///< low half of the policy version under which the receiver was decided
    /// Through which of the session's memberships it came, 0: none. Then `subscription_ids` is free, and with
    /// `many_ids` the list holds the numbers of members that refused it.
    std::uint16_t share = 0;
    std::uint16_t packet_id = 0;  ///< 0 until it enters the window
    std::uint8_t qos = 0;
    std::uint8_t granted = 0;  ///< highest QoS of the subscriptions that hold it: rights are asked for it
    bool retain : 1 = false;
    bool many_ids : 1 = false;
    bool sent : 1 = false;      ///< bytes have left on some connection: DUP from now on
    bool released : 1 = false;  ///< QoS 2: PUBREC came, PUBREL is owed or sent
    bool parked : 1 = false;  ///< QoS 2: withdrawn after it was sent; only PUBCOMP frees the id (data-path 9)
};

/// A ring that grows by doubling and gives its memory back when it runs empty. @thread shard
class EntryRing {
  public:
    EntryRing() = default;
    EntryRing(EntryRing&&) = default;
    EntryRing& operator=(EntryRing&&) = default;

    bool empty() const noexcept { return size_ == 0; }
    std::uint32_t size() const noexcept { return size_; }
    QueueEntry& operator[](std::uint32_t i) noexcept { return slots_[(head_ + i) & (capacity_ - 1)]; }
    QueueEntry& front() noexcept { return (*this)[0]; }
    QueueEntry& back() noexcept { return (*this)[size_ - 1]; }

    QueueEntry& push_back(QueueEntry entry) {
        if (size_ == capacity_) grow();
        ++size_;
        return back() = std::move(entry);
    }
    void push_front(QueueEntry entry) {
        if (size_ == capacity_) grow();
        head_ = (head_ + capacity_ - 1) & (capacity_ - 1);
        ++size_;
        front() = std::move(entry);
    }
    void pop_front() noexcept {
        front() = QueueEntry{};
        head_ = (head_ + 1) & (capacity_ - 1);
        --size_;
        release_if_empty();
    }
    void pop_back() noexcept {
        back() = QueueEntry{};
        --size_;
        release_if_empty();
    }
    /// Removes one in the middle, keeping the order of the others.
    void erase(std::uint32_t i) noexcept {
        for (; i > 0; --i)
            (*this)[i] = std::move((*this)[i - 1]);
        pop_front();
    }
    void clear() noexcept {
        while (!empty())
            pop_front();
    }

  private:
    static constexpr std::uint32_t kKeep = 64;

    void grow() {
        const std::uint32_t capacity = capacity_ == 0 ? 8 : capacity_ * 2;
        auto slots = std::make_unique<QueueEntry[]>(capacity);
        for (std::uint32_t i = 0; i < size_; ++i)
            slots[i] = std::move((*this)[i]);
        slots_ = std::move(slots);
        capacity_ = capacity;
        head_ = 0;
    }
    void release_if_empty() noexcept {
        // A busy session keeps a small ring; a burst, or an idle session's last entry, gives the memory back.
        if (size_ != 0 || capacity_ <= kKeep) return;
        slots_.reset();
        capacity_ = head_ = 0;
    }

    std::unique_ptr<QueueEntry[]> slots_;
    std::uint32_t head_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
};

}  // namespace latchkey::broker
