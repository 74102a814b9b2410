// The real transports and the real poller against the contracts of their seams.
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include "base/time.h"
#include "net/epoll_poller.h"
#include "support/loopback.h"
#include "support/pki.h"
#include "support/poller_contract.h"
#include "support/transport_contract.h"
#include "support/websocket_client.h"

namespace latchkey::test {
namespace {

const SystemClock kClock;

std::unique_ptr<net::Poller> make_epoll() {
    auto poller = net::EpollPoller::create();
    return poller ? std::move(*poller) : nullptr;
}

/// A connection by a listener's whole plan; the PROXY header, when one is due, is sent by the dialling end.
TransportPair planned_pair(bool tls, bool websocket, bool proxy) {
    static const auto server = pki().server();
    static const auto client = pki().client();
    net::TransportPlan plan;
    if (tls) plan.tls = server;
    if (websocket) plan.websocket = std::make_shared<net::WebSocketOptions>();
    if (proxy)
        plan.proxy = std::make_shared<net::ProxyRules>(
            net::ProxyRules{.from = {*net::parse_address_range("127.0.0.0/8")}});
    const auto listener = listen_somewhere();
    net::Dialled dialled = dial_to(*listener);
    TransportPair pair;
    pair.server = accept_by(*listener, plan);
    if (proxy) {
        constexpr std::string_view kHeader = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n";
        EXPECT_EQ(::send(dialled.socket.get(), kHeader.data(), kHeader.size(), 0),
                  static_cast<ssize_t>(kHeader.size()));
    }
    pair.client =
        tls ? client->connect(std::move(dialled.socket), dialled.remote, dialled.local_port, "localhost")
            : net::make_tcp_transport(std::move(dialled.socket), dialled.remote, dialled.local_port);
    if (websocket) pair.client = std::make_unique<WebSocketClient>(std::move(pair.client));
    return pair;
}

TransportSource planned(std::string name, bool tls, bool websocket, bool proxy) {
    return {std::move(name), [=] { return planned_pair(tls, websocket, proxy); }, await_readable,
            await_writable};
}

INSTANTIATE_TEST_SUITE_P(Real, TransportContract,
                         testing::Values(TransportSource{"tcp", tcp_pair, await_readable, await_writable},
                                         TransportSource{"tls", tls_pair, await_readable, await_writable},
                                         planned("ws", false, true, false), planned("wss", true, true, false),
                                         planned("proxied_tcp", false, false, true),
                                         planned("proxied_tls", true, false, true),
                                         planned("proxied_ws", false, true, true),
                                         planned("proxied_wss", true, true, true)),
                         [](const auto& of) { return of.param.name; });

INSTANTIATE_TEST_SUITE_P(Real, PollerContract,
                         testing::Values(PollerSource{"epoll", make_epoll, tcp_pair, &kClock}),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace latchkey::test
