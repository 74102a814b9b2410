// See proxy_header.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "net/errors.h"

namespace latchkey::net {
namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::string_view kV2Start("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2HeadBytes = 16;

// 2.1 wants the shortest decimal form.
std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

// An address literal of exactly that family, without the names and brackets that parse_address allows.
std::optional<Address> literal(std::string_view text, bool v6, std::uint16_t port) {
    const std::string_view letters = v6 ? "0123456789abcdefABCDEF:." : "0123456789.";
    if (text.find_first_not_of(letters) != std::string_view::npos) return std::nullopt;
    if (v6 != (text.find(':') != std::string_view::npos)) return std::nullopt;
    const auto address = parse_address(text, port);
    if (!address) return std::nullopt;
    return *address;
}

// "TCP4 source destination port port", without the word PROXY and the line's end.
Parsed read_line(std::string_view line, std::size_t bytes) {
    const std::size_t space = line.find(' ');
    const std::string_view family = line.substr(0, space);
    // 2.1: what follows UNKNOWN is ignored.
    if (family == "UNKNOWN") return ProxyHeader{.bytes = bytes, .source = std::nullopt};
    if (family != "TCP4" && family != "TCP6") return fail(kProxyMalformed);
    std::array<std::string_view, 4> words;
    std::size_t at = space;
    for (std::string_view& word : words) {
        if (at == std::string_view::npos) return fail(kProxyMalformed);
        const std::size_t begin = at + 1;
        at = line.find(' ', begin);
        word = line.substr(begin, at == std::string_view::npos ? at : at - begin);
    }
    const bool v6 = family == "TCP6";
    const auto port = port_of(words[2]);
    if (at != std::string_view::npos || !port || !port_of(words[3])) return fail(kProxyMalformed);
    const auto source = literal(words[0], v6, *port);
    if (!source || !literal(words[1], v6, 0)) return fail(kProxyMalformed);
    return ProxyHeader{.bytes = bytes, .source = source};
}

Parsed parse_v1(std::string_view text) {
    const std::size_t end = text.substr(0, kMaxProxyV1Bytes).find('\n');
    if (end == std::string_view::npos) {
        if (text.size() >= kMaxProxyV1Bytes) return fail(kProxyTooLong);
        return std::nullopt;
    }
    if (text[end - 1] != '\r') return fail(kProxyMalformed);
    return read_line(text.substr(kV1Start.size(), end - 1 - kV1Start.size()), end + 1);
}

// 2.2: byte 13 is family and protocol, the addresses follow the length in bytes 14 and 15.
// | family | bytes | layout                                                                    |
// | 0x11   | 12    | source 4, destination 4, source port 2, destination port 2; network order |
// | 0x21   | 36    | the same with 16 bytes each                                               |
// | 0x31   | 216   | two socket paths: not an internet address                                 |
Parsed read_addresses(unsigned char family, std::string_view rest, std::size_t bytes) {
    const auto internet = [&](std::size_t size) -> Parsed {
        if (rest.size() < 2 * size + 4) return fail(kProxyMalformed);
        Address source;
        source.size = static_cast<std::uint8_t>(size);
        std::memcpy(source.raw.data(), rest.data(), size);
        const auto high = static_cast<unsigned char>(rest[2 * size]);
        const auto low = static_cast<unsigned char>(rest[2 * size + 1]);
        source.port = static_cast<std::uint16_t>(high << 8 | low);
        return ProxyHeader{.bytes = bytes, .source = unmapped(source)};
    };
    switch (family) {
        case 0x11:
            return internet(4);
        case 0x21:
            return internet(16);
        case 0x00:  // unspecified, and what a stream of ours cannot be: the proxy's own address stands
        case 0x12:
        case 0x22:
        case 0x31:
        case 0x32:
            return ProxyHeader{.bytes = bytes, .source = std::nullopt};
    }
    return fail(kProxyMalformed);
}

Parsed parse_v2(std::string_view text) {
    if (text.size() < kV2HeadBytes) return std::nullopt;
    const auto at = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const std::size_t bytes = kV2HeadBytes + (static_cast<std::size_t>(at(14)) << 8 | at(15));
    const unsigned command = at(12) & 0x0FU;
    if (at(12) >> 4 != 2 || command > 1) return fail(kProxyMalformed);
    if (bytes > kMaxProxyBytes) return fail(kProxyTooLong);
    if (text.size() < bytes) return std::nullopt;
    // LOCAL: the proxy's own connection, a health check; whatever addresses it carries are to be ignored.
    if (command == 0) return ProxyHeader{.bytes = bytes, .source = std::nullopt};
    return read_addresses(at(13), text.substr(kV2HeadBytes, bytes - kV2HeadBytes), bytes);
}

bool begins_like(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start.substr(0, text.size());
}

}  // namespace

bool ProxyRules::allows(const Address& address) const {
    return std::ranges::any_of(from, [&](const AddressRange& range) { return range.contains(address); });
}

Parsed parse_proxy_header(std::span<const std::byte> seen) {
    const std::string_view text(reinterpret_cast<const char*>(seen.data()), seen.size());
    if (begins_like(text, kV2Start)) return parse_v2(text);
    if (!begins_like(text, kV1Start)) return fail(kProxyMissing);
    return text.size() < kV1Start.size() ? Parsed(std::nullopt) : parse_v1(text);
}

}  // namespace latchkey::net
