// `latchkey bench`: loads any MQTT broker with publishers and subscribers and prints what came through, as
// one JSON object on standard output. bench/compare.py runs it against one broker after another.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace latchkey::app {

/// What to load. Publisher i writes topic i % topics, subscriber j reads topic j % topics: 1:1, pairs
/// (N:N:N), fan-in (N:1:1) and fan-out (1:N:1) are all the same thing.
struct BenchOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 1883;
    std::string version = "mqttv5";  ///< mqttv5, mqttv311
    unsigned publishers = 1;
    unsigned subscribers = 1;
    unsigned topics = 0;  ///< 0: the smaller of both counts
    unsigned qos = 0;     ///< of publishing and of subscribing
    unsigned payload_bytes = 64;
    /// Messages of each publisher that may be under way: sent and not yet at each of the subscribers.
    unsigned window = 256;
    /// Messages to publish in all; 0: as many as duration_ms allows.
    std::uint64_t messages = 0;
    unsigned duration_ms = 2000;
    /// Messages a second in all, evenly spaced, with their latency measured; 0: as fast as the window allows.
    unsigned rate = 0;
    unsigned threads = 1;  ///< topics are dealt out to them; more than `topics` are not used
    std::string topic_prefix = "bench";
    std::string client_prefix = "bench";  ///< client ids are PREFIX-p-N and PREFIX-s-N
    std::optional<std::string> user_name;
    std::string passwords_file;  ///< a password or token in each line; client i takes line i % lines
};

/// Connects, loads, drains, prints. Refused logins and subscriptions, lost messages and broken connections
/// are said on standard error.
/// @return an exit status: 0, 1 when something failed or was lost, 2 for options that make no sense
int run_bench(const BenchOptions& options);

}  // namespace latchkey::app
