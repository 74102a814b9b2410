// PROXY headers that are believed, and everything else; the connection behind one; the fuzzer's corpus.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/errors.h"
#include "net/proxy_header.h"
#include "support/fuzz_corpus.h"
#include "support/loopback.h"

#define LLVMFuzzerTestOneInput fuzz_proxy
#include "../../fuzz/proxy_fuzz.cpp"
#undef LLVMFuzzerTestOneInput

namespace latchkey::test {
namespace {

using net::IoStatus;

auto parse(std::string_view text) {
    return net::parse_proxy_header(std::as_bytes(std::span(text)));
}

std::string v2(unsigned char command, unsigned char family, std::string_view body, int length = -1) {
    std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
    const std::size_t size = length < 0 ? body.size() : static_cast<std::size_t>(length);
    out += static_cast<char>(command);
    out += static_cast<char>(family);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size & 255);
    return out.append(body);
}
const std::string kV4("\xCB\x00\x71\x07\xC0\x00\x02\x01\x12\x67\x01\xBB", 12);  // 203.0.113.7:4711
const std::string kV6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x07" +
                        std::string(15, '\0') + "\x01" + std::string("\x00\x01\x00\x02", 4);

TEST(ProxyHeader, WhatIsBelieved) {
    struct Row {
        std::string bytes;
        std::string source;  ///< empty: the socket's own address stands
    };
    const std::vector<Row> rows = {
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", "203.0.113.7:4711"},
        {"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0"},
        {"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", "[2001:db8::7]:4711"},
        {"PROXY TCP6 ::ffff:203.0.113.7 ::1 4711 443\r\n", "203.0.113.7:4711"},  // one spelling per peer
        {"PROXY UNKNOWN\r\n", ""},
        {"PROXY UNKNOWN ffff:f...f:ffff x 65535 65535\r\n", ""},
        {v2(0x21, 0x11, kV4), "203.0.113.7:4711"},
        {v2(0x21, 0x21, kV6), "[2001:db8::7]:1"},
        {v2(0x21, 0x21,
            std::string(10, '\0') + "\xFF\xFF\xCB" + std::string("\x00\x71\x07", 3) + std::string(20, '\0')),
         "203.0.113.7:0"},
        {v2(0x21, 0x11, kV4 + std::string("\x04\x00\x03xyz", 6)),
         "203.0.113.7:4711"},                                                // TLVs are passed over
        {v2(0x21, 0x11, kV4 + std::string(508, '\0')), "203.0.113.7:4711"},  // the longest
        {v2(0x20, 0x00, ""), ""},                                            // LOCAL
        {v2(0x20, 0x11, kV4), ""},
        {v2(0x20, 0xFF, "whatever"), ""},
        {v2(0x21, 0x00, "padding"), ""},              // UNSPEC
        {v2(0x21, 0x31, std::string(216, 'u')), ""},  // a UNIX socket's peer has no address here
        {v2(0x21, 0x32, std::string(216, 'u')), ""},
        {v2(0x21, 0x12, kV4), ""},  // datagrams do not come by TCP
        {v2(0x21, 0x22, kV6), ""}};
    for (const Row& row : rows) {
        const auto header = parse(row.bytes + "\x10\x0c");
        ASSERT_TRUE(header && *header) << row.bytes;
        EXPECT_EQ((*header)->bytes, row.bytes.size()) << row.bytes;
        EXPECT_EQ((*header)->source ? (*header)->source->with_port() : "", row.source) << row.bytes;
    }
}

TEST(ProxyHeader, WhatIsRefused) {
    struct Row {
        std::string bytes;
        const ErrorInfo& error;
    };
    const std::vector<Row> rows = {
        {std::string("\x10\x0c\x00\x04MQTT", 8), net::kProxyMissing},
        {"\x16\x03\x01", net::kProxyMissing},
        {"GET / HTTP/1.1\r\n", net::kProxyMissing},
        {"proxy TCP4 ", net::kProxyMissing},
        {"PROXY\r\n", net::kProxyMissing},
        {"PROXY \r\n", net::kProxyMalformed},
        {"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", net::kProxyMalformed},
        {"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", net::kProxyMalformed},
        {"PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP4 localhost 1.2.3.4 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP4 ::1 ::1 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP6 [::1] ::1 1 2\r\n", net::kProxyMalformed},
        {"PROXY TCP6 fe80::1%lo ::1 1 2\r\n", net::kProxyMalformed},
        {"PROXY UNKNOWN " + std::string(100, 'x'), net::kProxyTooLong},
        {"PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", net::kProxyTooLong},
        {v2(0x11, 0x11, kV4), net::kProxyMalformed},                // another version
        {v2(0x22, 0x11, kV4), net::kProxyMalformed},                // another command
        {v2(0x21, 0x41, kV4), net::kProxyMalformed},                // another family
        {v2(0x21, 0x13, kV4), net::kProxyMalformed},                // another protocol
        {v2(0x21, 0x11, kV4.substr(0, 11)), net::kProxyMalformed},  // shorter than its addresses
        {v2(0x21, 0x21, kV4), net::kProxyMalformed},
        {v2(0x21, 0x11, "", 521), net::kProxyTooLong},  // said by its length, before it comes
        {v2(0x20, 0x00, "", 65535), net::kProxyTooLong}};
    for (const Row& row : rows) {
        const auto header = parse(row.bytes);
        ASSERT_FALSE(header) << row.bytes;
        EXPECT_EQ(header.error().info().name, row.error.name) << row.bytes;
    }
}

TEST(ProxyHeader, APartIsNeitherTakenNorRefused) {
    for (const std::string& whole :
         {std::string("PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n"), v2(0x21, 0x21, kV6 + "tlv")})
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const auto header = parse(std::string_view(whole).substr(0, size));
            ASSERT_TRUE(header) << size;
            EXPECT_FALSE(*header) << size;
        }
}

TEST(AddressRange, ContainsExactlyItsPrefix) {
    struct Row {
        std::string_view range;
        std::string_view in;
        std::string_view out;
    };
    constexpr std::array<Row, 8> kRows{{{"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
                                        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
                                        {"192.0.2.128/25", "192.0.2.200", "192.0.2.127"},
                                        {"0.0.0.0/0", "1.2.3.4", "::1"},
                                        {"::/0", "::1", "1.2.3.4"},
                                        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
                                        {"::1", "::1", "::2"},
                                        {"[::1]", "::1", "127.0.0.1"}}};
    for (const Row& row : kRows) {
        const auto range = net::parse_address_range(row.range);
        ASSERT_TRUE(range) << row.range;
        EXPECT_TRUE(range->contains(*net::parse_address(row.in, 1))) << row.range;
        EXPECT_FALSE(range->contains(*net::parse_address(row.out, 1))) << row.range;
        EXPECT_FALSE(range->contains({})) << row.range;
    }
    // IPv4 mapped into IPv6 is IPv4 in addresses and in ranges alike.
    EXPECT_TRUE(net::parse_address_range("10.0.0.0/8")->contains(*net::parse_address("::ffff:10.1.1.1", 1)));
    for (const std::string_view bad :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.1.0.0/8", "::1/127",
          "::/129", "localhost", "lb.example", "10.0.0.0/8/8", "10.0.0.0 /8"})
        EXPECT_FALSE(net::parse_address_range(bad)) << bad;
}

net::TransportPlan proxied_from(std::string_view range) {
    return {.proxy = std::make_shared<net::ProxyRules>(
                net::ProxyRules{.from = {*net::parse_address_range(range)}})};
}

struct Proxied {
    Proxied() {
        const auto listener = listen_somewhere();
        net::Dialled dialled = dial_to(*listener);
        client = net::make_tcp_transport(std::move(dialled.socket), dialled.remote, 0);
        server = accept_by(*listener, proxied_from("127.0.0.1"));
    }
    std::unique_ptr<net::Transport> client;
    std::unique_ptr<net::Transport> server;
};

TEST(ProxyTransport, TheRemoteAddressIsTheClients) {
    Proxied pair;
    EXPECT_EQ(pair.server->peer().remote.text(), "127.0.0.1");
    EXPECT_FALSE(pair.server->peer().handshake_done);
    std::array<std::byte, 64> buffer{};
    say(*pair.client, "PROXY TCP4 203.0.113.7 192");
    ASSERT_TRUE(await_readable(*pair.server));
    EXPECT_EQ(pair.server->read(buffer).status, IoStatus::WantRead);
    say(*pair.client, ".0.2.1 4711 443\r\n\x10\x0c");
    EXPECT_EQ(read_some(*pair.server, buffer).bytes, 2U);
    EXPECT_EQ(buffer[0], std::byte{0x10});
    EXPECT_EQ(pair.server->peer().remote.with_port(), "203.0.113.7:4711");
    EXPECT_TRUE(pair.server->peer().handshake_done);
}

TEST(ProxyTransport, ABadHeaderEndsIt) {
    Proxied pair;
    say(*pair.client, "\x10\x0c");
    std::array<std::byte, 64> buffer{};
    const net::IoResult result = read_some(*pair.server, buffer);
    EXPECT_EQ(result.status, IoStatus::Failed);
    EXPECT_EQ(result.error, &net::kProxyMissing);
    EXPECT_EQ(pair.server->read(buffer).status, IoStatus::Failed) << "it stays refused";
    EXPECT_EQ(pair.server->write({}).status, IoStatus::Failed);
}

TEST(ProxyTransport, AHeaderThatNeverComesIsTheEnd) {
    Proxied pair;
    say(*pair.client, "PROXY ");
    pair.client->close();
    std::array<std::byte, 64> buffer{};
    EXPECT_EQ(read_some(*pair.server, buffer).status, IoStatus::Eof);
}

TEST(ProxyTransport, WhoIsNotListedIsClosedAtOnce) {
    const auto listener = listen_somewhere();
    net::Dialled dialled = dial_to(*listener);
    const auto client = net::make_tcp_transport(std::move(dialled.socket), dialled.remote, 0);
    ASSERT_TRUE(await_handle(listener->handle(), POLLIN));
    const net::AcceptResult result = listener->try_accept(proxied_from("192.0.2.0/24"));
    EXPECT_EQ(result.status, net::AcceptStatus::Refused);
    EXPECT_EQ(result.error, &net::kProxyUnlisted);
    EXPECT_EQ(result.remote.text(), "127.0.0.1");
    EXPECT_EQ(result.transport, nullptr);
    std::array<std::byte, 4> buffer{};
    EXPECT_NE(read_some(*client, buffer).status, IoStatus::Ok);
}

TEST(ProxyCorpus, EveryHeaderKeepsTheFuzzersPromises) {
    EXPECT_GE(test::replay_corpus("proxy", fuzz_proxy), 25U);
}

}  // namespace
}  // namespace latchkey::test
