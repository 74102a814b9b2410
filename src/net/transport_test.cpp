// What only sockets can show: wrong ports, resets,
// addresses.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/address.h"
#include "net/epoll_poller.h"
#include "net/errors.h"
#include "net/first_bytes.h"
#include "support/loopback.h"

namespace latchkey::test {
namespace {

using net::IoStatus;

const SystemClock kClock;

std::unique_ptr<net::Poller> make_epoll() {
    auto poller = net::EpollPoller::create();
    return poller ? std::move(*poller) : nullptr;
}

net::IoResult first_read_of(std::string_view sent) {
    TransportPair pair = tcp_pair();
    say(*pair.client, sent);
    std::array<std::byte, 64> buffer{};
    return read_some(*pair.server, buffer);
}

TEST(TcpTransport, TlsOnAPlainPortIsToldInWords) {
    const net::IoResult result = first_read_of("\x16\x03\x01\x02");
    EXPECT_EQ(result.status, IoStatus::Failed);
    EXPECT_EQ(result.error, &net::kTlsOnPlainPort);
}

TEST(TcpTransport, HttpOnAPlainPortIsToldInWords) {
    const net::IoResult result = first_read_of("GET / HTTP/1.1\r\n");
    EXPECT_EQ(result.status, IoStatus::Failed);
    EXPECT_EQ(result.error, &net::kHttpOnPlainPort);
}

TEST(TcpTransport, AConnectPasses) {
    const net::IoResult result = first_read_of("\x10\x0c");
    EXPECT_EQ(result.status, IoStatus::Ok);
    EXPECT_EQ(result.bytes, 2U);
}

TEST(TcpTransport, OnlyTheFirstBytesAreJudged) {
    TransportPair pair = tcp_pair();
    std::array<std::byte, 64> buffer{};
    say(*pair.client, "\x10");
    ASSERT_EQ(read_some(*pair.server, buffer).bytes, 1U);
    say(*pair.client, "GET ");
    EXPECT_EQ(read_some(*pair.server, buffer).status, IoStatus::Ok);
}

TEST(TcpTransport, AResetIsThePeersFault) {
    TransportPair pair = tcp_pair();
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(::setsockopt(pair.client->handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    pair.client->close();
    std::array<std::byte, 64> buffer{};
    const net::IoResult result = read_some(*pair.server, buffer);
    EXPECT_EQ(result.status, IoStatus::Failed);
    EXPECT_EQ(result.error, &net::kPeerReset);
}

TEST(TcpTransport, PeerFactsNameBothEnds) {
    const auto listener = listen_somewhere();
    const net::Dialled dialled = dial_to(*listener);
    const auto server = accept_from(*listener);
    ASSERT_TRUE(server);
    EXPECT_EQ(server->peer().remote.with_port(), "127.0.0.1:" + std::to_string(dialled.local_port));
    EXPECT_EQ(server->peer().local_port, listener->address().port);
    EXPECT_EQ(server->peer().tls, nullptr);
}

TEST(Recognise, ByFirstBytes) {
    struct Row {
        std::string_view bytes;
        net::Spoken spoken;
    };
    using net::Spoken;
    constexpr std::array<Row, 8> kRows{{{"", Spoken::Other},
                                        {"\x16", Spoken::Tls},
                                        {"\x10\x10", Spoken::MqttConnect},
                                        {"GET /", Spoken::Http},
                                        {"PRI * HTTP/2.0", Spoken::Http},
                                        {"GE", Spoken::Other},
                                        {"SSH-2.0", Spoken::Other},
                                        {"\xe0", Spoken::Other}}};
    for (const Row& row : kRows)
        EXPECT_EQ(net::recognise(std::as_bytes(std::span(row.bytes))), row.spoken) << row.bytes;
}

TEST(Listener, IPv6WithBrackets) {
    const auto listener = listen_somewhere("[::1]");
    ASSERT_TRUE(listener);
    EXPECT_NE(listener->address().port, 0);
    const net::Dialled dialled = dial_to(*listener);
    const auto server = accept_from(*listener);
    ASSERT_TRUE(server);
    EXPECT_EQ(server->peer().remote.text(), "::1");
    EXPECT_EQ(listener->address().with_port(), "[::1]:" + std::to_string(listener->address().port));
}

TEST(Listener, ATakenPortNamesAddressAndWayOut) {
    const auto first = listen_somewhere();
    const auto second =
        net::TcpListener::open({.host = "127.0.0.1", .port = first->address().port, .backlog = 1});
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(net::kAddressInUse));
    const std::string message = second.error().message();
    EXPECT_NE(message.find("address in use: " + first->address().with_port()), std::string::npos) << message;
    EXPECT_NE(message.find("choose another port"), std::string::npos) << message;
}

TEST(Listener, AForeignAddressIsRefused) {
    const auto listener =
        net::TcpListener::open({.host = "192.0.2.77", .port = 0, .backlog = 1});  // RFC 5737
    ASSERT_FALSE(listener);
    EXPECT_TRUE(listener.error().is(net::kAddressNotHere)) << listener.error().message();
}

TEST(Listener, NothingWaitingIsNone) {
    const auto listener = listen_somewhere();
    const net::AcceptResult result = listener->try_accept({});
    EXPECT_EQ(result.status, net::AcceptStatus::None);
    EXPECT_EQ(result.transport, nullptr);
}

TEST(Listener, StandsInTwoPollersAndEachConnectionIsAcceptedOnce) {
    const auto listener = listen_somewhere();
    const auto one = make_epoll();
    const auto two = make_epoll();
    ASSERT_TRUE(one->add(listener->handle(), {1, 1}, net::Interest::Accept));
    ASSERT_TRUE(two->add(listener->handle(), {1, 1}, net::Interest::Accept));
    std::vector<net::Dialled> clients;
    for (int i = 0; i < 20; ++i)
        clients.push_back(dial_to(*listener));
    int accepted = 0;
    std::vector<net::PollEvent> events;
    const MonoTime give_up = kClock.mono() + std::chrono::milliseconds(kPatienceMs);
    while (accepted < 20 && kClock.mono() < give_up) {
        for (net::Poller* poller : {one.get(), two.get()}) {
            poller->wait(kClock.mono(), kClock.mono(), events);
            if (!events.empty() && listener->try_accept({}).status == net::AcceptStatus::Ok) ++accepted;
        }
    }
    EXPECT_EQ(accepted, 20);
    EXPECT_EQ(listener->try_accept({}).status, net::AcceptStatus::None);
}

TEST(Address, TextForms) {
    struct Row {
        std::string_view host;
        std::string_view text;  // empty: refused
        bool loopback;
    };
    constexpr std::array<Row, 16> kRows{{{"127.0.0.1", "127.0.0.1", true},
                                         {"127.9.9.9", "127.9.9.9", true},
                                         {"localhost", "127.0.0.1", true},
                                         {"::1", "::1", true},
                                         {"[::1]", "::1", true},
                                         {"0.0.0.0", "0.0.0.0", false},
                                         {"[::]", "::", false},
                                         {"2001:DB8:0::7", "2001:db8::7", false},
                                         {"::ffff:192.0.2.1", "192.0.2.1", false},  // one spelling per peer
                                         {"::ffff:127.0.0.1", "127.0.0.1", true},
                                         {"", "", false},
                                         {"broker.example", "", false},
                                         {"1.2.3", "", false},
                                         {"0x7f.0.0.1", "", false},
                                         {"[127.0.0.1]", "", false},
                                         {"::1%lo", "", false}}};
    for (const Row& row : kRows) {
        const auto address = net::parse_address(row.host, 1883);
        ASSERT_EQ(address.has_value(), !row.text.empty()) << row.host;
        if (!address) continue;
        EXPECT_EQ(address->text(), row.text);
        EXPECT_EQ(address->loopback(), row.loopback) << row.host;
    }
}

TEST(Dial, NobodyListeningSaysWhere) {
    std::uint16_t port = 0;
    {
        const auto listener = listen_somewhere();
        port = listener->address().port;
    }
    const auto dialled = net::dial("127.0.0.1", port, std::chrono::milliseconds(kPatienceMs));
    ASSERT_FALSE(dialled);
    EXPECT_TRUE(dialled.error().is(net::kConnectFailed));
    EXPECT_NE(dialled.error().message().find(std::to_string(port)), std::string::npos);
}

TEST(Errors, TheTableIsCompleteAndInOrder) {
    std::uint16_t last = 6000;
    for (const ErrorInfo* row : net::kErrors) {
        ASSERT_NE(row, nullptr);
        EXPECT_GT(row->number, last);
        EXPECT_LT(row->number, 7000);
        last = row->number;
    }
}

}  // namespace
}  // namespace latchkey::test
