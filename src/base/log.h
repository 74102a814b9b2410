// The structured log: a stable event name and fields, one line each, to standard error as text or JSON lines.
// The caller formats, a thread of the log writes: a full queue drops and counts, so a shard never waits for a
// disk. Audit and access lines must never be dropped and do not go through here.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/time.h"

namespace latchkey::log {

enum class Level : std::uint8_t { Debug, Info, Warn, Error };
enum class Format : std::uint8_t { Text, Json };

std::optional<Level> parse_level(std::string_view name);

/// One field of a line; made by field(), lives as long as the call of event().
struct Attribute {
    enum class Type : std::uint8_t { Text, Signed, Unsigned, Boolean };
    std::string_view name;
    Type type = Type::Text;
    std::string_view text{};
    std::uint64_t bits = 0;
};

inline Attribute field(std::string_view name, std::string_view value) {
    return {name, Attribute::Type::Text, value, 0};
}
inline Attribute field(std::string_view name, const std::string& value) {
    return {name, Attribute::Type::Text, value, 0};
}
inline Attribute field(std::string_view name, const char* value) {
    return {name, Attribute::Type::Text, value, 0};
}
template <std::integral T>
Attribute field(std::string_view name, T value) {
    using Type = Attribute::Type;
    const Type type = std::same_as<T, bool>     ? Type::Boolean
                      : std::signed_integral<T> ? Type::Signed
                                                : Type::Unsigned;
    return {name, type, {}, static_cast<std::uint64_t>(value)};
}
/// Credentials are not loggable.
Attribute field(std::string_view name, const Secret& value) = delete;

struct Options {
    Level level = Level::Info;
    Format format = Format::Text;
    std::size_t queue_lines = 8192;  ///< lines waiting for the writer; the next one is dropped and counted
    const Clock* clock = nullptr;  ///< stamps the lines; the machine's when null; must live until shutdown()
    /// Receives each line, without its newline, in place of standard error (tests). On the log's thread, or
    /// inside event() when `synchronous`.
    std::function<void(std::string_view)> capture{};
    bool synchronous = false;  ///< write inside event(); for tests and short-lived commands
};

/// Starts the log's thread. May be called again: the old one is drained first. @thread control
void init(Options options);
/// Writes what waits, stops the thread; later lines go to standard error synchronously, as before init().
void shutdown();
/// Returns once every line of earlier event() calls was written. @thread any, never a shard
void flush();
/// Lines lost to a full queue since the start.
std::uint64_t dropped() noexcept;
/// Whether a line of that level would be written; for fields that cost something to make.
bool enabled(Level level) noexcept;

/// One line: `2026-11-24T22:00:01.123Z WARN publish_denied client="x" qos=1`, or as JSON
/// `{"time":"...","level":"warn","event":"publish_denied","client":"x","qos":1}`. Values are escaped
/// (escape_for_log). Works before init(): synchronously, text, to standard error. @thread any; waits for
/// nothing but a short mutex
void event(Level level, std::string_view name, std::initializer_list<Attribute> fields = {});

/// "Log once per window": per key, and bounded in keys, since keys often come from peers. @thread owner
class Limiter {
  public:
    explicit Limiter(Duration window, std::size_t max_keys = 1024) : window_(window), max_keys_(max_keys) {}

    /// Nothing while the key's window is open; otherwise opens one and returns how many were suppressed in
    /// the last. With more than max_keys open windows, further keys share one.
    std::optional<std::uint64_t> admit(std::string_view key, MonoTime now);

  private:
    struct Window {
        MonoTime ends{};
        std::uint64_t suppressed = 0;
    };
    Window& window_of(std::string_view key, MonoTime now);

    Duration window_;
    std::size_t max_keys_;
    std::map<std::string, Window, std::less<>> windows_;
    Window shared_;
    MonoTime next_sweep_{};
};

}  // namespace latchkey::log
