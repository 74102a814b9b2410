// Push by compare-and-set, take all by one exchange: without single pops there is no ABA. See inbox.h and
// wake.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/inbox.h"

#include <utility>

#include "net/poller.h"

namespace latchkey::net {

void rouse(WakeWord& word, Poller& poller) {
    if (word.notify()) poller.wake();
}

InboxNode* InboxChain::take() {
    InboxNode* node = first_;
    if (node != nullptr) first_ = std::exchange(node->next_, nullptr);
    return node;
}

std::size_t InboxChain::serve() {
    std::size_t count = 0;
    while (InboxNode* node = take()) {
        node->serve();  // may post or delete the node: it is not touched again
        ++count;
    }
    return count;
}

InboxChain::~InboxChain() {
    while (InboxNode* node = take())
        node->drop();
}

void Inbox::post(InboxNode& node) {
    node.next_ = head_.load(std::memory_order_relaxed);
    while (!head_.compare_exchange_weak(node.next_, &node)) {
    }
    rouse(word_, poller_);
}

InboxChain Inbox::snapshot() {
    InboxNode* newest = head_.exchange(nullptr);
    InboxNode* oldest = nullptr;
    while (newest != nullptr) {
        InboxNode* next = std::exchange(newest->next_, oldest);
        oldest = newest;
        newest = next;
    }
    return InboxChain(oldest);
}

Inbox::~Inbox() {
    const InboxChain unserved = snapshot();
}

}  // namespace latchkey::net
