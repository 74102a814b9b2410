// The matching tree's nodes, interned levels and edge table. See trie_index.h.
// SPDX-License-Identifier: Apache-2.0
#include "topic/trie_index.h"

#include <algorithm>
#include <bit>

namespace latchkey::topic {
namespace {

/// Vectors grow by a quarter: the budget is bytes per filter, and doubling would waste up to half of them.
template <class T>
void grow(std::vector<T>& v) {
    if (v.size() == v.capacity()) v.reserve(v.size() + v.size() / 4 + 16);
}

std::uint64_t mix(std::uint64_t x) noexcept {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ULL;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ULL;
    x ^= x >> 32;
    return x;
}

}  // namespace

TrieIndex::TrieIndex(const HashSeed& seed) : seed_(seed), edge_seed_(sip_hash(seed, "edge")) {
    nodes_.emplace_back();
}

std::uint64_t TrieIndex::edge_hash(Id parent, Id level) const noexcept {
    return mix(edge_seed_ ^ (std::uint64_t{parent} << 32 | level));
}

template <class Equal>
TrieIndex::Id TrieIndex::IdTable::find(std::uint64_t hash, Equal&& equal) const noexcept {
    if (cells.empty()) return kNone;
    const std::size_t mask = cells.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const Id id = cells[at];
        if (id == kNone || equal(id)) return id;
    }
}

template <class HashOf>
void TrieIndex::IdTable::insert(Id id, HashOf&& hash_of) {
    if ((used + 1) * 4 > cells.size() * 3) {
        std::vector<Id> old(std::max<std::size_t>(16, cells.size() * 2), kNone);
        old.swap(cells);
        for (const Id moved : old) {
            if (moved != kNone) place(moved, hash_of(moved));
        }
    }
    place(id, hash_of(id));
    ++used;
}

void TrieIndex::IdTable::place(Id id, std::uint64_t hash) noexcept {
    const std::size_t mask = cells.size() - 1;
    std::size_t at = hash & mask;
    while (cells[at] != kNone)
        at = (at + 1) & mask;
    cells[at] = id;
}

/// Linear probing without tombstones: what follows the gap moves up when its home lies before it.
template <class HashOf>
void TrieIndex::IdTable::erase(Id id, HashOf&& hash_of) noexcept {
    const std::size_t mask = cells.size() - 1;
    std::size_t gap = hash_of(id) & mask;
    while (cells[gap] != id)
        gap = (gap + 1) & mask;
    for (std::size_t at = (gap + 1) & mask; cells[at] != kNone; at = (at + 1) & mask) {
        const std::size_t home = hash_of(cells[at]) & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            cells[gap] = cells[at];
            gap = at;
        }
    }
    cells[gap] = kNone;
    --used;
}

TrieIndex::Id TrieIndex::find_level(std::string_view text) const noexcept {
    return level_table_.find(sip_hash(seed_, text), [&](Id id) { return levels_[id].text == text; });
}

TrieIndex::Id TrieIndex::use_level(std::string_view text) {
    Id id = find_level(text);
    if (id == kNone) {
        if (free_levels_.empty()) {
            grow(levels_);
            id = static_cast<Id>(levels_.size());
            levels_.emplace_back();
        } else {
            id = free_levels_.back();
            free_levels_.pop_back();
        }
        levels_[id].text = text;
        level_table_.insert(id, [&](Id other) { return sip_hash(seed_, levels_[other].text); });
    }
    ++levels_[id].uses;
    return id;
}

void TrieIndex::drop_level(Id level) {
    if (--levels_[level].uses > 0) return;
    level_table_.erase(level, [&](Id other) { return sip_hash(seed_, levels_[other].text); });
    levels_[level].text = std::string();
    free_levels_.push_back(level);
}

TrieIndex::Id TrieIndex::find_child(Id parent, Id level) const noexcept {
    return edge_table_.find(edge_hash(parent, level),
                            [&](Id id) { return nodes_[id].parent == parent && nodes_[id].level == level; });
}

TrieIndex::Id TrieIndex::add_child(Id parent, Id level) {
    Id id;
    if (free_nodes_.empty()) {
        grow(nodes_);
        id = static_cast<Id>(nodes_.size());
        nodes_.emplace_back();
    } else {
        id = free_nodes_.back();
        free_nodes_.pop_back();
        nodes_[id] = Node{};
    }
    nodes_[id].parent = parent;
    nodes_[id].level = level;
    ++nodes_[parent].children;
    if (level == kPlus) {
        nodes_[parent].plus = id;
    } else {
        edge_table_.insert(id, [&](Id n) { return edge_hash(nodes_[n].parent, nodes_[n].level); });
    }
    return id;
}

TrieIndex::Slot TrieIndex::take_slot() {
    if (free_slots_.empty()) return next_slot_++;
    const Slot slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
}

TrieIndex::Slot TrieIndex::insert(std::string_view filter) {
    if (level_count(filter) > kMaxTrieLevels) return kNone;
    Id node = kRoot;
    bool below = false;
    for (Levels l(filter); !l.done(); l.next()) {
        if (l.level() == "#") {
            below = true;
            break;
        }
        if (l.level() == "+") {
            node = nodes_[node].plus != kNone ? nodes_[node].plus : add_child(node, kPlus);
            continue;
        }
        const Id known = find_level(l.level());
        Id child = known == kNone ? kNone : find_child(node, known);
        if (child == kNone) child = add_child(node, use_level(l.level()));
        node = child;
    }
    Slot& slot = below ? nodes_[node].below : nodes_[node].slot;
    if (slot == kNone) {
        slot = take_slot();
        ++size_;
    }
    return slot;
}

/// The node that a filter ends at, or kNone; `below` tells whether its last level is `#`.
TrieIndex::Id TrieIndex::walk(std::string_view filter, bool& below) const {
    Id node = kRoot;
    below = false;
    for (Levels l(filter); !l.done() && node != kNone; l.next()) {
        if (l.level() == "#") {
            below = true;
            break;
        }
        if (l.level() == "+") {
            node = nodes_[node].plus;
            continue;
        }
        const Id level = find_level(l.level());
        node = level == kNone ? kNone : find_child(node, level);
    }
    return node;
}

TrieIndex::Slot TrieIndex::find(std::string_view filter) const {
    bool below = false;
    const Id node = walk(filter, below);
    if (node == kNone) return kNone;
    return below ? nodes_[node].below : nodes_[node].slot;
}

TrieIndex::Slot TrieIndex::erase(std::string_view filter) {
    bool below = false;
    const Id node = walk(filter, below);
    if (node == kNone) return kNone;
    const Slot freed = std::exchange(below ? nodes_[node].below : nodes_[node].slot, kNone);
    if (freed == kNone) return kNone;
    free_slots_.push_back(freed);
    --size_;
    prune(node);
    return freed;
}

/// Removes the node and its ancestors as long as nothing hangs on them.
void TrieIndex::prune(Id node) {
    while (node != kRoot) {
        const Node& n = nodes_[node];
        if (n.children > 0 || n.slot != kNone || n.below != kNone) return;
        const Id parent = n.parent;
        if (n.level == kPlus) {
            nodes_[parent].plus = kNone;
        } else {
            edge_table_.erase(node,
                              [&](Id other) { return edge_hash(nodes_[other].parent, nodes_[other].level); });
            drop_level(n.level);
        }
        --nodes_[parent].children;
        nodes_[node] = Node{};
        free_nodes_.push_back(node);
        node = parent;
    }
}

void TrieIndex::for_each(const std::function<void(std::string_view, Slot)>& fn) const {
    for (Id id = 0; id < nodes_.size(); ++id) {
        const Node& n = nodes_[id];
        if (n.slot == kNone && n.below == kNone) continue;
        std::vector<std::string_view> path;
        for (Id up = id; up != kRoot; up = nodes_[up].parent) {
            path.push_back(nodes_[up].level == kPlus ? std::string_view("+")
                                                     : levels_[nodes_[up].level].text);
        }
        std::string filter;
        for (std::size_t i = path.size(); i-- > 0;) {
            filter += path[i];
            if (i > 0) filter += '/';
        }
        if (n.slot != kNone) fn(filter, n.slot);
        if (n.below != kNone) fn(id == kRoot ? "#" : filter + "/#", n.below);
    }
}

std::size_t TrieIndex::memory_bytes() const noexcept {
    std::size_t bytes = nodes_.capacity() * sizeof(Node) + levels_.capacity() * sizeof(Level);
    for (const Level& level : levels_) {
        if (level.text.capacity() > std::string().capacity()) bytes += level.text.capacity() + 1;
    }
    bytes += (edge_table_.cells.capacity() + level_table_.cells.capacity()) * sizeof(Id);
    bytes += (free_nodes_.capacity() + free_levels_.capacity() + free_slots_.capacity()) * sizeof(Id);
    return bytes;
}

}  // namespace latchkey::topic
