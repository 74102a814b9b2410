// Reads a PROXY header byte for byte, because TLS reads the socket itself and nothing can be given back to
// it: what is there is looked at, and only what belongs to the header is taken.
// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_transport.h"

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "net/errors.h"

namespace latchkey::net {
namespace {

class ProxyTransport final : public Transport {
  public:
    ProxyTransport(TransportPlan behind, OwnedFd socket, const Address& remote, std::uint16_t local_port)
        : prelude_(std::make_unique<Prelude>()) {
        prelude_->socket = std::move(socket);
        prelude_->behind = std::move(behind);
        prelude_->peer.remote = remote;
        prelude_->peer.local_port = local_port;
        prelude_->peer.handshake_done = false;
    }
    ~ProxyTransport() override { close(); }

    int handle() const override { return inner_ ? inner_->handle() : prelude_->socket.get(); }
    const PeerFacts& peer() const override { return inner_ ? inner_->peer() : prelude_->peer; }

    IoResult read(std::span<std::byte> into) override {
        if (!inner_) {
            if (const IoResult header = read_header(); header.status != IoStatus::Ok) return header;
        }
        return inner_->read(into);
    }

    IoResult write(std::span<const iovec> from) override {
        if (inner_) return inner_->write(from);
        if (!prelude_->socket.valid() || prelude_->dead) return failed(kSocketFailed);
        return {.status = IoStatus::WantRead};
    }

    void close() override { inner_ ? inner_->close() : close_politely(prelude_->socket); }

  private:
    /// Until the header is whole.
    struct Prelude {
        OwnedFd socket;
        TransportPlan behind;
        PeerFacts peer;
        std::array<std::byte, kMaxProxyBytes> seen{};
        std::size_t taken = 0;  ///< of `seen`, off the socket
        const ErrorInfo* dead = nullptr;
    };

    static IoResult failed(const ErrorInfo& error) { return {.error = &error}; }
    IoResult die(const ErrorInfo& error) {
        prelude_->dead = &error;
        return failed(error);
    }

    IoResult read_header() {
        Prelude& p = *prelude_;
        if (p.dead != nullptr) return failed(*p.dead);
        if (!p.socket.valid()) return failed(kSocketFailed);
        std::byte* fresh = p.seen.data() + p.taken;
        const ssize_t there = ::recv(p.socket.get(), fresh, p.seen.size() - p.taken, MSG_PEEK | MSG_DONTWAIT);
        if (there == 0) return {.status = IoStatus::Eof};
        if (there < 0) {
            if (errno == EAGAIN || errno == EINTR) return {.status = IoStatus::WantRead};
            return die(kPeerReset);
        }
        const std::size_t seen = p.taken + static_cast<std::size_t>(there);
        const auto header = parse_proxy_header(std::span(p.seen).first(seen));
        if (!header) return die(header.error().info());
        const std::size_t wanted = (*header ? (*header)->bytes : seen) - p.taken;
        if (::recv(p.socket.get(), fresh, wanted, MSG_DONTWAIT) != static_cast<ssize_t>(wanted))
            return die(kSocketFailed);
        p.taken += wanted;
        if (!*header) return {.status = IoStatus::WantRead};
        return begin((*header)->source.value_or(p.peer.remote));
    }

    IoResult begin(const Address& remote) {
        Prelude& p = *prelude_;
        auto inner = make_transport(p.behind, std::move(p.socket), remote, p.peer.local_port);
        if (!inner) return die(kSocketFailed);
        inner_ = std::move(inner);
        prelude_.reset();
        return {.status = IoStatus::Ok};
    }

    std::unique_ptr<Prelude> prelude_;
    std::unique_ptr<Transport> inner_;
};

}  // namespace

std::unique_ptr<Transport> make_proxy_transport(TransportPlan behind, OwnedFd socket, const Address& remote,
                                                std::uint16_t local_port) {
    return std::make_unique<ProxyTransport>(std::move(behind), std::move(socket), remote, local_port);
}

}  // namespace latchkey::net
