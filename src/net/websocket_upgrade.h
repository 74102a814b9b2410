// The opening handshake of WebSocket (RFC 6455 4.2) as one question and one answer: a whole request head in,
// a whole response out. Which request is let in is decided here; websocket.h moves the bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace latchkey::net {

inline constexpr std::size_t kMaxUpgradeBytes = 8 * 1024;  ///< request line and headers

/// What a listener lets in. @thread any (immutable)
struct WebSocketOptions {
    std::string path = "/mqtt";
    /// Pages that may connect, as browsers name them ("https://app.example"); "*" is any page. A request
    /// without Origin does not come from a page and needs no entry, nor does one with the address that is
    /// connected to and without User-Agent.
    std::vector<std::string> allowed_origins{};
};

/// What is sent back. Refused: an HTTP error with words, and the same words for the log.
struct UpgradeAnswer {
    std::string response;
    const ErrorInfo* refused = nullptr;
};

/// @param head  from the request line to the empty line, at most kMaxUpgradeBytes
/// @thread any @cost one HTTP parse and one SHA-1, some microseconds
/// @spec RFC 6455 4.2; MQTT5 6 [MQTT-6.0.0-3], [MQTT-6.0.0-4]
UpgradeAnswer answer_upgrade(std::string_view head, const WebSocketOptions& options);

/// The answer to a request that is not read any further. @param why  a kUpgrade row
UpgradeAnswer refuse_upgrade(const ErrorInfo& why);

}  // namespace latchkey::net
