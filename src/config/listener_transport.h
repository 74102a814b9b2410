// What a listener puts between the socket and MQTT, besides TLS: the rows `path`, `allowed_origins`,
// `proxy_protocol` and `proxy_from`, judged and turned into what net runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "config/configuration.h"
#include "net/proxy_header.h"
#include "net/websocket_upgrade.h"

namespace latchkey::config {

/// Faults of those rows: a path that no request can have, origins that no browser sends, proxies that nobody
/// listed.
void judge_listener_transport(const ListenerConfig& listener, Faults& faults);

/// Null: the listener does not speak WebSocket. Of a listener without faults.
std::shared_ptr<const net::WebSocketOptions> websocket_options(const ListenerConfig& listener);
/// Null: clients connect themselves. Of a listener without faults.
std::shared_ptr<const net::ProxyRules> proxy_rules(const ListenerConfig& listener);

}  // namespace latchkey::config
