// Names for objects that may be gone when somebody asks: {slot, generation} within a shard, and Ticket, which
// finds the way back to a shard from the worker pool or the network. epoll and completions carry these, never
// a pointer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/time.h"

namespace latchkey {

/// Names one life of one slot. A default one names nothing.
struct SlotId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    explicit operator bool() const noexcept { return generation != 0; }
    bool operator==(const SlotId&) const = default;
    /// For epoll_event.data.u64.
    std::uint64_t packed() const noexcept { return (std::uint64_t{generation} << 32) | slot; }
    static SlotId from_packed(std::uint64_t packed) noexcept {
        return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
    }
};

/// Who waits for an answer and until when; a completion brings it back to the shard, which looks the slot up.
struct Ticket {
    std::uint32_t shard = 0;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    MonoTime deadline = kNever;

    SlotId id() const noexcept { return {slot, generation}; }
    bool operator==(const Ticket&) const = default;
};

/// A slab with stable addresses. Every operation is O(1); a slot's generation moves at erase(), so an old
/// SlotId finds nothing; a slot whose generations are used up retires. Slots are reused last out, first in:
/// deterministic.
/// @thread owner
template <class T>
class SlotMap {
  public:
    SlotMap() = default;
    SlotMap(const SlotMap&) = delete;
    SlotMap& operator=(const SlotMap&) = delete;
    ~SlotMap() {
        for_each([this](SlotId id, T&) { erase(id); });
    }

    template <class... Args>
    SlotId emplace(Args&&... args) {
        if (free_ == kNone) grow();
        const std::uint32_t slot = free_;
        Cell& cell = cell_at(slot);
        ::new (static_cast<void*>(cell.bytes)) T(std::forward<Args>(args)...);
        free_ = cell.next_free;
        cell.next_free = kAlive;
        ++size_;
        return {slot, cell.generation};
    }

    T* find(SlotId id) noexcept {
        if (id.slot >= slots_) return nullptr;
        Cell& cell = cell_at(id.slot);
        return cell.next_free == kAlive && cell.generation == id.generation ? cell.object() : nullptr;
    }
    T* find(std::uint32_t slot, std::uint32_t generation) noexcept { return find(SlotId{slot, generation}); }

    /// False when it was gone already.
    bool erase(SlotId id) noexcept {
        T* object = find(id);
        if (object == nullptr) return false;
        Cell& cell = cell_at(id.slot);
        // Moved before the destructor runs: what it calls cannot find the dying object.
        cell.next_free = kNone;
        ++cell.generation;
        --size_;
        object->~T();
        if (cell.generation == 0) return true;  // used up: never handed out again
        cell.next_free = free_;
        free_ = id.slot;
        return true;
    }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    /// Calls `fn(SlotId, T&)` in slot order; `fn` may erase any. What is added meanwhile may or may not be
    /// seen.
    template <class F>
    void for_each(F&& fn) {
        for (std::uint32_t slot = 0; slot < slots_; ++slot) {
            Cell& cell = cell_at(slot);
            if (cell.next_free == kAlive) fn(SlotId{slot, cell.generation}, *cell.object());
        }
    }

  private:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::uint32_t kAlive = kNone - 1;
    static constexpr std::uint32_t kChunk = 64;

    struct Cell {
        alignas(T) std::byte bytes[sizeof(T)];
        std::uint32_t generation = 1;
        std::uint32_t next_free = kNone;
        T* object() noexcept { return std::launder(reinterpret_cast<T*>(bytes)); }
    };

    Cell& cell_at(std::uint32_t slot) noexcept { return chunks_[slot / kChunk][slot % kChunk]; }
    void grow() {
        // Not make_unique: that would zero the storage of every object.
        chunks_.push_back(std::unique_ptr<Cell[]>(new Cell[kChunk]));
        for (std::uint32_t i = kChunk; i-- > 0;) {
            chunks_.back()[i].next_free = free_;
            free_ = slots_ + i;
        }
        slots_ += kChunk;
    }

    std::vector<std::unique_ptr<Cell[]>> chunks_;
    std::uint32_t slots_ = 0;
    std::uint32_t free_ = kNone;
    std::size_t size_ = 0;
};

}  // namespace latchkey
