// The PROXY protocol, versions 1 and 2: a load balancer says at the very beginning of a connection whom it
// speaks for. Here is the parse, a pure function, and the rule of who is believed; proxy_transport.h reads
// the bytes. Document: "The PROXY protocol", HAProxy, 2020/03/05.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/address_range.h"

namespace latchkey::net {

inline constexpr std::size_t kMaxProxyV1Bytes = 107;  ///< 2.1: the longest line, its CR LF included
inline constexpr std::size_t kMaxProxyBytes = 536;    ///< 2.2: every receiver must take that much; we no more

/// Whose PROXY headers are believed. @thread any (immutable)
struct ProxyRules {
    std::vector<AddressRange> from;

    /// Who is not listed could claim any address.
    bool allows(const Address& address) const;
};

/// A whole header.
struct ProxyHeader {
    std::size_t bytes = 0;  ///< of the connection, to be taken off before the protocol begins
    /// Whom it speaks for; none: the proxy itself (a health check), or an address of no internet family.
    std::optional<Address> source;
};

/// Reads the header at the beginning of `seen`. Nothing: more bytes are needed. Refuses as soon as what is
/// there cannot become a header.
/// @error kProxyMissing | kProxyMalformed | kProxyTooLong
/// @thread any; no allocation on success
Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const std::byte> seen);

}  // namespace latchkey::net
