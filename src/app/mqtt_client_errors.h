// Errors of the client commands' MQTT side, 12100 to 12199; numbers never change meaning.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::app {

inline constexpr ErrorInfo kConnectFailed{12101, "connect_failed", "cannot reach the broker",
                                          "Check host, port and whether the broker runs"};
inline constexpr ErrorInfo kStreamEnded{12102, "stream_ended", "the broker closed the connection",
                                        "Its log says why; a plain client on a TLS port looks like this too"};
inline constexpr ErrorInfo kStreamFailed{12103, "stream_failed", "the connection broke", ""};
inline constexpr ErrorInfo kClientTimeout{12104, "client_timeout", "the broker did not answer in time", ""};
inline constexpr ErrorInfo kServerProtocol{12105, "server_protocol",
                                           "the broker sent what MQTT does not allow", ""};
inline constexpr ErrorInfo kServerDisconnect{12106, "server_disconnect", "the broker ended the connection",
                                             ""};
inline constexpr ErrorInfo kNotSendable{12107, "not_sendable",
                                        "the packet is too large for the broker or for MQTT", ""};

/// All rows, for the reference page.
inline constexpr std::array<const ErrorInfo*, 7> kMqttClientErrors{
    &kConnectFailed,  &kStreamEnded,      &kStreamFailed, &kClientTimeout,
    &kServerProtocol, &kServerDisconnect, &kNotSendable};

}  // namespace latchkey::app
