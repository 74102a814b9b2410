// The real transports and the real poller against the contracts of their seams.
// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"
#include "net/epoll_poller.h"
#include "support/loopback.h"
#include "support/pki.h"
#include "support/poller_contract.h"
#include "support/transport_contract.h"

namespace latchkey::test {
namespace {

const SystemClock kClock;

std::unique_ptr<net::Poller> make_epoll() {
    auto poller = net::EpollPoller::create();
    return poller ? std::move(*poller) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Real, TransportContract,
                         testing::Values(TransportSource{"tcp", tcp_pair, await_readable, await_writable},
                                         TransportSource{"tls", tls_pair, await_readable, await_writable}),
                         [](const auto& of) { return of.param.name; });

INSTANTIATE_TEST_SUITE_P(Real, PollerContract,
                         testing::Values(PollerSource{"epoll", make_epoll, tcp_pair, &kClock}),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace latchkey::test
