// Closing of owned descriptors; see fd.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/fd.h"

#include <unistd.h>

namespace latchkey::net {

void OwnedFd::reset(int fd) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

}  // namespace latchkey::net
