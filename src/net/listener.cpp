// Bind, listen, accept; see listener.h. Errors name the address and what to do.
// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/errors.h"
#include "net/transport_plan.h"

namespace latchkey::net {
namespace {

std::unexpected<Error> listen_error(int code, const Address& address) {
    const std::string where = address.with_port();
    switch (code) {
        case EADDRINUSE:
            return fail(kAddressInUse, where);
        case EADDRNOTAVAIL:
            return fail(kAddressNotHere, where);
        case EACCES:
        case EPERM:
            return fail(kAddressForbidden, where);
    }
    return fail(kListenFailed, where + ": " + std::strerror(code));
}

void switch_on(int socket, int level, int option) {
    const int one = 1;
    LK_IGNORE(::setsockopt(socket, level, option, &one, sizeof one), "known options on a socket of ours");
}

// A machine that lost its power says nothing, and a client may ask for no keep-alive (E-26): the kernel looks
// after five quiet minutes, and gives up about four minutes later.
void keep_alive(int socket) {
    const auto set = [&](int option, int seconds_or_count) {
        LK_IGNORE(::setsockopt(socket, IPPROTO_TCP, option, &seconds_or_count, sizeof seconds_or_count),
                  "known options on a socket of ours");
    };
    switch_on(socket, SOL_SOCKET, SO_KEEPALIVE);
    set(TCP_KEEPIDLE, 300);
    set(TCP_KEEPINTVL, 60);
    set(TCP_KEEPCNT, 4);
}

Address local_address(int socket) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
    return from_sockaddr(storage);
}

AcceptStatus status_of(int code) {
    switch (code) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return AcceptStatus::Exhausted;
    }
    return AcceptStatus::None;  // also peers that gave up while they waited in the queue
}

}  // namespace

Result<std::unique_ptr<TcpListener>> TcpListener::open(const ListenOptions& options) {
    LK_TRY(const Address wanted, parse_address(options.host, options.port));
    const int family = wanted.size == 4 ? AF_INET : AF_INET6;
    OwnedFd socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return listen_error(errno, wanted);
    switch_on(socket.get(), SOL_SOCKET, SO_REUSEADDR);
    // [::] means IPv6 only: an operator who opens IPv4 says so.
    if (family == AF_INET6) switch_on(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    switch_on(socket.get(), IPPROTO_TCP, TCP_NODELAY);  // these are inherited by what is accepted
    keep_alive(socket.get());
    sockaddr_storage storage{};
    const unsigned size = to_sockaddr(wanted, storage);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
        ::listen(socket.get(), options.backlog) != 0)
        return listen_error(errno, wanted);
    const Address bound = local_address(socket.get());
    return std::unique_ptr<TcpListener>(new TcpListener(std::move(socket), bound));
}

AcceptResult TcpListener::try_accept(const TransportPlan& plan, AcceptGate* gate) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    OwnedFd socket(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) return {.status = status_of(errno)};
    const Address remote = from_sockaddr(storage);
    if (gate != nullptr && !gate->admits(remote))
        return {.status = AcceptStatus::Unwelcome, .remote = remote};
    if (plan.proxy && !plan.proxy->allows(remote))
        return {.status = AcceptStatus::Refused, .error = &kProxyUnlisted, .remote = remote};
    AcceptResult result;
    result.transport = make_transport(plan, std::move(socket), remote, address_.port);
    result.status = result.transport == nullptr ? AcceptStatus::Exhausted : AcceptStatus::Ok;
    return result;
}

}  // namespace latchkey::net
