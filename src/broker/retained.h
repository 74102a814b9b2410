// Retained: the retained messages of the topics this shard owns, and the pulls of its sessions. A publish
// takes a number from one counter and reaches the owner before it is routed; subscribers pull pages by credit
// and drop what they have seen newer (data-path 8; model tests/models/shards/retained.pml).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/message.h"
#include "broker/retained_page.h"
#include "broker/session.h"

namespace latchkey::broker {

class Shard;

/// @thread shard
class Retained {
  public:
    explicit Retained(Shard& shard) : shard_(shard) {}

    // As owner.
    /// Keeps the message if its number is the highest yet for the topic; an empty payload deletes.
    void store(const MessageRef& message);
    /// One page for `pull`, which may be another shard's: answered over the forward lane.
    void scan(const PullId& pull, std::uint32_t asker, std::string_view filter, std::string_view cursor);
    /// A mark of `round` came through a publish lane.
    void on_mark(std::uint64_t round);
    std::size_t size() const noexcept { return topics_.size() - tombstones_; }
    /// Deleted topics whose number is still remembered.
    std::size_t tombstones() const noexcept { return tombstones_; }

    // As subscriber.
    /// Asks every owner for what the filter holds.
    void pull(Session& session, Subscription& subscription);
    void on_page(RetainedPage& page);
    /// The session has room again: held pulls go on.
    void on_drained(Session& session);
    void cancel(Session& session, const Subscription& subscription);

  private:
    struct Kept {
        MessageRef message;  ///< empty: a tombstone
        std::uint64_t number = 0;
        std::uint64_t grave_round = 0;  ///< a tombstone's: after this round it may be forgotten
    };
    void bury(const std::string& topic);
    void begin_round();
    void ask(Session& session, Pull& pull);

    Shard& shard_;
    std::map<std::string, Kept, std::less<>> topics_;
    std::size_t tombstones_ = 0;
    std::vector<std::string> fresh_graves_;  ///< deleted since the round began
    std::vector<std::string> round_graves_;  ///< to be forgotten when the round has ended
    std::uint64_t round_ = 0;
    std::uint32_t marks_missing_ = 0;
};

}  // namespace latchkey::broker
