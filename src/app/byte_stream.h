// What the client commands talk through: a blocking byte stream with a patience. TCP here; TLS beside it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace latchkey::app {

/// @thread one at a time
class ByteStream {
  public:
    virtual ~ByteStream() = default;
    /// Waits at most `patience` for bytes. @return how many, 0 if none came in time @error kStreamEnded,
    /// kStreamFailed
    virtual Result<std::size_t> read_some(std::span<std::byte> into, std::chrono::milliseconds patience) = 0;
    /// Writes everything. @error kStreamFailed
    virtual Result<void> write_all(std::span<const std::byte> bytes) = 0;
};

/// Connects to the first address of `host` that answers, IPv6 and IPv4. @error kConnectFailed
Result<std::unique_ptr<ByteStream>> connect_tcp(const std::string& host, std::uint16_t port,
                                                std::chrono::milliseconds patience);
/// The same as a plain descriptor, non-blocking, for a TLS stream to be put around. The caller closes it.
Result<int> connect_tcp_fd(const std::string& host, std::uint16_t port, std::chrono::milliseconds patience);

}  // namespace latchkey::app
