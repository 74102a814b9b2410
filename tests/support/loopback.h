// Real connections inside one test process: free loopback ports, waiting by poll(2) with a limit that only a
// failing test reaches. For plain tests of net and for the contract suites.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <poll.h>

#include "net/listener.h"
#include "net/tcp.h"
#include "support/transport_source.h"

namespace latchkey::test {

inline constexpr int kPatienceMs = 10'000;

inline bool await_handle(int handle, short events) {
    pollfd wait{.fd = handle, .events = events, .revents = 0};
    return ::poll(&wait, 1, kPatienceMs) == 1;
}
inline bool await_readable(const net::Transport& of) {
    return await_handle(of.handle(), POLLIN);
}
inline bool await_writable(const net::Transport& of) {
    return await_handle(of.handle(), POLLOUT);
}

/// A listener on a free loopback port.
inline std::unique_ptr<net::TcpListener> listen_somewhere(std::string_view host = "127.0.0.1") {
    auto listener = net::TcpListener::open({.host = std::string(host), .port = 0, .backlog = 128});
    EXPECT_TRUE(listener) << listener.error().message();
    return listener ? std::move(*listener) : nullptr;
}

inline net::Dialled dial_to(const net::TcpListener& listener) {
    auto dialled =
        net::dial(listener.address().text(), listener.address().port, std::chrono::milliseconds(kPatienceMs));
    EXPECT_TRUE(dialled) << dialled.error().message();
    return dialled ? std::move(*dialled) : net::Dialled{};
}

inline std::unique_ptr<net::Transport> accept_by(net::TcpListener& listener, const net::TransportPlan& plan) {
    EXPECT_TRUE(await_handle(listener.handle(), POLLIN));
    return listener.try_accept(plan).transport;
}
/// @param tls  borrowed; null = plain
inline std::unique_ptr<net::Transport> accept_from(net::TcpListener& listener,
                                                   const net::TlsContext* tls = nullptr) {
    return accept_by(listener, {.tls = {std::shared_ptr<const net::TlsContext>(), tls}});
}

inline TransportPair tcp_pair() {
    const auto listener = listen_somewhere();
    net::Dialled dialled = dial_to(*listener);
    TransportPair pair;
    pair.client = net::make_tcp_transport(std::move(dialled.socket), dialled.remote, dialled.local_port);
    pair.server = accept_from(*listener);
    return pair;
}

/// Sends text by a transport whose handshake is done, or which has none.
inline void say(net::Transport& from, std::string_view text) {
    const iovec one{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    ASSERT_EQ(from.write(std::span(&one, 1)).status, net::IoStatus::Ok);
}

/// Waits and reads until something else than "wait" comes back.
inline net::IoResult read_some(net::Transport& from, std::span<std::byte> into) {
    net::IoResult result;
    do {
        if (!await_readable(from)) return {};
        result = from.read(into);
    } while (result.status == net::IoStatus::WantRead || result.status == net::IoStatus::WantWrite);
    return result;
}

}  // namespace latchkey::test
