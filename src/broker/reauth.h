// Reauthentication (MQTT5 4.12.1): a connected client proves itself again by AUTH packets, while its messages
// go on under the rights it has. The result swaps authority, rights and end of the connection at once; who
// fails is disconnected and keeps the session. The exchange before CONNACK is in logins.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "auth/pipeline.h"
#include "base/secret.h"
#include "base/ticket.h"
#include "base/time.h"
#include "broker/epoch.h"
#include "broker/line_budget.h"
#include "mqtt/packet.h"

namespace latchkey::broker {

class Client;
class Shard;

/// What belongs to one exchange of AUTH packets, before CONNACK or after. @thread shard
struct Exchange {
    std::string method;
    Secret data;  ///< the newest from the client
    std::optional<auth::ChallengePin> pin;
    int challenges = 0;
    bool asked = false;  ///< a challenge is out: the next AUTH answers it
};
/// A realm that never comes to a verdict would keep a connection for ever.
inline constexpr int kMaxChallenges = 8;
/// Of one first packet: once, and twice more when the configuration changed meanwhile (policy 2).
inline constexpr int kPipelineRuns = 3;
inline mqtt::Bytes bytes_of(const Secret& secret) {
    return std::as_bytes(std::span(secret.expose()));
}

/// Kept by a client that named an Authentication Method.
struct Reauth {
    Exchange exchange;
    std::optional<std::string> user_name;  ///< of its CONNECT
    std::uint64_t number = 0;              ///< grows with each: an answer to an older one is stale
    EpochRef epoch;                        ///< under which the pipeline ran
    MonoTime deadline = kNever;
    LineBudget budget;
    int runs = 0;
    bool under_way = false;
    bool log_reserved = false;
};

/// @thread shard
class Reauths {
  public:
    explicit Reauths(Shard& shard) : shard_(shard) {}

    /// AUTH of a connected client: begins a reauthentication or answers a challenge.
    mqtt::Flow on_auth(Client& client, const mqtt::Auth& packet);
    /// Starts some of those that wait for their turn: a pipeline may check a signature on this thread.
    void run_waiting();
    bool waiting() const noexcept { return !waiting_.empty(); }
    /// When the one under way must have come to its end; never without one.
    static MonoTime deadline(const Client& client);
    void on_deadline(Client& client);
    /// The client goes.
    void abandon(Client& client);

  private:
    struct Waiting {
        SlotId client;
        std::uint64_t number;
    };
    bool begin(Client& client);
    void run(Client& client);
    void on_result(SlotId id, std::uint64_t number, auth::LoginResult result);
    bool outdated(const Client& client) const;
    void challenge(Client& client, auth::LoginResult result);
    void grant(Client& client, auth::LoginResult result);
    void refuse(Client& client, auth::LoginResult result, const Error& cause, mqtt::Reason reason);

    Shard& shard_;
    std::deque<Waiting> waiting_;
};

}  // namespace latchkey::broker
