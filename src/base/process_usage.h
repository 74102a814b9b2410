// What this process has taken from the machine: processor time and memory. For status reports; a read costs a
// few microseconds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/time.h"

namespace latchkey {

struct ProcessUsage {
    Duration cpu{};               ///< of all threads, user and system
    std::uint64_t rss_bytes = 0;  ///< resident now
    std::uint64_t peak_rss_bytes = 0;
};

/// @thread any; reads /proc, which is no disk
ProcessUsage process_usage() noexcept;

}  // namespace latchkey
