// The two clocks of the process and their types. Monotonic time drives timers and deadlines; wall time is for
// tokens, certificates and logs. Only clock.cpp reads the machine's clocks (data-path rule, checked by make
// lint).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace latchkey {

using Duration = std::chrono::nanoseconds;

/// Tag of the monotonic time line; has no now(): ask a Clock.
struct MonoLine {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = Duration;
    using time_point = std::chrono::time_point<MonoLine>;
    static constexpr bool is_steady = true;
};
using MonoTime = std::chrono::time_point<MonoLine, Duration>;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

inline constexpr MonoTime kNever = MonoTime::max();

/// What time it is. The simulator replaces it. @thread any
class Clock {
  public:
    virtual ~Clock() = default;
    virtual MonoTime mono() const = 0;
    virtual WallTime wall() const = 0;
};

/// The machine's clocks. @thread any
class SystemClock final : public Clock {
  public:
    MonoTime mono() const override;
    WallTime wall() const override;
};

}  // namespace latchkey
