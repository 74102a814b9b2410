// MQTT over WebSocket (RFC 6455; MQTT5 6), server side: a Transport around another one, TCP or TLS. The
// opening handshake and Close run inside read() and close(); pings are answered by read().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "net/transport.h"
#include "net/websocket_upgrade.h"

namespace latchkey::net {

/// What one frame of ours carries at most: with its header one TLS record, and the bound of what has begun
/// when a client stops reading (data-path 7).
inline constexpr std::size_t kMaxFramePayload = 16 * 1024 - 4;

/// @param inner  fresh; nothing has been read from it
std::unique_ptr<Transport> make_websocket_transport(std::unique_ptr<Transport> inner,
                                                    std::shared_ptr<const WebSocketOptions> options);

}  // namespace latchkey::net
