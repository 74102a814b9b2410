// Logins: from a decoded CONNECT to an attached session, in the stages of data-path 2: move to the home
// shard, pipeline, (move again if the client id was rewritten), claim, load, attach. Each may be pending; a
// refused or unfinished CONNECT disturbs nobody.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/pipeline.h"
#include "base/secret.h"
#include "broker/client.h"
#include "broker/reauth.h"
#include "broker/session.h"
#include "mqtt/packet.h"

namespace latchkey::broker {

class Shard;

/// A CONNECT on its way, and what the pipeline said. Owned by its client; moves with it.
struct Login {
    std::uint64_t connect_seq = 0;
    std::string client_id;
    bool assigned_id = false;
    std::optional<std::string> user_name;
    std::optional<Secret> password;
    std::unique_ptr<Exchange> exchange;  ///< null without an Authentication Method
    bool clean_start = false;
    std::uint16_t keep_alive_s = 0;
    std::uint32_t session_expiry_s = 0;
    std::uint16_t receive_maximum = 65535;
    std::unique_ptr<Will> will;

    EpochRef epoch;  ///< under which the pipeline ran
    int runs = 0;    ///< of the pipeline
    bool log_reserved = false;
    std::optional<auth::LoginResult> result;
};

/// A connection between two shards. Slab objects never cross: everything here is heap.
struct ConnectionTransfer {
    std::unique_ptr<net::Transport> transport;
    mqtt::Connection protocol;
    mqtt::Buffer tail;
    std::unique_ptr<Login> login;
    AdmissionSlot admission;
    std::uint32_t listener = 0;
    std::uint32_t accepted_under = 0;
    MonoTime deadline = kNever;
    bool fin = false;
};

/// @thread shard
class Logins {
  public:
    explicit Logins(Shard& shard) : shard_(shard) {}

    /// Copies what the login needs. The rest happens once the decoder has returned: see proceed().
    mqtt::Flow on_connect(Client& client, const mqtt::Connect& packet);
    /// Goes on from wherever the login stands.
    void proceed(Client& client);
    /// AUTH before CONNACK: the answer to a challenge. The rest as for on_connect().
    mqtt::Flow on_auth(Client& client, const mqtt::Auth& packet);
    /// Starts some of the logins that wait for their turn: a pipeline may check a signature on this thread.
    void run_waiting();
    bool waiting() const noexcept { return !waiting_.empty(); }
    /// A connection came from another shard.
    void arrive(ConnectionTransfer transfer);
    /// The login's time is over, or a held refusal is due.
    void on_deadline(Client& client);
    /// The client goes before its login has ended.
    void abandon(Client& client);
    MonoTime ends_at(const auth::LoginResult& result) const;

  private:
    void move(Client& client, std::uint32_t to);
    void run_pipeline(Client& client);
    void on_result(SlotId id, std::uint64_t connect_seq, auth::LoginResult result);
    void challenge(Client& client);
    void on_granted(Client& client);
    bool outdated(const Client& client) const;
    bool accepted_now(const Client& client) const;
    bool certificate_stands(const Client& client) const;
    void attach(Client& client, const std::string& key);
    bool session_quota(Client& client, const std::string& key);
    bool will_allowed(Client& client, const policy::Program& program);
    void accept(Client& client, Session& session, bool present);
    void refuse(Client& client, mqtt::Reason reason, const Error& cause);
    void log_granted(Login& login, const policy::Program& program);
    void log_refused(Client& client, Login& login, auth::Outcome outcome, Error cause);
    Shard& shard_;
    std::deque<SlotId> waiting_;
};

}  // namespace latchkey::broker
