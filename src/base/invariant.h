// Our own bugs: LK_INVARIANT stops in debug builds and tests; in production it logs once per place, counts,
// and lets the caller close that one connection. LK_ON_SHARD asserts that an object is touched by its own
// shard only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace latchkey {

/// Called by LK_INVARIANT when the condition is false. Aborts in debug builds; otherwise returns false.
/// @thread any
bool invariant_broken(const char* condition, const char* file, int line) noexcept;
/// How many were broken since the start.
std::uint64_t invariants_broken() noexcept;

/// The shard whose turn runs on this thread; nullptr elsewhere. An opaque identity, never dereferenced.
const void* current_shard() noexcept;

/// Marks this thread as running `shard`'s turn while alive; nests, so that the simulator runs several on one
/// thread.
class ShardScope {
  public:
    explicit ShardScope(const void* shard) noexcept;
    ~ShardScope();
    ShardScope(const ShardScope&) = delete;
    ShardScope& operator=(const ShardScope&) = delete;

  private:
    const void* outer_;
};

/// Base of objects that belong to one shard; empty in release builds. Bound to the shard that constructs it,
/// or by bind_shard(); constructed elsewhere and never bound, it belongs to nobody and any thread passes.
class ShardBound {
  public:
#ifdef NDEBUG
    void bind_shard(const void*) noexcept {}
    bool on_shard() const noexcept { return true; }
#else
    void bind_shard(const void* shard) noexcept { shard_ = shard; }
    bool on_shard() const noexcept { return shard_ == nullptr || shard_ == current_shard(); }

  private:
    const void* shard_ = current_shard();
#endif
};

}  // namespace latchkey

/// `if (!LK_INVARIANT(window > 0)) return close_as_broken();`
#define LK_INVARIANT(condition) \
    ((condition) ? true : ::latchkey::invariant_broken(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define LK_ON_SHARD(object) static_cast<void>(0)
#else
/// `LK_ON_SHARD(this);` first in a method of a ShardBound class.
#define LK_ON_SHARD(object)                   \
    static_cast<void>((object)->on_shard() || \
                      ::latchkey::invariant_broken("on its own shard", __FILE__, __LINE__))
#endif
