// The wake-up word: one state per shard, by which producers on other threads find out whether the shard
// sleeps. The protocol was model-checked (data-path: wake-up); a plain load instead of the exchange loses
// wake-ups.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace latchkey::net {

class WakeWord {
  public:
    enum class State : std::uint32_t { Awake, Notified, Sleeping };

    /// After each push (or batch of pushes), never skipped. @return true: the shard slept and the caller must
    /// wake its poller. @thread any
    [[nodiscard]] bool notify() { return state_.exchange(State::Notified) == State::Sleeping; }
    /// First act of a turn, before anything is drained. @thread shard
    void begin_turn() { static_cast<void>(state_.exchange(State::Awake)); }
    /// Last act before waiting. @return false: something was pushed meanwhile, another turn must follow.
    /// @thread shard
    [[nodiscard]] bool prepare_sleep() { return state_.exchange(State::Sleeping) != State::Notified; }
    /// Outside its turns: what reclamation asks, after a seq_cst fence of its own. @thread any
    bool sleeping() const { return state_.load() == State::Sleeping; }

  private:
    alignas(64) std::atomic<State> state_{State::Notified};  // the first turn must happen
};

class Poller;

/// notify() and, if that is needed, the poller's wake(). @thread any
void rouse(WakeWord& word, Poller& poller);

}  // namespace latchkey::net
