// Store: what survives a connection, behind one seam. One store per shard; the shard appends records, and
// every output that depends on a record carries that record's LSN as its gate. Nothing here ever waits for a
// disk. Seam (house): MemoryStore commits at once; the simulator's commits late; the journal will commit once
// a turn.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "policy/authority.h"

namespace latchkey::store {

/// Log sequence number within one log: 1, 2, 3 ...; 0 means "depends on nothing".
using Lsn = std::uint64_t;

/// Names a message for good; a log_id is never used twice (data-path 4).
struct MessageId {
    std::uint32_t log_id = 0;
    Lsn lsn = 0;
    friend bool operator==(const MessageId&, const MessageId&) = default;
};

enum class RecordKind : std::uint8_t {
    Publish,       ///< an accepted QoS 1 message that somebody durable is to get, with its destinations
    Receive,       ///< an accepted QoS 2 message, not to be routed before its Release
    Release,       ///< PUBREL accepted: the message of `packet_id` is routed now, with its destinations
    Will,          ///< a will that has fired
    Retain,        ///< retained state of a topic; empty payload: deleted
    Session,       ///< a session as one versioned blob
    SessionEnd,    ///< the session of `key` is gone
    Subscription,  ///< granted, or changed
    Unsubscription,
    Outgoing,  ///< packet id state towards a receiver
};

/// One change. Views are read during append only.
struct Record {
    RecordKind kind{};
    std::string_view key;         ///< session key, or topic for Retain
    std::string_view topic;       ///< topic or filter
    std::string_view body;        ///< payload or blob
    std::string_view properties;  ///< forwarded properties as encoded
    const policy::Authority* authority = nullptr;
    std::uint64_t policy_version = 0;
    std::uint64_t destinations = 0;  ///< mask of shards that get it
    std::uint64_t number = 0;        ///< retained number, session epoch
    std::uint16_t packet_id = 0;
    std::uint8_t qos = 0;
    bool retain = false;
};

/// @thread shard
class Store {
  public:
    virtual ~Store() = default;

    /// Adds a record to this turn's batch. Never fails here: a store that cannot write holds its gate.
    virtual Lsn append(const Record& record) = 0;

    /// Closes the batch and tells the highest LSN committed so far. When that moves later, the function given
    /// to on_gate runs on the shard's thread.
    virtual Lsn gate() = 0;
    virtual void on_gate(std::move_only_function<void()> moved) = 0;

    /// Asks for the stored session of `key`. `done` runs on the shard's thread, possibly before return, with
    /// the blob of the last committed Session record or nothing.
    virtual void load(std::string_view key,
                      std::move_only_function<void(std::optional<std::string>)> done) = 0;
};

}  // namespace latchkey::store
