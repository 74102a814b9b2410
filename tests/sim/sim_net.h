// The simulator's network: byte pipes with bounded room, transports over them, and a poller that knows which
// are ready. Everything on one thread, in an order that only the seed decides.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/listener.h"
#include "net/poller.h"
#include "net/transport.h"

namespace latchkey::sim {

/// One direction of a connection.
struct Pipe {
    std::string bytes;
    std::size_t room = 1 << 20;  ///< as a socket's buffer: writes beyond it wait
    bool closed = false;         ///< the writer is gone: Eof once drained
    bool broken = false;         ///< reset
};

class SimNet;

/// @thread the simulator's
class SimTransport final : public net::Transport {
  public:
    SimTransport(SimNet& network, int handle, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
                 const net::Address& from);
    ~SimTransport() override;
    int handle() const override { return handle_; }
    net::IoResult read(std::span<std::byte> into) override;
    net::IoResult write(std::span<const iovec> from) override;
    void close() override;
    const net::PeerFacts& peer() const override { return peer_; }

  private:
    SimNet& network_;
    int handle_;
    std::shared_ptr<Pipe> in_;
    std::shared_ptr<Pipe> out_;
    net::PeerFacts peer_;
};

/// All pipes by handle, so that pollers can look.
class SimNet {
  public:
    struct Ends {
        std::shared_ptr<Pipe> in;
        std::shared_ptr<Pipe> out;
    };
    /// A connection: the broker's transport, and the two pipes as the client sees them.
    struct Connection {
        std::unique_ptr<net::Transport> broker;
        std::shared_ptr<Pipe> to_client;
        std::shared_ptr<Pipe> to_broker;
    };
    Connection connect(const net::Address& from);
    const Ends* find(int handle) const;
    void forget(int handle) { ends_.erase(handle); }

  private:
    int next_handle_ = 100;
    std::map<int, Ends> ends_;
};

/// Connections that wait to be accepted.
class SimAcceptor final : public net::Acceptor {
  public:
    explicit SimAcceptor(int handle) : handle_(handle) {}
    int handle() const override { return handle_; }
    net::AcceptResult try_accept(const net::TransportPlan& plan, net::AcceptGate* gate) override;
    void offer(std::unique_ptr<net::Transport> transport) { waiting_.push_back(std::move(transport)); }
    bool waiting() const { return !waiting_.empty(); }

  private:
    int handle_;
    std::deque<std::unique_ptr<net::Transport>> waiting_;
};

class SimPoller final : public net::Poller {
  public:
    SimPoller(SimNet& network, const std::vector<SimAcceptor*>& acceptors)
        : network_(network), acceptors_(acceptors) {}
    Result<void> add(int handle, net::PollToken token, net::Interest interest) override;
    void modify(int handle, net::PollToken token, net::Interest interest) override;
    void remove(int handle) override { watched_.erase(handle); }
    void wait(MonoTime now, MonoTime deadline, std::vector<net::PollEvent>& out) override;
    void wake() override { woken_ = true; }
    bool anything() { return woken_ || !collect(false).empty(); }
    /// Only this shard's acceptors fire: which shard accepts is the scheduler's choice.
    bool accepts = true;

  private:
    struct Watched {
        net::PollToken token;
        net::Interest interest;
    };
    std::vector<net::PollEvent> collect(bool take);
    SimNet& network_;
    const std::vector<SimAcceptor*>& acceptors_;
    std::map<int, Watched> watched_;
    bool woken_ = false;
};

}  // namespace latchkey::sim
