// LineBudget: how many log lines one source may still write. A burst, then a trickle; whoever asks when it is
// spent counts instead. Denials are told to two logs, and a client can be denied as fast as it can send.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace latchkey::broker {

/// A source may write `burst` lines at once and one more per `interval` after that.
struct LineRate {
    std::int64_t burst;
    Duration interval;
};

/// @thread shard
class LineBudget {
  public:
    /// Takes one line. False: spent.
    bool take(MonoTime now, const LineRate& rate) noexcept {
        const MonoTime paid = std::max(paid_, now);
        if (paid - now > rate.interval * (rate.burst - 1)) return false;
        paid_ = paid + rate.interval;
        return true;
    }

  private:
    MonoTime paid_{};  ///< until when the lines written so far have used it up
};

}  // namespace latchkey::broker
