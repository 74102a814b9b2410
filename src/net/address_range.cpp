// See address_range.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/address_range.h"

#include <charconv>
#include <cstddef>

#include "net/errors.h"

namespace latchkey::net {
namespace {

// The part of byte `index` that the prefix covers.
std::byte mask_of(std::size_t index, unsigned bits) {
    const unsigned before = static_cast<unsigned>(index) * 8;
    if (bits >= before + 8) return std::byte{0xFF};
    if (bits <= before) return std::byte{0};
    return static_cast<std::byte>(0xFFU << (8 - (bits - before)));
}

}  // namespace

bool AddressRange::contains(const Address& address) const {
    if (address.size != first.size || address.size == 0) return false;
    for (std::size_t i = 0; i < first.size; ++i)
        if (((address.raw[i] ^ first.raw[i]) & mask_of(i, bits)) != std::byte{0}) return false;
    return true;
}

Result<AddressRange> parse_address_range(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string_view host = text.substr(0, slash);
    const auto address = host == "localhost" ? fail(kAddressInvalid, host) : parse_address(host, 0);
    if (!address) return fail(kAddressRangeInvalid, text);
    const unsigned all = address->size * 8U;
    unsigned bits = all;
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (error != std::errc() || end != digits.data() + digits.size() || bits > all)
            return fail(kAddressRangeInvalid, text);
    }
    for (std::size_t i = 0; i < address->size; ++i)
        if ((address->raw[i] & ~mask_of(i, bits)) != std::byte{0}) return fail(kAddressRangeInvalid, text);
    return AddressRange{*address, static_cast<std::uint8_t>(bits)};
}

}  // namespace latchkey::net
