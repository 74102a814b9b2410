// Ranges of addresses in CIDR form, for lists of who may do what.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace latchkey::net {

/// @thread any (value type)
struct AddressRange {
    Address first;
    std::uint8_t bits = 0;  ///< of the prefix

    bool contains(const Address& address) const;
};

/// Parses "10.0.0.0/8", "2001:db8::/32", or one address. Bits beyond the prefix must be zero: "10.1.2.3/8" is
/// more often a slip than a wish.
/// @error kAddressRangeInvalid @spec RFC 4632 3.1
Result<AddressRange> parse_address_range(std::string_view text);

}  // namespace latchkey::net
