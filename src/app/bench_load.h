// One thread's share of the load that `latchkey bench` makes: its own sockets, one epoll loop. Built so that
// the broker is what limits: packets are made once and copied in blocks, what arrives is counted by its fixed
// header where it lies, and a turn ends with one send per connection. Owned by run_bench (bench.cpp).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "app/bench.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "mqtt/buffer.h"
#include "mqtt/packet.h"

namespace latchkey::app {

struct LoadResult {
    std::uint64_t published = 0;
    std::uint64_t delivered = 0;  ///< PUBLISH packets received, each copy counted
    std::uint64_t expected = 0;   ///< what `delivered` should be: published times subscribers of the topic
    std::uint64_t refused = 0;    ///< acknowledgements with an error
    MonoTime started{};           ///< before the first PUBLISH
    MonoTime ended{};             ///< after the last delivery or acknowledgement
    Duration cpu{};               ///< of this thread in that time
    std::vector<std::uint32_t> latency_ns;  ///< one for each delivery, in rate mode
    std::optional<Error> failure;           ///< why it ended early
};

/// @thread one at a time; establish() and run() may be on different threads
class BenchLoad {
  public:
    /// Takes the topics `index`, `index + step`, ... with their publishers and subscribers. Everything passed
    /// must outlive the load.
    BenchLoad(const BenchOptions& options, std::span<const Secret> passwords, const Clock& clock,
              unsigned index, unsigned step);
    BenchLoad(const BenchLoad&) = delete;
    BenchLoad& operator=(const BenchLoad&) = delete;
    ~BenchLoad();

    /// Connects and subscribes everybody. @error kConnectFailed, kBenchRefused, kClientTimeout,
    /// kStreamEnded, kStreamFailed
    Result<void> establish();
    /// Publishes, then waits for what is under way; closes the connections with DISCONNECT.
    LoadResult run();

  private:
    struct Client;
    struct Group;

    Result<void> open(Client& client);
    /// Waits, takes in what came, answers, writes.
    void turn(Duration patience);
    void read_some(Client& client);
    std::size_t take_packets(Client& client, std::span<const std::byte> in);
    void take_publish(Client& client, unsigned qos, std::span<const std::byte> body);
    void take_ack(Client& client, mqtt::PacketType type, std::span<const std::byte> body);
    void take_rare(Client& client, mqtt::PacketType type, std::span<const std::byte> body);
    void take_connack(Client& client, std::span<const std::byte> body);
    void put_ack(Client& client, mqtt::PacketType type, std::uint16_t packet_id);
    void flush(Client& client);
    void touch(Client& client);
    void stop(const Client& client, const Error& error);
    void become_ready(Client& client);
    void make_packets(Group& group);
    void top_up(Group& group);
    void pace(MonoTime now);
    void put_publishes(Client& client, std::uint64_t count);
    bool drained() const;
    void publish_and_drain();
    void say_goodbye();

    const BenchOptions& options_;
    std::span<const Secret> passwords_;
    const Clock& clock_;
    mqtt::Level level_;
    int epoll_ = -1;
    bool sending_ = false;
    unsigned ready_ = 0;
    std::uint64_t left_ = 0;  ///< messages still to be published
    MonoTime end_{};
    MonoTime next_due_{};
    Duration interval_{};
    std::size_t next_publisher_ = 0;
    std::vector<std::unique_ptr<Group>> groups_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<Client*> publishers_;
    std::vector<Client*> touched_;
    mqtt::Buffer input_;
    LoadResult result_;
};

}  // namespace latchkey::app
