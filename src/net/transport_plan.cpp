// See transport_plan.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/transport_plan.h"

#include <utility>

#include "net/proxy_transport.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "net/websocket.h"

namespace latchkey::net {

std::unique_ptr<Transport> make_transport(const TransportPlan& plan, OwnedFd socket, const Address& remote,
                                          std::uint16_t local_port) {
    if (plan.proxy) {
        // Read before anything else, also before TLS; what follows knows nothing of it.
        TransportPlan behind{.tls = plan.tls, .websocket = plan.websocket};
        return make_proxy_transport(std::move(behind), std::move(socket), remote, local_port);
    }
    const FirstBytes expect = plan.websocket ? FirstBytes::Any : FirstBytes::Mqtt;
    auto transport = plan.tls ? plan.tls->accept(std::move(socket), remote, local_port)
                              : make_tcp_transport(std::move(socket), remote, local_port, expect);
    if (!transport || !plan.websocket) return transport;
    return make_websocket_transport(std::move(transport), plan.websocket);
}

}  // namespace latchkey::net
