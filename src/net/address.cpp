// Text and sockaddr forms of addresses; see address.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/errors.h"

namespace latchkey::net {
namespace {

constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Address make(const void* bytes, std::size_t size, std::uint16_t port) {
    Address out;
    std::memcpy(out.raw.data(), bytes, size);
    out.size = static_cast<std::uint8_t>(size);
    out.port = port;
    return out;
}

Address from_v6(const in6_addr& from, std::uint16_t port) {
    if (std::memcmp(from.s6_addr, kMapped.data(), kMapped.size()) == 0)
        return make(from.s6_addr + 12, 4, port);
    return make(from.s6_addr, 16, port);
}

}  // namespace

std::string Address::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    if (size == 0 || inet_ntop(size == 4 ? AF_INET : AF_INET6, raw.data(), buffer, sizeof buffer) == nullptr)
        return {};
    return buffer;
}

std::string Address::with_port() const {
    const std::string number = std::to_string(port);
    return size == 16 ? "[" + text() + "]:" + number : text() + ":" + number;
}

bool Address::loopback() const {
    if (size == 4) return raw[0] == std::byte{127};
    if (size != 16) return false;
    return std::memcmp(raw.data(), in6addr_loopback.s6_addr, 16) == 0;
}

Result<Address> parse_address(std::string_view host, std::uint16_t port) {
    std::string name(host);
    if (name.size() >= 2 && name.front() == '[' && name.back() == ']') {
        name = name.substr(1, name.size() - 2);
        if (name.find(':') == std::string::npos) return fail(kAddressInvalid, host);
    }
    if (name.size() >= INET6_ADDRSTRLEN || name.find('\0') != std::string::npos)
        return fail(kAddressInvalid, host);
    if (name == "localhost") name = "127.0.0.1";
    in_addr v4{};
    if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return make(&v4, 4, port);
    in6_addr v6{};
    if (inet_pton(AF_INET6, name.c_str(), &v6) == 1) return from_v6(v6, port);
    return fail(kAddressInvalid, host);
}

Address unmapped(const Address& address) {
    if (address.size != 16 || std::memcmp(address.raw.data(), kMapped.data(), kMapped.size()) != 0)
        return address;
    return make(address.raw.data() + 12, 4, address.port);
}

Address from_sockaddr(const sockaddr_storage& from) {
    if (from.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from, sizeof v4);
        return make(&v4.sin_addr, 4, ntohs(v4.sin_port));
    }
    if (from.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from, sizeof v6);
        return from_v6(v6.sin6_addr, ntohs(v6.sin6_port));
    }
    return {};
}

unsigned to_sockaddr(const Address& from, sockaddr_storage& to) {
    to = {};
    if (from.size == 4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(from.port);
        std::memcpy(&v4.sin_addr, from.raw.data(), 4);
        std::memcpy(&to, &v4, sizeof v4);
        return sizeof v4;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(from.port);
    std::memcpy(&v6.sin6_addr, from.raw.data(), 16);
    std::memcpy(&to, &v6, sizeof v6);
    return sizeof v6;
}

}  // namespace latchkey::net
