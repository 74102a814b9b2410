// Lines in memory, and lines in a file behind a writer thread.
// SPDX-License-Identifier: Apache-2.0
#include "auth/line_log.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace latchkey::auth {
namespace {

Error write_error(std::string_view what, int code) {
    return Error(kLogWrite, std::string(what) + ": " + std::generic_category().message(code));
}

/// Makes the folders of a file that do not exist, readable by nobody else.
Result<void> make_folders(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        const std::string folder = path.substr(0, slash);
        if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail(write_error(folder, errno));
    }
    return {};
}

}  // namespace

bool MemoryLineLog::reserve(std::size_t lines) {
    const std::lock_guard lock(mutex_);
    if (broken_ || lines_.size() + reserved_ + lines > capacity_) return false;
    reserved_ += lines;
    return true;
}

void MemoryLineLog::release(std::size_t lines) {
    const std::lock_guard lock(mutex_);
    reserved_ -= std::min(reserved_, lines);
}

void MemoryLineLog::append(std::string line, bool reserved) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    if (reserved && reserved_ > 0) reserved_ -= 1;
}

Health MemoryLineLog::health() const {
    const std::lock_guard lock(mutex_);
    if (broken_) return {HealthState::Degraded, {kLogWrite}};
    return {};
}

std::vector<std::string> MemoryLineLog::lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
}

void MemoryLineLog::set_broken(bool broken) {
    const std::lock_guard lock(mutex_);
    broken_ = broken;
}

Result<std::unique_ptr<FileLineLog>> FileLineLog::open(Options options) {
    LK_CHECK(make_folders(options.path));
    const int fd = ::open(options.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail(write_error(options.path, errno));
    return std::unique_ptr<FileLineLog>(new FileLineLog(std::move(options), fd));
}

FileLineLog::FileLineLog(Options options, int fd)
    : options_(std::move(options)), fd_(fd), writer_([this] { run(); }) {}

FileLineLog::~FileLineLog() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        retry_ = broken_.has_value();
    }
    work_.notify_all();
    writer_.join();
    ::close(fd_);
}

bool FileLineLog::reserve(std::size_t lines) {
    const std::lock_guard lock(mutex_);
    if (broken_) {
        // A login that finds the file broken makes the writer try again; there is no timer.
        retry_ = true;
        work_.notify_one();
        return false;
    }
    if (queue_.size() + writing_ + reserved_ + lines > options_.queue_lines) return false;
    reserved_ += lines;
    return true;
}

void FileLineLog::release(std::size_t lines) {
    const std::lock_guard lock(mutex_);
    reserved_ -= std::min(reserved_, lines);
}

void FileLineLog::append(std::string line, bool reserved) {
    line.push_back('\n');
    {
        const std::lock_guard lock(mutex_);
        if (broken_) retry_ = true;
        if (!reserved && queue_.size() + writing_ >= 2 * options_.queue_lines) {
            ++dropped_;
        } else {
            queue_.push_back(std::move(line));
        }
        if (reserved && reserved_ > 0) reserved_ -= 1;
    }
    work_.notify_one();
}

void FileLineLog::flush() {
    std::unique_lock lock(mutex_);
    if (broken_) retry_ = true;
    work_.notify_one();
    // A broken file is not waited for: its lines stay queued, and health says so.
    idle_.wait(lock, [this] { return (queue_.empty() || (broken_ && !retry_)) && writing_ == 0; });
}

Health FileLineLog::health() const {
    const std::lock_guard lock(mutex_);
    Health health;
    if (broken_) health = {HealthState::Degraded, {*broken_}};
    // What is missing stays missing; the log itself may work again.
    if (dropped_ != 0)
        health.reasons.push_back(Error(kLogWrite, std::to_string(dropped_) + " lines are missing"));
    return health;
}

void FileLineLog::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        // A broken file is tried again only when somebody asks for it, even if nothing waits.
        const auto due = [this] { return broken_ ? retry_ : !queue_.empty(); };
        work_.wait(lock, [&] { return stopping_ || due(); });
        if (!due()) return;
        retry_ = false;
        std::deque<std::string> batch = std::exchange(queue_, {});
        writing_ = batch.size();
        lock.unlock();
        const bool written = write_batch(batch);
        const int code = errno;
        lock.lock();
        writing_ = 0;
        if (written) {
            broken_.reset();
        } else {
            // What is left goes first again; nothing is lost while the process lives.
            queue_.insert(queue_.begin(), std::make_move_iterator(batch.begin()),
                          std::make_move_iterator(batch.end()));
            broken_ = write_error(options_.path, code);
        }
        idle_.notify_all();
    }
}

/// Writes from the front; on failure `batch` holds what was not written, a line in part with its rest.
bool FileLineLog::write_batch(std::deque<std::string>& batch) {
    while (!batch.empty()) {
        // One write for many lines, up to 64 KiB.
        std::string chunk;
        std::size_t lines = 0;
        while (lines < batch.size() && (lines == 0 || chunk.size() + batch[lines].size() <= 64 * 1024))
            chunk += batch[lines++];
        std::size_t done = 0;
        while (done < chunk.size()) {
            const ssize_t wrote = ::write(fd_, chunk.data() + done, chunk.size() - done);
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote <= 0) break;
            done += static_cast<std::size_t>(wrote);
        }
        const int code = errno;
        std::size_t left = done;
        while (!batch.empty() && left >= batch.front().size()) {
            left -= batch.front().size();
            batch.pop_front();
        }
        if (left > 0) batch.front().erase(0, left);
        if (done < chunk.size()) {
            errno = code;
            return false;
        }
    }
    return !options_.write_through || ::fdatasync(fd_) == 0;
}

}  // namespace latchkey::auth
