// The only place that reads the machine's clocks; see time.h.
// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

namespace latchkey {

MonoTime SystemClock::mono() const {
    return MonoTime(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime SystemClock::wall() const {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace latchkey
