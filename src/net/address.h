// Internet addresses: what a listener binds and what a peer has. IPv4 that arrives mapped into IPv6 is IPv4
// here, so that one rule on addresses cannot be passed by the other spelling.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sockaddr_storage;

namespace latchkey::net {

/// @thread any (value type)
struct Address {
    std::array<std::byte, 16> raw{};  ///< network order; the first `size` bytes count
    std::uint8_t size = 0;            ///< 4, 16, or 0 for none
    std::uint16_t port = 0;           ///< host order

    /// "192.0.2.7" or "2001:db8::1"; empty without an address.
    std::string text() const;
    /// "192.0.2.7:1883" or "[2001:db8::1]:1883".
    std::string with_port() const;
    bool loopback() const;
    std::span<const std::byte> bytes() const { return std::span(raw).first(size); }
    friend bool operator==(const Address&, const Address&) = default;
};

/// Parses "1.2.3.4" or "::1" (brackets allowed around IPv6); names are refused, except "localhost" =
/// 127.0.0.1.
/// @error kAddressInvalid
Result<Address> parse_address(std::string_view host, std::uint16_t port);

/// IPv4 that is mapped into IPv6 as what it is; anything else unchanged.
Address unmapped(const Address& address);

Address from_sockaddr(const sockaddr_storage& from);
/// Fills `to`; returns its length for bind and connect.
unsigned to_sockaddr(const Address& from, sockaddr_storage& to);

}  // namespace latchkey::net
