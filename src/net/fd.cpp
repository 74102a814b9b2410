// Closing of owned descriptors; see fd.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/fd.h"

#include <csignal>

#include <sys/socket.h>
#include <unistd.h>

#include "base/result.h"

namespace latchkey::net {

void OwnedFd::reset(int fd) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

void close_politely(OwnedFd& socket) noexcept {
    if (!socket.valid()) return;
    LK_IGNORE(::recv(socket.get(), nullptr, 64 * 1024, MSG_DONTWAIT | MSG_TRUNC), "best effort");
    socket.reset();
}

void ignore_broken_pipes() noexcept {
    LK_IGNORE(std::signal(SIGPIPE, SIG_IGN), "cannot fail for SIGPIPE");
}

}  // namespace latchkey::net
