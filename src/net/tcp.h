// Plain TCP behind the Transport seam, and dialling out for the client commands.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "net/fd.h"
#include "net/transport.h"

namespace latchkey::net {

/// What may be recognised in the first bytes.
enum class FirstBytes : std::uint8_t {
    Any,
    Mqtt,  ///< a client's first packet: TLS and HTTP are told apart with their own errors
};

/// @param socket  connected, non-blocking
std::unique_ptr<Transport> make_tcp_transport(OwnedFd socket, const Address& remote, std::uint16_t local_port,
                                              FirstBytes expect = FirstBytes::Any);

/// A connected, non-blocking socket and whom it reached.
struct Dialled {
    OwnedFd socket;
    Address remote;
    std::uint16_t local_port = 0;
};

/// Resolves and connects, trying each address in turn. BLOCKS up to `limit` per address: commands and tests
/// only.
/// @error kResolveFailed | kConnectFailed | kConnectTimeout
Result<Dialled> dial(std::string_view host, std::uint16_t port, std::chrono::milliseconds limit);

}  // namespace latchkey::net
