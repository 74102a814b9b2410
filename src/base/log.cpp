// See log.h. Lines wait in a vector behind a mutex; the log's thread takes the whole vector at once and hands
// it to an spdlog sink. spdlog's own asynchronous logger overwrites old lines when full; we keep old ones and
// count new ones.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/result.h"
#include "base/utf8.h"

namespace latchkey::log {
namespace {

constexpr std::string_view kLowerNames[] = {"debug", "info", "warn", "error"};
constexpr std::string_view kUpperNames[] = {"DEBUG", "INFO", "WARN", "ERROR"};

std::string_view name_of(Level level, const std::string_view (&names)[4]) {
    return names[static_cast<std::size_t>(level)];
}

void append_time(WallTime time, std::string& out) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                   static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                   static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                   clock.seconds().count(), clock.subseconds().count());
}

void append_value(const Attribute& attribute, std::string& out) {
    switch (attribute.type) {
        case Attribute::Type::Text:
            out += '"';
            escape_for_log(attribute.text, out);
            out += '"';
            return;
        case Attribute::Type::Signed:
            out += std::to_string(static_cast<std::int64_t>(attribute.bits));
            return;
        case Attribute::Type::Unsigned:
            out += std::to_string(attribute.bits);
            return;
        case Attribute::Type::Boolean:
            out += attribute.bits != 0 ? "true" : "false";
            return;
    }
}

std::string format_line(Format format, WallTime time, Level level, std::string_view name,
                        std::initializer_list<Attribute> fields) {
    std::string out;
    out.reserve(160);
    if (format == Format::Json) {
        out += "{\"time\":\"";
        append_time(time, out);
        out.append("\",\"level\":\"").append(name_of(level, kLowerNames)).append("\",\"event\":\"");
        escape_for_log(name, out);
        out += '"';
    } else {
        append_time(time, out);
        out.append(" ").append(name_of(level, kUpperNames)).append(" ");
        escape_for_log(name, out);
    }
    for (const Attribute& attribute : fields) {
        out += format == Format::Json ? ",\"" : " ";
        escape_for_log(attribute.name, out);
        out += format == Format::Json ? "\":" : "=";
        append_value(attribute, out);
    }
    if (format == Format::Json) out += '}';
    return out;
}

/// The state of the process's one log; lives until the process ends, so that late lines find it.
class Core {
  public:
    bool enabled(Level level) const noexcept { return level >= level_.load(std::memory_order_relaxed); }
    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

    void event(Level level, std::string_view name, std::initializer_list<Attribute> fields) {
        const Clock* clock = clock_.load(std::memory_order_acquire);
        const WallTime now = clock != nullptr ? clock->wall() : SystemClock().wall();
        push(format_line(format_.load(std::memory_order_relaxed), now, level, name, fields));
    }

    void start(Options options) {
        stop();
        std::unique_lock lock(mutex_);
        level_ = options.level;
        format_ = options.format;
        clock_ = options.clock;
        capture_ = std::move(options.capture);
        queue_lines_ = options.queue_lines;
        if (options.synchronous) return;
        stopping_ = false;
        running_ = true;
        writer_ = std::thread([this, known = dropped()] { write_until_stopped(known); });
    }

    void stop() {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
        lock.unlock();
        if (writer_.joinable()) writer_.join();
        lock.lock();
        running_ = false;
        for (const std::string& line : std::exchange(queue_, {}))
            write(line);  // came after the thread's last look
        level_ = Level::Info;
        format_ = Format::Text;
        clock_ = nullptr;
        capture_ = nullptr;
    }

    void flush() {
        std::unique_lock lock(mutex_);
        drained_.wait(lock, [this] { return queue_.empty() && !writing_; });
    }

  private:
    void push(std::string line) {
        std::unique_lock lock(mutex_);
        if (!running_) {
            write(line);
            return;
        }
        if (queue_.size() >= queue_lines_) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        queue_.push_back(std::move(line));
        if (queue_.size() == 1) wake_.notify_one();
    }

    /// `reported`: how many losses the log has told of already.
    void write_until_stopped(std::uint64_t reported) {
        std::vector<std::string> batch;
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            batch.swap(queue_);
            writing_ = true;
            lock.unlock();
            for (const std::string& line : batch)
                write(line);
            batch.clear();
            if (const std::uint64_t lost = dropped(); lost != reported)
                write(lost_line(lost - std::exchange(reported, lost)));
            lock.lock();
            writing_ = false;
            if (queue_.empty()) drained_.notify_all();
        }
    }

    std::string lost_line(std::uint64_t count) const {
        const Clock* clock = clock_.load(std::memory_order_acquire);
        const WallTime now = clock != nullptr ? clock->wall() : SystemClock().wall();
        return format_line(format_.load(std::memory_order_relaxed), now, Level::Warn, "log_lines_dropped",
                           {field("count", count)});
    }

    /// Under mutex_, or on the writer's thread; never both, since running_ tells. A log that cannot write is
    /// no reason to stop serving.
    void write(const std::string& line) noexcept {
        try {
            if (capture_) {
                capture_(line);
                return;
            }
            sink_.log(spdlog::details::log_msg({}, spdlog::level::info, line));
        } catch (const std::exception&) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
        }
    }

    struct PlainSink : spdlog::sinks::stderr_sink_mt {
        PlainSink() { set_pattern("%v"); }
    };

    std::atomic<Level> level_{Level::Info};
    std::atomic<Format> format_{Format::Text};
    std::atomic<const Clock*> clock_{nullptr};
    std::atomic<std::uint64_t> dropped_{0};
    /// Guards what follows. A shard holds it for one push_back; lanes do not fit, since any thread logs.
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable drained_;
    std::vector<std::string> queue_;
    std::size_t queue_lines_ = 0;
    bool running_ = false;
    bool stopping_ = false;
    bool writing_ = false;
    std::function<void(std::string_view)> capture_;
    PlainSink sink_;
    std::thread writer_;
};

Core& core() {
    static Core* const instance = new Core;
    return *instance;
}

}  // namespace

std::optional<Level> parse_level(std::string_view name) {
    for (std::size_t i = 0; i < std::size(kLowerNames); ++i) {
        if (kLowerNames[i] == name) return static_cast<Level>(i);
    }
    return std::nullopt;
}

void init(Options options) {
    // An exit that skips shutdown() must not lose the lines that say why.
    static const int registered = std::atexit([] { core().stop(); });
    LK_IGNORE(registered, "without it only the last lines are at risk");
    core().start(std::move(options));
}

void shutdown() {
    core().stop();
}
void flush() {
    core().flush();
}
std::uint64_t dropped() noexcept {
    return core().dropped();
}
bool enabled(Level level) noexcept {
    return core().enabled(level);
}

void event(Level level, std::string_view name, std::initializer_list<Attribute> fields) {
    if (core().enabled(level)) core().event(level, name, fields);
}

Limiter::Window& Limiter::window_of(std::string_view key, MonoTime now) {
    const auto found = windows_.find(key);
    if (found != windows_.end()) return found->second;
    if (windows_.size() >= max_keys_ && now >= next_sweep_) {
        // A flood of keys must not pay a walk each.
        next_sweep_ = now + window_ / 8;
        std::erase_if(windows_, [now](const auto& entry) { return entry.second.ends <= now; });
    }
    if (windows_.size() >= max_keys_) return shared_;
    return windows_[std::string(key)];
}

std::optional<std::uint64_t> Limiter::admit(std::string_view key, MonoTime now) {
    Window& window = window_of(key, now);
    if (now < window.ends) {
        ++window.suppressed;
        return std::nullopt;
    }
    window.ends = now + window_;
    return std::exchange(window.suppressed, 0);
}

}  // namespace latchkey::log
