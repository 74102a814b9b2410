// A file descriptor with one owner.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace latchkey::net {

/// Closes what it owns. @thread any (value type)
class OwnedFd {
  public:
    OwnedFd() = default;
    explicit OwnedFd(int fd) : fd_(fd) {}
    OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    OwnedFd& operator=(OwnedFd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~OwnedFd() { reset(); }

    int get() const noexcept { return fd_; }
    bool valid() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset(int fd = -1) noexcept;

  private:
    int fd_ = -1;
};

/// Closes a stream socket without a reset: unread input would turn the close into one, and the peer would
/// lose our last words with it. Never waits.
void close_politely(OwnedFd& socket) noexcept;

/// A write to a socket whose peer has gone shall be an error, not a signal. Process-wide, idempotent; called
/// by whoever brings in a library that writes without MSG_NOSIGNAL.
void ignore_broken_pipes() noexcept;

}  // namespace latchkey::net
