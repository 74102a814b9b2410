// How an asynchronous answer comes home: the pool and the HTTP client post a closure to the asker's mailbox,
// and it runs on the asker's thread in one of its turns. Closures carry a ticket; the asker drops stale ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "net/inbox.h"

namespace latchkey::net {

/// Called once, on the mailbox owner's thread; destroyed uncalled only when the mailbox dies first.
using Deliver = std::move_only_function<void()>;

/// An inbox that also takes closures. Must outlive every request that answers to it: drain those first.
class Mailbox {
  public:
    Mailbox(WakeWord& word, Poller& poller) : inbox_(word, poller) {}

    /// @thread any
    void post(InboxNode& node) { inbox_.post(node); }
    /// One allocation; never waits. @thread any
    void deliver(Deliver answer);
    /// @thread shard
    [[nodiscard]] InboxChain snapshot() { return inbox_.snapshot(); }
    bool empty() const { return inbox_.empty(); }

  private:
    Inbox inbox_;
};

}  // namespace latchkey::net
