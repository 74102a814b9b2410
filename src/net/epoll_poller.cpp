// epoll and eventfd; see poller.h for the rules and epoll_poller.h for the class.
// SPDX-License-Identifier: Apache-2.0
#include "net/epoll_poller.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/errors.h"

namespace latchkey::net {
namespace {

constexpr int kEventsPerWait = 256;
constexpr std::uint64_t kWakeData =
    ~std::uint64_t{0};  // slot and generation all ones: never a caller's token

std::uint64_t pack(PollToken token) {
    return (std::uint64_t{token.generation} << 32) | token.slot;
}

PollToken unpack(std::uint64_t data) {
    return {static_cast<std::uint32_t>(data & 0xffffffffU), static_cast<std::uint32_t>(data >> 32)};
}

std::uint32_t mask_of(Interest interest) {
    std::uint32_t mask = 0;
    if (has(interest, Interest::Readable)) mask |= EPOLLIN;
    if (has(interest, Interest::Writable)) mask |= EPOLLOUT;
    if (has(interest, Interest::HangupOnly)) mask |= EPOLLRDHUP;
    if (has(interest, Interest::Accept)) mask |= EPOLLIN | EPOLLEXCLUSIVE;
    return mask;
}

int control(int epoll, int operation, int handle, std::uint32_t mask, std::uint64_t data) {
    epoll_event event{};
    event.events = mask;
    event.data.u64 = data;
    return ::epoll_ctl(epoll, operation, handle, &event);
}

// Nanosecond waits where the kernel has them (5.11), otherwise rounded up: a timer may be late, never early
// for ever.
int wait_for(int epoll, epoll_event* events, Duration limit, bool forever) {
    timespec spec{};
    spec.tv_sec = static_cast<time_t>(limit.count() / 1'000'000'000);
    spec.tv_nsec = static_cast<long>(limit.count() % 1'000'000'000);
    const int count = ::epoll_pwait2(epoll, events, kEventsPerWait, forever ? nullptr : &spec, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    constexpr std::int64_t kLongest = 3'600'000;
    const std::int64_t rounded = std::min<std::int64_t>((limit.count() + 999'999) / 1'000'000, kLongest);
    return ::epoll_wait(epoll, events, kEventsPerWait, forever ? -1 : static_cast<int>(rounded));
}

}  // namespace

Result<std::unique_ptr<EpollPoller>> EpollPoller::create() {
    OwnedFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    OwnedFd wake_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!epoll.valid() || !wake_fd.valid() ||
        control(epoll.get(), EPOLL_CTL_ADD, wake_fd.get(), EPOLLIN, kWakeData) != 0)
        return fail(kPollFailed, std::strerror(errno));
    return std::unique_ptr<EpollPoller>(new EpollPoller(std::move(epoll), std::move(wake_fd)));
}

void EpollPoller::note_hangup(int handle, PollToken token, Interest interest) {
    if (!has(interest, Interest::HangupOnly)) {
        if (!hangups_.empty()) hangups_.erase(token.slot);
        return;
    }
    Interest rest = Interest::None;
    if (has(interest, Interest::Readable)) rest = rest | Interest::Readable;
    if (has(interest, Interest::Writable)) rest = rest | Interest::Writable;
    hangups_[token.slot] = {handle, token, rest};
}

Result<void> EpollPoller::add(int handle, PollToken token, Interest interest) {
    if (control(epoll_.get(), EPOLL_CTL_ADD, handle, mask_of(interest), pack(token)) != 0)
        return fail(kPollFailed, std::strerror(errno));
    note_hangup(handle, token, interest);
    return {};
}

void EpollPoller::modify(int handle, PollToken token, Interest interest) {
    LK_IGNORE(control(epoll_.get(), EPOLL_CTL_MOD, handle, mask_of(interest), pack(token)),
              "fails only for a handle that is not registered");
    note_hangup(handle, token, interest);
}

void EpollPoller::remove(int handle) {
    LK_IGNORE(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, handle, nullptr),
              "fails only for a handle that is not registered");
}

void EpollPoller::drain_wake() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_.get(), &count, sizeof count);  // EAGAIN: drained
}

void EpollPoller::withdraw_hangup(PollToken token) {
    const auto it = hangups_.find(token.slot);
    if (it == hangups_.end() || it->second.token != token) return;
    LK_IGNORE(control(epoll_.get(), EPOLL_CTL_MOD, it->second.handle, mask_of(it->second.rest), pack(token)),
              "registered, or it would not have reported");
    hangups_.erase(it);
}

void EpollPoller::wait(MonoTime now, MonoTime deadline, std::vector<PollEvent>& out) {
    out.clear();
    std::array<epoll_event, kEventsPerWait> events;  // NOLINT: filled by the kernel
    const bool forever = deadline == kNever;
    const Duration limit = forever || deadline <= now ? Duration::zero() : deadline - now;
    const int count = wait_for(epoll_.get(), events.data(), limit, forever);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakeData) {
            drain_wake();
            continue;
        }
        PollEvent seen{.token = unpack(event.data.u64)};
        seen.readable = (event.events & EPOLLIN) != 0;
        seen.writable = (event.events & EPOLLOUT) != 0;
        seen.hangup = (event.events & EPOLLRDHUP) != 0;
        seen.broken = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
        if (seen.hangup) withdraw_hangup(seen.token);
        out.push_back(seen);
    }
}

void EpollPoller::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put =
        ::write(wake_fd_.get(), &one, sizeof one);  // a full counter wakes too
}

}  // namespace latchkey::net
