// MailboxLoop: a mailbox with nothing but its own turns, for work whose answers belong to no shard. Served by
// an executor thread (key sets are parsed there), or pumped by the calling thread of a command.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/completion.h"
#include "net/epoll_poller.h"
#include "net/executor.h"

namespace latchkey::app {

/// @thread that of its executor, or the one that pumps
class MailboxLoop final : public net::Turnable {
  public:
    /// @error net::kPollFailed
    static Result<std::unique_ptr<MailboxLoop>> create();

    net::Mailbox& mailbox() { return mailbox_; }
    /// Its executor ends once everything posted before was served. @thread any
    void stop();
    /// Serves on the calling thread until `done` says so; false when `limit` passed first. BLOCKS.
    bool pump_until(const std::function<bool()>& done, const Clock& clock, Duration limit);

    MonoTime turn(MonoTime now, std::span<const net::PollEvent> events) override;
    net::Poller& poller() override { return *poller_; }
    net::WakeWord& wake_word() override { return word_; }
    bool finished() const override { return stopped_; }

  private:
    explicit MailboxLoop(std::unique_ptr<net::EpollPoller> poller)
        : poller_(std::move(poller)), mailbox_(word_, *poller_) {}

    std::unique_ptr<net::EpollPoller> poller_;
    net::WakeWord word_;
    net::Mailbox mailbox_;
    MonoTime due_ = kNever;
    bool stopped_ = false;
};

}  // namespace latchkey::app
