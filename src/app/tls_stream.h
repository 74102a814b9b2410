// The client commands' byte stream over TLS.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "app/byte_stream.h"
#include "net/tls.h"

namespace latchkey::app {

/// Connects; the handshake runs with the first bytes written. @error as net::dial and net::TlsClient::load
Result<std::unique_ptr<ByteStream>> connect_tls(const std::string& host, std::uint16_t port,
                                                const net::TlsClientOptions& options,
                                                std::chrono::milliseconds patience);

}  // namespace latchkey::app
