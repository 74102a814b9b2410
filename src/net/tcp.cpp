// Plain sockets; see tcp.h. One system call per read or write, none of which waits.
// SPDX-License-Identifier: Apache-2.0
#include "net/tcp.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/errors.h"
#include "net/first_bytes.h"

namespace latchkey::net {
namespace {

constexpr std::size_t kVectorsPerCall = 1024;  // IOV_MAX on Linux

IoResult failed(int code) {
    IoResult result;
    result.error = code == ECONNRESET || code == EPIPE || code == ETIMEDOUT ? &kPeerReset : &kSocketFailed;
    return result;
}

class TcpTransport final : public Transport {
  public:
    TcpTransport(OwnedFd socket, const Address& remote, std::uint16_t local_port, FirstBytes expect)
        : socket_(std::move(socket)), expect_(expect) {
        peer_.remote = remote;
        peer_.local_port = local_port;
    }
    ~TcpTransport() override { close(); }

    int handle() const override { return socket_.get(); }
    const PeerFacts& peer() const override { return peer_; }

    IoResult read(std::span<std::byte> into) override {
        const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
        if (count > 0) return arrived(into.first(static_cast<std::size_t>(count)));
        if (count == 0) return {.status = IoStatus::Eof};
        if (errno == EAGAIN || errno == EINTR) return {.status = IoStatus::WantRead};
        return failed(errno);
    }

    IoResult write(std::span<const iovec> from) override {
        IoResult result{.status = IoStatus::Ok};
        while (!from.empty()) {
            const auto batch = from.first(std::min(from.size(), kVectorsPerCall));
            from = from.subspan(batch.size());
            std::size_t offered = 0;
            for (const iovec& piece : batch)
                offered += piece.iov_len;
            if (offered == 0) continue;
            const ssize_t count = send(batch);
            if (count < 0 && errno != EAGAIN && errno != EINTR) return failed(errno);
            const std::size_t taken = count < 0 ? 0 : static_cast<std::size_t>(count);
            result.bytes += taken;
            if (taken == offered) continue;
            result.status = IoStatus::WantWrite;
            break;
        }
        return result;
    }

    void close() override { close_politely(socket_); }

  private:
    ssize_t send(std::span<const iovec> batch) const {
        if (batch.size() == 1)
            return ::send(socket_.get(), batch[0].iov_base, batch[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(batch.data());  // sendmsg does not write to it
        message.msg_iovlen = batch.size();
        return ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    IoResult arrived(std::span<const std::byte> bytes) {
        if (expect_ == FirstBytes::Mqtt) {
            expect_ = FirstBytes::Any;
            switch (recognise(bytes)) {
                case Spoken::Tls:
                    return {.error = &kTlsOnPlainPort};
                case Spoken::Http:
                    return {.error = &kHttpOnPlainPort};
                case Spoken::MqttConnect:
                case Spoken::Other:
                    break;
            }
        }
        return {.status = IoStatus::Ok, .bytes = bytes.size()};
    }

    OwnedFd socket_;
    FirstBytes expect_;
    PeerFacts peer_;
};

// Finishes a connect under way; 0, or the error number.
int await_connected(int socket, std::chrono::milliseconds limit) {
    pollfd wait{.fd = socket, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(limit.count()));
    if (ready == 0) return ETIMEDOUT;
    if (ready < 0) return errno;
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
    return code;
}

int dial_one(const addrinfo& candidate, std::chrono::milliseconds limit, Dialled& out) {
    OwnedFd socket(::socket(candidate.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return errno;
    int code = ::connect(socket.get(), candidate.ai_addr, candidate.ai_addrlen) == 0 ? 0 : errno;
    if (code == EINPROGRESS) code = await_connected(socket.get(), limit);
    if (code != 0) return code;
    const int one = 1;
    LK_IGNORE(::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), "latency only");
    sockaddr_storage storage{};
    std::memcpy(&storage, candidate.ai_addr, std::min<std::size_t>(candidate.ai_addrlen, sizeof storage));
    out.remote = from_sockaddr(storage);
    socklen_t size = sizeof storage;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) == 0)
        out.local_port = from_sockaddr(storage).port;
    out.socket = std::move(socket);
    return 0;
}

}  // namespace

Spoken recognise(std::span<const std::byte> bytes) {
    if (bytes.empty()) return Spoken::Other;
    if (bytes[0] == std::byte{0x16})
        return Spoken::Tls;  // handshake record; in MQTT a CONNECT with reserved bits set
    if (bytes[0] == std::byte{0x10}) return Spoken::MqttConnect;
    constexpr std::array<std::string_view, 7> kMethods{"GET ", "POST", "HEAD", "PUT ",
                                                       "OPTI", "DELE", "PRI "};
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const bool http =
        std::ranges::any_of(kMethods, [&](std::string_view method) { return text.starts_with(method); });
    return http ? Spoken::Http : Spoken::Other;
}

std::unique_ptr<Transport> make_tcp_transport(OwnedFd socket, const Address& remote, std::uint16_t local_port,
                                              FirstBytes expect) {
    return std::make_unique<TcpTransport>(std::move(socket), remote, local_port, expect);
}

Result<Dialled> dial(std::string_view host, std::uint16_t port, std::chrono::milliseconds limit) {
    std::string name(host);
    if (name.size() >= 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
        return fail(kResolveFailed, host);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    int last = 0;
    for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
        Dialled out;
        last = dial_one(*candidate, limit, out);
        if (last == 0) return out;
    }
    const std::string where = name + ":" + std::to_string(port);
    if (last == ETIMEDOUT) return fail(kConnectTimeout, where);
    return fail(kConnectFailed, where + ": " + std::strerror(last));
}

}  // namespace latchkey::net
