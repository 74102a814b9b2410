// The protocol state of one network connection, server side: which packet is legal now, topic aliases, size
// limits, level. It calls a Handler directly, in wire order; it does no I/O, owns no packet ids, windows or
// timers (the session and the shard do), and moves between shards with its connection.
// Implements MQTT 5.0 chapters 3 and 4, 3.1.1 and 3.1 where a connection is concerned.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "mqtt/packet.h"

namespace latchkey::mqtt {

/// What a handler answers: Stop leaves everything behind this packet with the caller (suspension, hand-over,
/// end).
enum class Flow : std::uint8_t { Continue, Stop };

/// Receives packets in order. Called inside on_bytes only; views die on return.
class Handler {
  public:
    virtual Flow on_connect(const Connect& packet) = 0;
    virtual Flow on_publish(const Publish& packet) = 0;
    virtual Flow on_ack(const Ack& packet) = 0;
    virtual Flow on_subscribe(const Subscribe& packet) = 0;
    virtual Flow on_unsubscribe(const Unsubscribe& packet) = 0;
    virtual Flow on_pingreq() = 0;
    virtual Flow on_disconnect(const Disconnect& packet) = 0;
    virtual Flow on_auth(const Auth& packet) = 0;
    /// Called once at most, last. `detail` is one of ours, never the peer's bytes. Connection::error_answer
    /// says what the peer may be told before the close.
    virtual void on_protocol_error(Reason reason, std::string_view detail) = 0;

  protected:
    ~Handler() = default;
};

/// What a connection may take in.
struct Limits {
    std::uint32_t max_packet_bytes = 1024 * 1024;  ///< whole packet, announced as Maximum Packet Size
    std::uint32_t max_connect_bytes = 16 * 1024;   ///< of CONNECT, and of AUTH before CONNACK
    std::uint16_t topic_alias_maximum = 0;         ///< inbound, announced in CONNACK
    std::uint16_t max_user_properties = 64;        ///< per packet (and per will); more: 0x97
};

/// What the encoder must know of the receiver.
struct Peer {
    Level level = Level::V5;
    bool problem_information = true;  ///< 0: no reason strings except in CONNACK and DISCONNECT
    std::uint32_t max_packet_bytes = 0xFFFFFFFF;
};

struct Consumed {
    enum class State : std::uint8_t {
        NeedMore,  ///< the tail is an incomplete packet of `need` bytes (at least), or there is no tail
        Stopped,   ///< a handler said Stop
        Waiting,   ///< nothing parsed: CONNECT is not answered yet and no AUTH may come
        Closed,    ///< after a protocol error or DISCONNECT: nothing is ever parsed again
    };
    std::size_t bytes = 0;  ///< consumed; the caller keeps the rest
    /// Size of the packet at the head of the tail, as far as known: exact once its fixed header is complete,
    /// else the least that could be. 0 without a tail. Never above the limit that holds now.
    std::size_t need = 0;
    State state = State::NeedMore;
};

/// An outbound topic alias. 0: none, send the topic.
struct OutboundAlias {
    std::uint16_t alias = 0;
    bool known = false;  ///< the peer has it: send an empty topic
};

/// @thread shard. Movable; 48 bytes at most, tables appear when used.
class Connection {
  public:
    enum class State : std::uint8_t { ExpectConnect, Connecting, Connected, Closed };
    /// What may be sent to the peer before closing after an error.
    enum class ErrorAnswer : std::uint8_t { None, Connack, Disconnect };

    explicit Connection(const Limits& limits) noexcept;
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    ~Connection();

    /// Parses whole packets in place and calls `handler` for each until Stop, an error or an incomplete
    /// packet. Bytes behind an error or a DISCONNECT are never looked at. No allocation except for alias
    /// tables.
    Consumed on_bytes(Bytes in, Handler& handler);

    /// CONNACK with Success has been queued: packets other than AUTH are legal from here on.
    /// `topic_alias_maximum` is what that CONNACK announced, at most the limit.
    void accepted(std::uint16_t topic_alias_maximum) noexcept;
    /// As above with the limit's own value.
    void accepted() noexcept;
    /// A listener's or a newer epoch's limits, for example after the move to the home shard.
    void set_limits(const Limits& limits) noexcept;
    /// A re-authentication has ended with success: the next AUTH must start one.
    void reauthenticated() noexcept;
    /// We close: nothing more is parsed.
    void close() noexcept { state_ = State::Closed; }

    State state() const noexcept { return state_; }
    /// Valid after on_connect; in on_protocol_error the level to answer in, if error_answer is not None.
    Level level() const noexcept { return peer_.level; }
    const Peer& peer() const noexcept { return peer_; }
    /// What the peer may be sent for `reason` now (also from inside on_protocol_error).
    ErrorAnswer error_answer(Reason reason) const noexcept;

    /// The alias to send `topic` under; when `known` is false the packet that carries alias and topic must be
    /// sent next, or forget_outbound_alias called. `cap` bounds our own memory. First come, first kept.
    OutboundAlias outbound_alias(std::string_view topic, std::uint16_t cap);
    void forget_outbound_alias(std::uint16_t alias) noexcept;
    std::uint16_t outbound_alias_maximum() const noexcept { return outbound_alias_maximum_; }
    /// Heap bytes of alias tables and authentication method, for the budget of a connection.
    std::size_t heap_bytes() const noexcept;

  private:
    struct Extras;
    Extras& extras();
    Flow dispatch(PacketType type, std::uint8_t flags, Bytes body, Handler& handler);
    Flow take_connect(Bytes body, Handler& handler);
    Flow take_publish(std::uint8_t flags, Bytes body, Handler& handler);
    Flow take_disconnect(Bytes body, Handler& handler);
    Flow take_auth(Bytes body, Handler& handler);
    Flow fail(Handler& handler, Reason reason, std::string_view detail);
    bool may_come(PacketType type, Bytes rest, Handler& handler);

    std::unique_ptr<Extras> extras_;
    Peer peer_;
    std::uint32_t max_packet_bytes_;
    std::uint32_t max_connect_bytes_;
    std::uint16_t inbound_alias_maximum_;
    std::uint16_t outbound_alias_maximum_ = 0;
    std::uint16_t max_user_properties_;
    State state_ = State::ExpectConnect;
    bool level_known_ : 1 = false;
    bool answered_ : 1 = false;  ///< CONNACK with Success has been queued
    bool session_expires_at_once_ : 1 = false;
    bool reauthenticating_ : 1 = false;
};

static_assert(sizeof(Connection) <= 48, "part of the idle budget of a connection");

}  // namespace latchkey::mqtt
