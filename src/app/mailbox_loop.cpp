// See mailbox_loop.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/mailbox_loop.h"

#include <utility>

namespace latchkey::app {

Result<std::unique_ptr<MailboxLoop>> MailboxLoop::create() {
    LK_TRY(auto poller, net::EpollPoller::create());
    return std::unique_ptr<MailboxLoop>(new MailboxLoop(std::move(poller)));
}

void MailboxLoop::stop() {
    mailbox_.deliver([this] { stopped_ = true; });
}

MonoTime MailboxLoop::turn(MonoTime now, std::span<const net::PollEvent>) {
    mailbox_.snapshot().serve();
    return mailbox_.empty() ? due_ : now;
}

bool MailboxLoop::pump_until(const std::function<bool()>& done, const Clock& clock, Duration limit) {
    std::vector<net::PollEvent> events;
    const MonoTime deadline = clock.mono() + limit;
    due_ = deadline;
    while (!done()) {
        if (clock.mono() >= deadline) return false;
        // What a turn serves may be what is waited for: look before blocking.
        net::step(*this, events, clock, mailbox_.empty());
    }
    return true;
}

}  // namespace latchkey::app
