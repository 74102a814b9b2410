// The matching tree of one shard: filters to values, asked with every published topic. Levels are interned,
// nodes are small records in one array, edges live in one hash table; a match allocates nothing and never
// recurses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>

#include "topic/trie_index.h"

namespace latchkey::topic {

/// @thread shard (one owner; no internal locking). References to values stay valid until their own erase.
template <class Value>
class Trie {
  public:
    explicit Trie(const HashSeed& seed) : index_(seed) {}

    /// The value of a filter; a default one is made when there is none.
    /// @return nullptr when the filter has more than kMaxTrieLevels levels
    Value* find_or_insert(std::string_view filter) {
        const TrieIndex::Slot slot = index_.insert(filter);
        if (slot == TrieIndex::kNone) return nullptr;
        if (slot >= values_.size()) values_.resize(slot + 1);
        return &values_[slot];
    }
    /// Sets the value of a filter. @return false as find_or_insert's nullptr
    bool insert(std::string_view filter, Value value) {
        Value* place = find_or_insert(filter);
        if (place == nullptr) return false;
        *place = std::move(value);
        return true;
    }
    /// The value of exactly this filter, or nullptr.
    Value* find(std::string_view filter) {
        const TrieIndex::Slot slot = index_.find(filter);
        return slot == TrieIndex::kNone ? nullptr : &values_[slot];
    }
    /// Forgets a filter. @return was it there?
    bool erase(std::string_view filter) {
        const TrieIndex::Slot slot = index_.erase(filter);
        if (slot == TrieIndex::kNone) return false;
        values_[slot] = Value{};
        return true;
    }
    /// Calls fn(Value&) once for each filter that holds the topic, in an order that depends only on the
    /// history of calls. `fn` must not change the tree. @cost no allocation
    template <class Fn>
    void match(std::string_view topic, Fn&& fn) {
        index_.match(topic, [&](TrieIndex::Slot slot) { fn(values_[slot]); });
    }
    /// Calls fn(filter, Value&) for every filter. @cost allocates one string
    template <class Fn>
    void for_each(Fn&& fn) {
        index_.for_each([&](std::string_view filter, TrieIndex::Slot slot) { fn(filter, values_[slot]); });
    }

    std::size_t size() const noexcept { return index_.size(); }
    bool empty() const noexcept { return size() == 0; }
    std::size_t node_count() const noexcept { return index_.node_count(); }
    /// What the tree itself takes; what the values point to is the caller's.
    std::size_t memory_bytes() const noexcept {
        return index_.memory_bytes() + values_.size() * sizeof(Value);
    }

  private:
    TrieIndex index_;
    std::deque<Value> values_;
};

}  // namespace latchkey::topic
