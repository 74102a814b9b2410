// See file_watch.h.
// SPDX-License-Identifier: Apache-2.0
#include "app/file_watch.h"

#include <sys/stat.h>

namespace latchkey::app {
namespace {

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileWatch::Stamp FileWatch::stamp_of(const std::string& file) {
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0) return {};
    return {.device = found.st_dev,
            .inode = found.st_ino,
            .size = found.st_size,
            .modified_ns = nanoseconds(found.st_mtim),
            .status_ns = nanoseconds(found.st_ctim)};
}

FileWatch::Stamps FileWatch::look() const {
    Stamps now;
    for (const auto& [file, stamp] : used_)
        now.emplace(file, stamp_of(file));
    return now;
}

void FileWatch::reset(std::vector<std::string> files) {
    used_.clear();
    for (const std::string& file : files)
        used_.emplace(file, stamp_of(file));
    last_ = used_;
}

bool FileWatch::changed() {
    Stamps now = look();
    const bool still = now == last_;
    last_ = now;
    if (!still || now == used_) return false;
    used_ = std::move(now);
    return true;
}

}  // namespace latchkey::app
