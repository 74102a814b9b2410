// The client side's counterpart of Connection, for our own client commands and for tests: the same framing
// and decoding, with the packets that a server sends. No I/O.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mqtt/connection.h"
#include "mqtt/packet.h"

namespace latchkey::mqtt {

/// Receives packets in order. Called inside on_bytes only; views die on return.
class ClientHandler {
  public:
    virtual Flow on_connack(const Connack& packet) = 0;
    virtual Flow on_publish(const Publish& packet) = 0;
    virtual Flow on_ack(const Ack& packet) = 0;
    /// SUBACK and UNSUBACK.
    virtual Flow on_suback(const Suback& packet) = 0;
    virtual Flow on_pingresp() = 0;
    virtual Flow on_disconnect(const Disconnect& packet) = 0;
    virtual Flow on_auth(const Auth& packet) = 0;
    virtual void on_protocol_error(Reason reason, std::string_view detail) = 0;

  protected:
    ~ClientHandler() = default;
};

/// @thread one at a time
class ClientConnection {
  public:
    /// `level` is what CONNECT says; `limits.topic_alias_maximum` what it announced.
    ClientConnection(Level level, const Limits& limits) : limits_(limits) { peer_.level = level; }

    /// As Connection::on_bytes; never Waiting.
    Consumed on_bytes(Bytes in, ClientHandler& handler);
    bool connected() const noexcept { return connected_; }
    /// After CONNACK: what the encoder must respect.
    const Peer& peer() const noexcept { return peer_; }

  private:
    Flow dispatch(PacketType type, std::uint8_t flags, Bytes body, ClientHandler& handler);
    Flow take_connack(Bytes body, ClientHandler& handler);
    Flow take_publish(std::uint8_t flags, Bytes body, ClientHandler& handler);
    Flow fail(ClientHandler& handler, Reason reason, std::string_view detail);

    Limits limits_;
    Peer peer_;
    std::vector<std::string> aliases_;
    bool connected_ = false;
    bool closed_ = false;
};

}  // namespace latchkey::mqtt
