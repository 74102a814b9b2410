// A store that commits when it is told to, and answers loads when it is told to. What MemoryStore does at
// once, this one can put off for as long as a test likes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/completion.h"
#include "store/store.h"

namespace latchkey::sim {

/// @thread its shard's (the simulator's one)
class SimStore final : public store::Store {
  public:
    store::Lsn append(const store::Record& record) override {
        kinds.push_back(record.kind);
        return ++last_;
    }
    store::Lsn gate() override {
        if (!late) committed_ = last_;
        return committed_;
    }
    void on_gate(std::move_only_function<void()> moved) override { moved_ = std::move(moved); }
    void load(std::string_view key, std::move_only_function<void(std::optional<std::string>)> done) override {
        ++reads[std::string(key)];
        most_reads = std::max(most_reads, reads[std::string(key)]);
        held_.emplace_back(std::string(key), std::move(done));
        if (!hold_loads) answer_loads();
    }

    /// Commits up to `lsn` (everything by default), in the shard's next turn.
    void commit(net::Mailbox& home, store::Lsn lsn = ~store::Lsn{0}) {
        committed_ = std::max(committed_, std::min(lsn, last_));
        home.deliver([this] { moved_(); });
    }
    void answer_loads() {
        while (!held_.empty()) {
            auto [key, done] = std::move(held_.front());
            held_.pop_front();
            --reads[key];
            done(std::nullopt);
        }
    }
    store::Lsn last() const { return last_; }
    store::Lsn committed() const { return committed_; }

    bool late = false;
    bool hold_loads = false;
    std::vector<store::RecordKind> kinds;
    std::map<std::string, int> reads;
    int most_reads = 0;  ///< of one key at a time

  private:
    store::Lsn last_ = 0;
    store::Lsn committed_ = 0;
    std::move_only_function<void()> moved_;
    std::deque<std::pair<std::string, std::move_only_function<void(std::optional<std::string>)>>> held_;
};

}  // namespace latchkey::sim
