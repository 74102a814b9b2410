// Tests of log.h: the two formats to the letter, hostile values, levels, the bounded queue, the limiter.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"

namespace latchkey::log {
namespace {

class FixedClock final : public Clock {
  public:
    MonoTime mono() const override { return {}; }
    WallTime wall() const override {
        return WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)) + std::chrono::hours(22) +
               std::chrono::milliseconds(1123);
    }
};

/// A log whose lines land in a vector; the log goes back to standard error when this ends.
class CapturedLog {
  public:
    explicit CapturedLog(Options options) {
        options.clock = &clock_;
        options.capture = [this](std::string_view line) { lines_.emplace_back(line); };
        init(std::move(options));
    }
    ~CapturedLog() { shutdown(); }
    const std::vector<std::string>& lines() {
        flush();
        return lines_;
    }

  private:
    FixedClock clock_;
    std::vector<std::string> lines_;
};

TEST(Log, WritesATextLineToTheLetter) {
    CapturedLog log({.synchronous = true});
    event(Level::Warn, "publish_denied",
          {field("client", "x"), field("qos", 1), field("bytes", std::uint64_t{18'446'744'073'709'551'615U}),
           field("offset", std::int64_t{-7}), field("retain", false), field("topic", std::string("a/b"))});
    event(Level::Info, "started");
    ASSERT_EQ(log.lines().size(), 2U);
    EXPECT_EQ(log.lines()[0],
              "2026-11-24T22:00:01.123Z WARN publish_denied client=\"x\" qos=1 bytes=18446744073709551615 "
              "offset=-7 "
              "retain=false topic=\"a/b\"");
    EXPECT_EQ(log.lines()[1], "2026-11-24T22:00:01.123Z INFO started");
}

TEST(Log, WritesAJsonLineToTheLetter) {
    CapturedLog log({.format = Format::Json, .synchronous = true});
    event(Level::Error, "realm_failed", {field("realm", "okta"), field("attempt", 3), field("retry", true)});
    ASSERT_EQ(log.lines().size(), 1U);
    EXPECT_EQ(log.lines()[0],
              R"({"time":"2026-11-24T22:00:01.123Z","level":"error","event":"realm_failed","realm":"okta",)"
              R"("attempt":3,"retry":true})");
}

TEST(Log, AHostileValueStaysOnItsLineAndInItsField) {
    const std::string hostile = "x\" admin=\"yes\n2026 WARN forged \\\x1b[2J\xE2\x80\xAE\xFF";
    for (const Format format : {Format::Text, Format::Json}) {
        CapturedLog log({.format = format, .synchronous = true});
        event(Level::Warn, "login_refused", {field("client", hostile), field("reason", "bad_token")});
        ASSERT_EQ(log.lines().size(), 1U);
        const std::string& line = log.lines()[0];
        EXPECT_EQ(line.find('\n'), line.npos);
        EXPECT_EQ(line.find('\x1b'), line.npos);
        EXPECT_EQ(line.find("admin=\""), line.npos);
        if (format == Format::Json) {
            const auto value = json::parse(line);
            ASSERT_TRUE(value);
            EXPECT_EQ(*value->find_string("client"),
                      "x\" admin=\"yes\n2026 WARN forged \\\x1b[2J\xE2\x80\xAE\xEF\xBF\xBD");
            EXPECT_EQ(value->object()->size(), 5U);
        }
    }
}

TEST(Log, LevelsBelowTheThresholdAreNotWritten) {
    CapturedLog log({.level = Level::Warn, .synchronous = true});
    EXPECT_FALSE(enabled(Level::Info));
    EXPECT_TRUE(enabled(Level::Error));
    event(Level::Debug, "a");
    event(Level::Info, "b");
    event(Level::Warn, "c");
    event(Level::Error, "d");
    EXPECT_EQ(log.lines().size(), 2U);
    EXPECT_EQ(parse_level("warn"), Level::Warn);
    EXPECT_EQ(parse_level("WARN"), std::nullopt);
    EXPECT_EQ(parse_level(""), std::nullopt);
}

TEST(Log, ManyThreadsLoseNothingWhileTheQueueHasRoom) {
    const std::uint64_t dropped_before = dropped();
    CapturedLog log({.queue_lines = 100'000});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
            for (int i = 0; i < 500; ++i)
                event(Level::Info, "tick", {field("thread", t), field("i", i)});
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(log.lines().size(), 2000U);
    EXPECT_EQ(dropped(), dropped_before);
}

TEST(Log, AFullQueueDropsCountsAndSaysSo) {
    const std::uint64_t dropped_before = dropped();
    std::mutex gate;
    std::vector<std::string> lines;
    std::unique_lock closed(gate);
    FixedClock clock;
    init({.queue_lines = 4, .clock = &clock, .capture = [&](std::string_view line) {
              const std::lock_guard lock(gate);  // the disk that does not answer
              lines.emplace_back(line);
          }});
    for (int i = 0; i < 100; ++i)
        event(Level::Info, "tick", {field("i", i)});  // returns although nobody writes
    const std::uint64_t lost = dropped() - dropped_before;
    closed.unlock();
    flush();
    shutdown();
    EXPECT_GE(lost, 100U - 8U) << "at most four being written and four waiting";
    ASSERT_EQ(lines.size(), 100U - lost + 1U) << "what was kept, and one line that tells";
    EXPECT_EQ(std::ranges::count(
                  lines, "2026-11-24T22:00:01.123Z WARN log_lines_dropped count=" + std::to_string(lost)),
              1);
    EXPECT_EQ(lines.front(), "2026-11-24T22:00:01.123Z INFO tick i=0") << "the oldest are kept";
}

TEST(Log, ShutdownWritesWhatWaitsAndLaterLinesGoToStandardError) {
    std::vector<std::string> lines;
    init({.capture = [&](std::string_view line) { lines.emplace_back(line); }});
    for (int i = 0; i < 50; ++i)
        event(Level::Info, "tick");
    shutdown();
    EXPECT_EQ(lines.size(), 50U);
    testing::internal::CaptureStderr();
    event(Level::Warn, "after_shutdown", {field("x", 1)});
    const std::string printed = testing::internal::GetCapturedStderr();
    EXPECT_NE(printed.find("Z WARN after_shutdown x=1\n"), printed.npos) << printed;
    EXPECT_EQ(lines.size(), 50U);
}

MonoTime at(int seconds) {
    return MonoTime(std::chrono::seconds(seconds));
}

TEST(LogLimiter, AdmitsOncePerWindowAndKeyAndCountsTheRest) {
    Limiter limiter(std::chrono::seconds(10));
    EXPECT_EQ(limiter.admit("a", at(100)), 0U);
    EXPECT_EQ(limiter.admit("b", at(100)), 0U);
    for (int i = 101; i < 110; ++i)
        EXPECT_EQ(limiter.admit("a", at(i)), std::nullopt);
    EXPECT_EQ(limiter.admit("a", at(110)), 9U);
    EXPECT_EQ(limiter.admit("a", at(111)), std::nullopt);
    EXPECT_EQ(limiter.admit("b", at(200)), 0U);
}

TEST(LogLimiter, AFloodOfKeysSharesOneWindowAndRoomComesBack) {
    Limiter limiter(std::chrono::seconds(10), 4);
    int admitted = 0;
    for (int i = 0; i < 1000; ++i)
        admitted += limiter.admit("key" + std::to_string(i), at(100)).has_value() ? 1 : 0;
    EXPECT_EQ(admitted, 5) << "four of their own and the shared one";
    EXPECT_EQ(limiter.admit("late", at(120)), 0U) << "old windows made room";
}

}  // namespace
}  // namespace latchkey::log
