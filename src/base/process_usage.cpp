// See process_usage.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/process_usage.h"

#include <charconv>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace latchkey {

namespace {

Duration of(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

/// The second number of /proc/self/statm is what is resident, in pages.
std::uint64_t resident_pages() noexcept {
    const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    char text[128];
    const ssize_t size = ::read(file, text, sizeof text);
    ::close(file);
    if (size <= 0) return 0;
    const std::string_view line(text, static_cast<std::size_t>(size));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return 0;
    std::uint64_t pages = 0;
    const auto [end, fault] = std::from_chars(line.data() + space + 1, line.data() + line.size(), pages);
    return fault == std::errc() && end != nullptr ? pages : 0;
}

}  // namespace

ProcessUsage process_usage() noexcept {
    ProcessUsage usage;
    rusage raw{};
    if (::getrusage(RUSAGE_SELF, &raw) == 0) {
        usage.cpu = of(raw.ru_utime) + of(raw.ru_stime);
        usage.peak_rss_bytes = static_cast<std::uint64_t>(raw.ru_maxrss) * 1024;
    }
    usage.rss_bytes = resident_pages() * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return usage;
}

}  // namespace latchkey
