// TransportPlan: what a listener puts between the socket and MQTT, outermost first: the PROXY header, TLS,
// WebSocket. Part of an epoch, so that a reload changes it for connections to come. Acceptors build a
// connection's transports by it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "net/address.h"
#include "net/fd.h"
#include "net/proxy_header.h"
#include "net/transport.h"
#include "net/websocket_upgrade.h"

namespace latchkey::net {

class TlsContext;

/// @thread any (immutable; what it names outlives every connection made by it)
struct TransportPlan {
    std::shared_ptr<const TlsContext> tls{};              ///< null: plain
    std::shared_ptr<const WebSocketOptions> websocket{};  ///< null: MQTT directly
    std::shared_ptr<const ProxyRules> proxy{};            ///< null: clients connect themselves
};

/// The transports of one accepted connection. @return null when memory is short
std::unique_ptr<Transport> make_transport(const TransportPlan& plan, OwnedFd socket, const Address& remote,
                                          std::uint16_t local_port);

}  // namespace latchkey::net
