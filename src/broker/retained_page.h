// One page of a retained scan: what a topic owner answers to a subscriber's shard over the forward lane.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/message.h"

namespace latchkey::broker {

/// Which pull a page answers: a session by its serial, and the pull within it. Stale ones are dropped.
struct PullId {
    std::uint64_t session = 0;
    std::uint32_t pull = 0;
    friend bool operator==(const PullId&, const PullId&) = default;
};

/// Each message carries one shard count, owned by the page until it is taken out.
struct RetainedPage {
    PullId pull;
    std::uint32_t owner = 0;  ///< shard that scanned
    std::vector<Message*> messages;
    std::string cursor;  ///< topic to go on behind; meaningless when `last`
    bool last = false;

    RetainedPage() = default;
    RetainedPage(const RetainedPage&) = delete;
    RetainedPage& operator=(const RetainedPage&) = delete;
    ~RetainedPage() {
        for (Message* message : messages)
            Message::release(message);
    }
};

}  // namespace latchkey::broker
