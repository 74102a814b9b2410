// Session: what MQTT keeps for (principal, client id), with or without a connection: subscriptions, what
// waits and what is in flight, QoS 2 receipts, the will. It lives on the home shard of its client id and
// never moves.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/ticket.h"
#include "base/time.h"
#include "broker/line_budget.h"
#include "broker/membership.h"
#include "broker/message.h"
#include "broker/out_queue.h"
#include "broker/retained_page.h"
#include "broker/timer.h"
#include "policy/authority.h"
#include "policy/program.h"

namespace latchkey::broker {

class Session;

/// One granted filter. @thread shard
struct Subscription {
    Session* session = nullptr;
    std::string filter;
    std::uint32_t place = 0;  ///< index among the subscribers of this filter
    std::uint32_t id = 0;     ///< subscription identifier, 0: none
    std::uint32_t pull = 0;   ///< number of the first of its pulls, one for each owner asked
    std::uint8_t qos = 0;
    bool no_local = false;
    bool retain_as_published = false;
    /// The policy no longer covers it: it routes and delivers nothing, and is judged again at each version.
    bool withheld = false;
    bool durable = false;          ///< counted among those of its filter that outlive their connections
    std::uint32_t membership = 0;  ///< shared: number among the session's memberships
};

/// What a will publishes when it fires. Decided at CONNECT and again when it fires.
struct Will {
    std::string topic;
    std::string payload;
    std::string forward;  ///< properties as encoded
    std::uint32_t delay_s = 0;
    std::uint32_t expiry_s = 0xFFFFFFFF;
    std::uint8_t qos = 0;
    bool retain = false;
};

/// The retained messages a SUBSCRIBE still waits for, from one owner shard. Since its oldest unanswered page
/// request the session remembers the highest number delivered live per topic: a scanned copy that is not
/// newer is dropped.
struct Pull {
    PullId id;
    std::uint32_t owner = 0;
    std::string filter;
    std::string cursor;  ///< topic to go on behind
    std::uint32_t subscription_id = 0;
    std::uint8_t qos = 0;
    bool no_local = false;
    bool asked = false;  ///< a page request is unanswered; else the session has to drain first
};

/// @thread shard
class Session {
  public:
    Session(std::string key_text, std::string client, std::uint64_t serial_number, const HashSeed& seed)
        : key(std::move(key_text)),
          client_id(std::move(client)),
          serial(serial_number),
          subscriptions(0, SeededHash{seed}) {
        timer.session = this;
    }

    const std::string key;  ///< principal and client id; see session_key()
    const std::string client_id;
    const std::uint64_t serial;     ///< unique in this process
    std::uint64_t epoch = 0;        ///< grows at each attach
    std::uint64_t connect_seq = 0;  ///< highest that ever attached here
    SlotId connection;              ///< the attached one, if any

    policy::AuthorityRef authority;
    policy::Program program;          ///< authority bound to the policy it was last judged under
    std::uint64_t swept_version = 0;  ///< policy version under which all its subscriptions were judged
    std::uint32_t pass = 0;           ///< over its subscriptions, to judge them; 0: none
    bool pass_removes = false;        ///< what that does with those that are not covered any more
    bool ended = false;               ///< nobody's any more: its filters are being forgotten

    std::uint32_t expiry_s = 0;
    std::uint16_t window = 65535;  ///< the receiver's Receive Maximum
    std::uint16_t in_window = 0;   ///< in-flight entries that count against it
    std::uint16_t next_packet_id = 1;
    Timer timer;  ///< disconnected: the earlier of expiry and will delay
    MonoTime expires = kNever;
    MonoTime will_due = kNever;

    std::unordered_map<std::string, std::unique_ptr<Subscription>, SeededHash, std::equal_to<>> subscriptions;
    EntryRing waiting;
    EntryRing inflight;               ///< filled by push_inflight() only
    std::uint64_t waiting_bytes = 0;  ///< of what waits and what is in flight, lists of identifiers included
    std::uint64_t offline_bytes = 0;  ///< of these, what the quota counts as kept for nobody present
    std::uint32_t offline_messages = 0;  ///< likewise
    std::string quota_key;               ///< the principal that this session counts for
    std::uint32_t send_from = 0;  ///< entries of `inflight` before this one were sent on this connection
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>>
        id_lists;  ///< of entries with several identifiers
    std::uint32_t next_id_list = 1;
    std::uint64_t outgoing_gate = 0;                          ///< LSN of the last packet id that was recorded
    std::unordered_map<std::uint16_t, MessageRef> receiving;  ///< QoS 2 from the client, not yet released
    std::uint64_t receiving_bytes = 0;
    LineBudget denial_lines;
    std::unique_ptr<Will> will;

    std::map<std::uint32_t, Pull> pulls;  ///< by number
    std::unordered_map<std::string, std::uint64_t> live_numbers;
    std::uint32_t next_pull = 1;
    std::uint32_t pages_asked = 0;  ///< unanswered page requests, also of pulls that are gone

    std::unique_ptr<Memberships> memberships;  ///< of shared subscriptions, once it has had one

    std::uint64_t match_stamp = 0;  ///< of the message last matched: merges overlapping subscriptions

    bool connected() const noexcept { return static_cast<bool>(connection); }
    /// Survives its connection.
    bool durable() const noexcept { return expiry_s != 0; }
    Subscription* find_subscription(std::string_view filter) noexcept;
    /// A packet id that no entry in flight holds; 0 when all 65,535 are taken.
    std::uint16_t take_packet_id() noexcept;
    /// Binary search: ids are handed out in a circle, so entries stand in its order until one id has been
    /// kept for a whole round.
    QueueEntry* find_inflight(std::uint16_t packet_id, std::uint32_t* index = nullptr) noexcept;
    void push_inflight(QueueEntry entry);
    /// Drops everything that is queued, in flight or half received.
    void clear_messages() noexcept;

  private:
    std::uint32_t steps_from_oldest(std::uint16_t packet_id) noexcept;
    bool in_circle_order_ = true;  ///< entries of `inflight`
};

/// Sessions belong to (principal, client id): the same id under another principal is another session.
std::string session_key(const policy::Principal& principal, std::string_view client_id);

}  // namespace latchkey::broker
