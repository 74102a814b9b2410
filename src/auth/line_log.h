// LineLog: the sink of lines that must not be lost (access, audit). It never drops: when its queue is full or
// its file cannot be written, has_room() says no and logins are pushed back. Seam: a file with a writer
// thread, or memory for the simulator and tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "auth/realm.h"
#include "base/result.h"

namespace latchkey::auth {

/// @thread any
class LineLog {
  public:
    virtual ~LineLog() = default;
    /// Sets `lines` places aside; false: full or unwritable, the login must wait or be refused as busy.
    [[nodiscard]] virtual bool reserve(std::size_t lines) = 0;
    /// Gives back places that were not needed.
    virtual void release(std::size_t lines) = 0;
    /// Takes one line without its newline; never fails, never waits. Uses a place set aside if `reserved`; a
    /// line without a place is dropped, and counted, when a file that cannot be written has the queue twice
    /// full.
    virtual void append(std::string line, bool reserved) = 0;
    /// Returns when everything appended before is in the file. @thread control
    virtual void flush() = 0;
    virtual Health health() const = 0;
};

/// @thread any
class MemoryLineLog final : public LineLog {
  public:
    explicit MemoryLineLog(std::size_t capacity = 1 << 20) : capacity_(capacity) {}
    [[nodiscard]] bool reserve(std::size_t lines) override;
    void release(std::size_t lines) override;
    void append(std::string line, bool reserved) override;
    void flush() override {}
    Health health() const override;

    std::vector<std::string> lines() const;
    /// Makes it full or unwritable, for tests of what then happens.
    void set_broken(bool broken);

  private:
    const std::size_t capacity_;
    mutable std::mutex mutex_;  ///< guards all below: shards append, a test reads
    std::vector<std::string> lines_;
    std::size_t reserved_ = 0;
    bool broken_ = false;
};

/// Appends to a file (mode 0600, its folders 0700) from a thread of its own.
class FileLineLog final : public LineLog {
  public:
    struct Options {
        std::string path;
        std::size_t queue_lines = 16 * 1024;
        bool write_through = false;  ///< fdatasync after each batch
    };
    /// @error kLogWrite @thread control
    static Result<std::unique_ptr<FileLineLog>> open(Options options);
    /// Writes what waits, then closes.
    ~FileLineLog() override;

    [[nodiscard]] bool reserve(std::size_t lines) override;
    void release(std::size_t lines) override;
    void append(std::string line, bool reserved) override;
    void flush() override;
    Health health() const override;

  private:
    FileLineLog(Options options, int fd);
    void run();
    bool write_batch(std::deque<std::string>& batch);

    const Options options_;
    const int fd_;
    mutable std::mutex mutex_;  ///< guards all below: many shards append, one thread writes
    std::condition_variable work_;
    std::condition_variable idle_;
    std::deque<std::string> queue_;
    std::size_t reserved_ = 0;
    std::size_t writing_ = 0;
    std::uint64_t dropped_ = 0;  ///< lines without a place; told with health until the process ends
    std::optional<Error> broken_;
    bool retry_ = false;
    bool stopping_ = false;
    std::thread writer_;
};

}  // namespace latchkey::auth
