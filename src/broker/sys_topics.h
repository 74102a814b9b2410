// SysTopics: the tree below $SYS that dashboards for Mosquitto read: versions, clients, messages, bytes,
// loads. Published by the broker's own authority as retained messages from shard 0; values that did not
// change are not sent again, and a full lane drops them instead of waiting (data-path 5).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "broker/totals.h"

namespace latchkey::broker {

class Shard;

/// @thread shard; does something on shard 0 alone
class SysTopics {
  public:
    explicit SysTopics(Shard& shard);

    /// When run() has something to do.
    MonoTime due() const noexcept { return due_; }
    void run();
    /// The interval may be another one.
    void on_settings();

  private:
    /// A rate per minute, averaged over 1, 5 and 15 minutes with exponential weights.
    struct Load {
        std::uint64_t last = 0;
        std::array<double, 3> average{};
    };
    void ask_all();
    void publish_all(const Totals& totals);
    void publish_clients(const Totals& totals);
    void publish_messages(const Totals& totals);
    void publish_loads(const Counters& counters);
    void load(std::string_view name, std::uint64_t total);
    void publish(std::string_view topic, std::string value);
    void publish(std::string_view topic, std::uint64_t value) { publish(topic, std::to_string(value)); }

    Shard& shard_;
    MonoTime started_;
    MonoTime last_{};
    MonoTime due_;
    Duration elapsed_{};
    std::size_t most_clients_ = 0;
    bool asking_ = false;
    std::map<std::string, std::string, std::less<>> sent_;
    std::map<std::string, Load, std::less<>> loads_;
};

}  // namespace latchkey::broker
