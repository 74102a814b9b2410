// Certificate sweep: when a reload changes whom a listener trusts, the clients that are connected are judged
// by their certificates as if they came now, and those that would not be let in any more are sent away
// (F-04). In slices, since each chain costs signatures.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/ticket.h"
#include "broker/epoch.h"

namespace latchkey::broker {

class Shard;

/// @thread shard
class CertificateSweep {
  public:
    explicit CertificateSweep(Shard& shard) : shard_(shard) {}

    /// The shard is about to go from `before` to `after`: notes the clients of listeners that trust others
    /// now.
    void begin(const Epoch& before, const Epoch& after);
    /// Judges some of them.
    void run();
    bool pending() const noexcept { return !pending_.empty(); }

  private:
    Shard& shard_;
    std::vector<bool> changed_;  ///< by listener, until its clients have been judged
    std::vector<SlotId> pending_;
};

}  // namespace latchkey::broker
