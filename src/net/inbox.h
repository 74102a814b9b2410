// The control inbox of a shard: intrusive, many producers, one consumer. The requester owns the node and the
// answer may travel in the same node, so posting cannot fail and allocates nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>

#include "net/wake.h"

namespace latchkey::net {

/// What is posted. In at most one inbox at a time; the poster knows the target, so serve() needs no argument.
class InboxNode {
  public:
    InboxNode() = default;
    InboxNode(const InboxNode&) = delete;
    InboxNode& operator=(const InboxNode&) = delete;
    virtual ~InboxNode() = default;
    /// Runs on the inbox owner's thread, in its turn. May post this node again or delete it. Called once per
    /// post.
    virtual void serve() = 0;
    /// The inbox died with the node unserved: a node that owns itself deletes itself here. Any thread.
    virtual void drop() {}

  private:
    friend class Inbox;
    friend class InboxChain;
    InboxNode* next_ = nullptr;
};

/// The nodes of one snapshot, oldest first. @thread shard
class InboxChain {
  public:
    InboxChain() = default;
    InboxChain(const InboxChain&) = delete;
    InboxChain& operator=(const InboxChain&) = delete;
    InboxChain(InboxChain&& other) noexcept : first_(other.first_) { other.first_ = nullptr; }
    ~InboxChain();

    bool empty() const { return first_ == nullptr; }
    /// Next node, or null. What it points to is the node owner's again.
    InboxNode* take();
    /// Serves all of them in order. @return how many
    std::size_t serve();

  private:
    friend class Inbox;
    explicit InboxChain(InboxNode* first) : first_(first) {}
    InboxNode* first_ = nullptr;
};

class Inbox {
  public:
    /// Both must outlive the inbox; they belong to the shard that reads it.
    Inbox(WakeWord& word, Poller& poller) : word_(word), poller_(poller) {}
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    ~Inbox();

    /// Never fails, never waits. The node must live until it was served. @thread any
    void post(InboxNode& node);
    /// Everything posted until now, in order of posting. Nodes posted later wait for the next snapshot.
    /// @thread shard
    [[nodiscard]] InboxChain snapshot();
    /// @thread any; a hint
    bool empty() const { return head_.load() == nullptr; }

  private:
    std::atomic<InboxNode*> head_{nullptr};  // newest first; snapshot() turns it round
    WakeWord& word_;
    Poller& poller_;
};

}  // namespace latchkey::net
