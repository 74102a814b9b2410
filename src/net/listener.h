// Listening. An Acceptor gives finished transports, so that shards and the simulator do not see sockets; the
// one listening socket of a listener stands in every shard's poller with Interest::Accept (one waiter is
// woken).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "net/address.h"
#include "net/fd.h"
#include "net/transport.h"
#include "net/transport_plan.h"

namespace latchkey::net {

enum class AcceptStatus : std::uint8_t {
    Ok,
    None,       ///< nobody waits (or another shard was faster)
    Exhausted,  ///< out of descriptors or memory: stop accepting for a while, or the poller fires for ever
    Refused,    ///< one was closed for what it is; `error` says why, `remote` who
    Unwelcome,  ///< the gate closed one before anything was spent on it
};
struct AcceptResult {
    AcceptStatus status = AcceptStatus::None;
    std::unique_ptr<Transport> transport{};
    const ErrorInfo* error = nullptr;
    Address remote{};
};

/// Who may come in: asked with the address alone, before a transport is built. @thread the acceptor's caller
class AcceptGate {
  public:
    virtual ~AcceptGate() = default;
    virtual bool admits(const Address& remote) = 0;
};

/// Seam with two methods: where connections come from. @thread any (shards share one)
class Acceptor {
  public:
    virtual ~Acceptor() = default;
    virtual int handle() const = 0;
    /// One waiting connection; never waits. @param plan  of the epoch under which it is accepted
    /// @param gate  null: everybody is welcome
    virtual AcceptResult try_accept(const TransportPlan& plan, AcceptGate* gate = nullptr) = 0;
};

struct ListenOptions {
    std::string host = "127.0.0.1";  ///< address literal, brackets allowed; "localhost"
    std::uint16_t port = 0;          ///< 0 = any free one
    int backlog = 4096;
};

/// A bound TCP socket. Accepted sockets are non-blocking, close-on-exec, with TCP_NODELAY.
class TcpListener final : public Acceptor {
  public:
    /// @error kAddressInvalid | kAddressInUse | kAddressNotHere | kAddressForbidden | kListenFailed
    static Result<std::unique_ptr<TcpListener>> open(const ListenOptions& options);

    int handle() const override { return socket_.get(); }
    AcceptResult try_accept(const TransportPlan& plan, AcceptGate* gate = nullptr) override;
    /// For a server with an event loop of its own; nothing is accepted here afterwards.
    OwnedFd take_socket() { return std::move(socket_); }
    /// With the port that was chosen.
    const Address& address() const { return address_; }

  private:
    TcpListener(OwnedFd socket, Address address) : socket_(std::move(socket)), address_(address) {}
    OwnedFd socket_;
    Address address_;
};

}  // namespace latchkey::net
