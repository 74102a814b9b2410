// The Poller over Linux epoll with an eventfd to be woken by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/fd.h"
#include "net/poller.h"

namespace latchkey::net {

class EpollPoller final : public Poller {
  public:
    /// @error kPollFailed (out of descriptors)
    static Result<std::unique_ptr<EpollPoller>> create();

    Result<void> add(int handle, PollToken token, Interest interest) override;
    void modify(int handle, PollToken token, Interest interest) override;
    void remove(int handle) override;
    void wait(MonoTime now, MonoTime deadline, std::vector<PollEvent>& out) override;
    void wake() override;
    /// Readable when wait() would return at once: an executor with several seats waits for all of them.
    int handle() const { return epoll_.get(); }

  private:
    struct Hangup {
        int handle;
        PollToken token;
        Interest rest;  ///< what stays watched once the hangup was reported
    };

    EpollPoller(OwnedFd epoll, OwnedFd wake_fd) : epoll_(std::move(epoll)), wake_fd_(std::move(wake_fd)) {}
    void note_hangup(int handle, PollToken token, Interest interest);
    void withdraw_hangup(PollToken token);
    void drain_wake();

    OwnedFd epoll_;
    OwnedFd wake_fd_;
    /// Registrations with HangupOnly, by slot. remove() leaves its entry behind; it is never consulted then,
    /// because only a registered handle reports, and registering the slot anew overwrites it.
    std::unordered_map<std::uint32_t, Hangup> hangups_;
};

}  // namespace latchkey::net
