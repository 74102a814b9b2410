// The untyped half of the matching tree: filters to slot numbers. See trie.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "topic/name.h"

namespace latchkey::topic {

/// Filters deeper than this are not taken; deeper topics are matched by what can match them.
inline constexpr std::size_t kMaxTrieLevels = kDefaultMaxLevels;

/// @thread shard (one owner; no internal locking)
class TrieIndex {
  public:
    using Slot = std::uint32_t;
    static constexpr Slot kNone = 0xFFFF'FFFF;

    explicit TrieIndex(const HashSeed& seed);

    /// The slot of the filter, an old one or the next free one. kNone: too many levels.
    Slot insert(std::string_view filter);
    Slot find(std::string_view filter) const;
    /// The slot that became free, or kNone. Slots are used again, last freed first.
    Slot erase(std::string_view filter);

    template <class Fn>
    void match(std::string_view topic, Fn&& fn) const;
    void for_each(const std::function<void(std::string_view, Slot)>& fn) const;

    std::size_t size() const noexcept { return size_; }
    std::size_t node_count() const noexcept { return nodes_.size() - free_nodes_.size(); }
    std::size_t memory_bytes() const noexcept;

  private:
    using Id = std::uint32_t;
    static constexpr Id kRoot = 0;

    /// A filter's prefix without `#`. `#` needs no node: it is a slot of its parent.
    struct Node {
        Id parent = kNone;
        Id level = kNone;    ///< interned text of the edge; kPlus for `+`
        Id plus = kNone;     ///< child by `+`
        Slot slot = kNone;   ///< the filter that ends here
        Slot below = kNone;  ///< the filter that ends here with `/#`
        Id children = 0;     ///< literal and `+` children
    };
    struct Level {
        std::string text;
        Id uses = 0;
    };
    static constexpr Id kPlus = 0xFFFF'FFFE;

    /// Open addressing over ids; the keys live in nodes_ and levels_.
    struct IdTable {
        template <class Equal>
        Id find(std::uint64_t hash, Equal&& equal) const noexcept;
        template <class HashOf>
        void insert(Id id, HashOf&& hash_of);
        template <class HashOf>
        void erase(Id id, HashOf&& hash_of) noexcept;
        void place(Id id, std::uint64_t hash) noexcept;

        std::vector<Id> cells;
        std::size_t used = 0;
    };

    std::uint64_t edge_hash(Id parent, Id level) const noexcept;
    Id find_level(std::string_view text) const noexcept;
    Id use_level(std::string_view text);
    void drop_level(Id level);
    Id find_child(Id parent, Id level) const noexcept;
    Id add_child(Id parent, Id level);
    Id walk(std::string_view filter, bool& below) const;
    void prune(Id node);
    Slot take_slot();

    HashSeed seed_;
    std::uint64_t edge_seed_;
    std::vector<Node> nodes_;
    std::vector<Id> free_nodes_;
    std::vector<Level> levels_;
    std::vector<Id> free_levels_;
    IdTable edge_table_;
    IdTable level_table_;
    std::vector<Slot> free_slots_;
    Slot next_slot_ = 0;
    std::size_t size_ = 0;
};

template <class Fn>
void TrieIndex::match(std::string_view topic, Fn&& fn) const {
    // Ids of the topic's levels; what lies below kMaxTrieLevels can only be met by a `#`.
    std::array<Id, kMaxTrieLevels> ids;
    std::size_t depth = 0;
    bool deeper = false;
    for (Levels l(topic); !l.done(); l.next()) {
        if (depth == kMaxTrieLevels) {
            deeper = true;
            break;
        }
        ids[depth++] = find_level(l.level());
    }
    // Depth first: each level leaves at most one alternative (its `+`) behind.
    struct Pending {
        Id node;
        std::uint32_t at;
    };
    std::array<Pending, kMaxTrieLevels + 1> stack;
    std::size_t top = 0;
    const bool dollar = is_dollar(topic);
    stack[top++] = {kRoot, 0};
    while (top > 0) {
        auto [node, at] = stack[--top];
        for (;;) {
            const Node& n = nodes_[node];
            const bool guarded = at == 0 && dollar;
            if (n.below != kNone && !guarded) fn(n.below);
            if (at == depth) {
                if (n.slot != kNone && !deeper) fn(n.slot);
                break;
            }
            const Id literal = ids[at] == kNone ? kNone : find_child(node, ids[at]);
            const Id plus = guarded ? kNone : n.plus;
            ++at;
            if (literal != kNone) {
                if (plus != kNone) stack[top++] = {plus, at};
                node = literal;
            } else if (plus != kNone) {
                node = plus;
            } else {
                break;
            }
        }
    }
}

}  // namespace latchkey::topic
