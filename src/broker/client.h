// Client: one connection on the shard that serves it now. It owns the transport, the protocol state, the
// unparsed tail and what could not be written yet; sessions own everything that outlives it. Until a session
// is attached it may move to another shard.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ticket.h"
#include "broker/admission.h"
#include "broker/epoch.h"
#include "broker/output.h"
#include "broker/timer.h"
#include "mqtt/buffer.h"
#include "mqtt/connection.h"
#include "net/poller.h"
#include "net/transport.h"

namespace latchkey::broker {

class Shard;
class Session;
struct FilterRequest;
struct Login;
struct Reauth;

/// Why a connection is not read at the moment (data-path 3). Nothing overtakes; keep-alive stands still.
enum SuspendReason : std::uint8_t {
    kSuspendLogin = 1,     ///< a login is pending
    kSuspendLane = 2,      ///< its last message waits for a full lane
    kSuspendShutdown = 4,  ///< no ingress any more
    kSuspendOutput = 8,    ///< it does not take the answers it has coming
    kSuspendRequest = 16,  ///< its SUBSCRIBE or UNSUBSCRIBE is being worked off
};

/// What a denial costs, with its reason and its line; the unit is one filter. See Client::spend().
inline constexpr std::uint32_t kDenialUnits = 16;

/// @thread shard
class Client final : public mqtt::Handler {
  public:
    static constexpr std::uint32_t kParseBudget = 256;

    enum class Phase : std::uint8_t {
        AwaitConnect,
        LoggingIn,  ///< CONNECT decoded; pipeline, claim, load
        Online,     ///< a session is attached
        Closing,    ///< only what is queued for writing still leaves
    };

    Client(Shard& shard, std::unique_ptr<net::Transport> stream, std::uint32_t listener_index,
           const mqtt::Limits& limits);
    ~Client();

    mqtt::Flow on_connect(const mqtt::Connect& packet) override;
    mqtt::Flow on_publish(const mqtt::Publish& packet) override;
    mqtt::Flow on_ack(const mqtt::Ack& packet) override;
    mqtt::Flow on_subscribe(const mqtt::Subscribe& packet) override;
    mqtt::Flow on_unsubscribe(const mqtt::Unsubscribe& packet) override;
    mqtt::Flow on_pingreq() override;
    mqtt::Flow on_disconnect(const mqtt::Disconnect& packet) override;
    mqtt::Flow on_auth(const mqtt::Auth& packet) override;
    void on_protocol_error(mqtt::Reason reason, std::string_view detail) override;

    /// Continue, or Stop when this connection is suspended or closing.
    mqtt::Flow flow() const noexcept {
        return suspended == 0 && spent < kParseBudget && phase != Phase::Closing ? mqtt::Flow::Continue
                                                                                 : mqtt::Flow::Stop;
    }
    /// What it asked for was dear: after kParseBudget of these, or when the shard has spent a turn's worth,
    /// the rest of its bytes waits for the next turn.
    void spend(std::uint32_t units) noexcept;
    bool has_output() const noexcept { return !leftover.empty() || !control.empty(); }

    Shard& shard;
    SlotId id;
    /// Of a client that named an Authentication Method.
    std::unique_ptr<Reauth> reauth;
    std::unique_ptr<net::Transport> transport;
    mqtt::Connection protocol;
    std::unique_ptr<FilterRequest> request;  ///< being worked off in slices
    std::unique_ptr<Login> login;            ///< until the CONNACK is on its way
    Session* session = nullptr;              ///< while Online
    mqtt::Buffer tail;                       ///< unparsed: an incomplete packet, or what a suspension left
    Leftover leftover;                       ///< a packet (or TLS record) whose first bytes have left
    mqtt::Buffer control;                    ///< acknowledgements and the like, encoded
    AdmissionSlot admission;                 ///< its place among the connections of the process
    Timer timer;                             ///< next of: connect limit, login limit, keep-alive, expiry
    MonoTime heard{};                        ///< when bytes last arrived
    MonoTime ends = kNever;                  ///< the credential's end
    MonoTime deadline = kNever;              ///< of CONNECT or login
    std::uint32_t listener = 0;
    std::uint32_t accepted_under = 0;  ///< number of the epoch of its TLS context, low half
    std::uint32_t stashed = 0;         ///< its messages whose pushes are incomplete
    std::uint32_t need = 0;            ///< size of the packet at the head of `tail`, as far as known
    std::uint32_t spent = 0;           ///< in this turn
    std::uint16_t keep_alive_s = 0;
    net::Interest interest = net::Interest::None;  ///< what the poller watches
    Phase phase = Phase::AwaitConnect;
    std::uint8_t suspended = 0;  ///< SuspendReason bits
    bool dirty = false;          ///< in the shard's flush list
    bool ready = false;          ///< in the shard's ready list: has bytes though the poller is silent
    bool want_write = false;
    bool handshaking = false;       ///< in the shard's list of handshakes
    bool read_wants_write = false;  ///< its last read waits for room to write
    bool waits_for_gate = false;    ///< is flushed again when the packet ids of its session are committed
    bool held_refusal = false;      ///< its refusal leaves at `deadline`
    bool fin = false;               ///< the peer finished sending while we were not reading
};

}  // namespace latchkey::broker
