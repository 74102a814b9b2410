// TLS against the transport contract, and handshakes that must succeed, be refused, or be told in words.
// Certificates are made by crypto's own authority for each run.
// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "crypto/certificate.h"
#include "net/errors.h"
#include "support/loopback.h"
#include "support/pki.h"

namespace latchkey::test {
namespace {

using net::ClientCertificate;
using net::IoStatus;

template <class T>
T take(Result<T> result) {
    EXPECT_TRUE(result);
    return *std::move(result);
}

// Drives both ends until each is done with its handshake or has failed; afterwards one read each, because in
// TLS 1.3 the server judges the client's certificate after the client is done.
struct Handshake {
    net::IoResult server;
    net::IoResult client;
};
Handshake shake(TransportPair& pair) {
    Handshake out{.server = {.status = IoStatus::WantRead}, .client = {.status = IoStatus::WantRead}};
    std::array<std::byte, 16> buffer{};
    const auto ended = [](const net::IoResult& result) {
        return result.status == IoStatus::Failed || result.status == IoStatus::Eof;
    };
    for (int i = 0; i < 50; ++i) {
        if (!ended(out.client)) out.client = pair.client->read(buffer);
        if (!ended(out.server)) out.server = pair.server->read(buffer);
        if (ended(out.server)) pair.server->close();  // as a shard does
    }
    return out;
}

TEST(Tls, FactsOfAHandshake) {
    TransportPair pair = pair_of(*pki().server(), *pki().client(), "broker.example");
    EXPECT_FALSE(pair.server->peer().handshake_done);
    const Handshake result = shake(pair);
    EXPECT_EQ(result.server.status, IoStatus::WantRead);
    const net::PeerFacts& facts = pair.server->peer();
    ASSERT_TRUE(facts.handshake_done);
    ASSERT_TRUE(facts.tls);
    EXPECT_EQ(facts.tls->version, "TLSv1.3");
    EXPECT_EQ(facts.tls->cipher, "TLS_AES_128_GCM_SHA256");
    EXPECT_EQ(facts.tls->server_name, "broker.example");
    EXPECT_TRUE(facts.tls->client_certificate.empty());
    EXPECT_FALSE(facts.tls->resumed);
}

TEST(Tls, AClientCertificateBecomesAFact) {
    TransportPair pair =
        pair_of(*pki().server("server", ClientCertificate::Required), *pki().client("client"));
    EXPECT_EQ(shake(pair).server.status, IoStatus::WantRead);
    ASSERT_TRUE(pair.server->peer().handshake_done);
    const auto facts = crypto::read_certificate(pair.server->peer().tls->client_certificate);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->subject_cn, "sensor 1");
}

TEST(Tls, OptionalAcceptsAClientWithoutCertificate) {
    TransportPair pair = pair_of(*pki().server("server", ClientCertificate::Optional), *pki().client());
    EXPECT_EQ(shake(pair).server.status, IoStatus::WantRead);
    ASSERT_TRUE(pair.server->peer().handshake_done);
    EXPECT_TRUE(pair.server->peer().tls->client_certificate.empty());
}

TEST(Tls, CertificatesThatAreRefused) {
    struct Row {
        const char* client;
        ClientCertificate demand;
        const ErrorInfo* error;
    };
    const std::array<Row, 7> rows{
        {{"", ClientCertificate::Required, &net::kClientCertificateMissing},
         {"foreign", ClientCertificate::Required, &net::kClientCertificateRefused},
         {"foreign", ClientCertificate::Optional, &net::kClientCertificateRefused},
         {"expired", ClientCertificate::Required, &net::kClientCertificateRefused},
         {"early", ClientCertificate::Optional, &net::kClientCertificateRefused},
         {"ca", ClientCertificate::Required, &net::kClientCertificateRefused},  // an authority is no device
         {"server", ClientCertificate::Required, &net::kClientCertificateRefused}}};  // not made for clients
    for (const Row& row : rows) {
        TransportPair pair = pair_of(*pki().server("server", row.demand), *pki().client(row.client));
        const Handshake result = shake(pair);
        EXPECT_EQ(result.server.status, IoStatus::Failed) << row.client;
        EXPECT_EQ(result.server.error, row.error) << row.client;
        EXPECT_FALSE(pair.server->peer().handshake_done) << row.client;
        EXPECT_EQ(result.client.status, IoStatus::Failed) << row.client;
        // Failed stays failed.
        std::array<std::byte, 16> buffer{};
        EXPECT_EQ(pair.server->read(buffer).status, IoStatus::Failed) << row.client;
    }
}

TEST(TlsClient, ServersThatAreRefused) {
    struct Row {
        const char* server;
        const char* ca;
        const char* name;
        const ErrorInfo* error;  // null: accepted
    };
    const std::array<Row, 7> rows{{{"server", "ca", "localhost", nullptr},
                                   {"server", "ca", "127.0.0.1", nullptr},
                                   {"server", "ca", "BROKER.example", nullptr},
                                   {"server", "ca", "127.0.0.2", &net::kServerNameMismatch},
                                   {"server", "ca", "example", &net::kServerNameMismatch},
                                   {"elsewhere", "ca", "localhost", &net::kServerNameMismatch},
                                   {"server", "other-ca", "localhost", &net::kServerCertificateRefused}}};
    for (const Row& row : rows) {
        TransportPair pair = pair_of(*pki().server(row.server), *pki().client("", row.ca), row.name);
        const Handshake result = shake(pair);
        EXPECT_EQ(pair.client->peer().handshake_done, row.error == nullptr)
            << row.server << " as " << row.name;
        if (row.error == nullptr) continue;
        EXPECT_EQ(result.client.error, row.error) << row.server << " as " << row.name;
        EXPECT_EQ(result.server.status, IoStatus::Failed);
        EXPECT_EQ(result.server.error, &net::kPeerRefusedCertificate) << row.server << " as " << row.name;
    }
}

TEST(TlsClient, WithoutANameThereIsNoConnection) {
    const auto client = pki().client();
    EXPECT_EQ(client->connect(net::OwnedFd(), {}, 0, ""), nullptr);
}

TEST(TlsClient, InsecureIsAnExplicitWord) {
    const auto client = net::TlsClient::load(
        {.ca_file = pki().file("other-ca.crt"), .certificate_file = "", .key_file = "", .insecure = true});
    ASSERT_TRUE(client);
    TransportPair pair = pair_of(*pki().server("elsewhere"), **client);
    EXPECT_EQ(shake(pair).client.status, IoStatus::WantRead);
    EXPECT_TRUE(pair.client->peer().handshake_done);
}

net::IoResult raw_bytes_to_tls(std::string_view bytes) {
    const auto listener = listen_somewhere();
    const auto context = pki().server();
    net::Dialled dialled = dial_to(*listener);
    const auto client = net::make_tcp_transport(std::move(dialled.socket), dialled.remote, 0);
    const auto server = accept_from(*listener, context.get());
    say(*client, bytes);
    std::array<std::byte, 64> buffer{};
    return read_some(*server, buffer);
}

TEST(Tls, WrongProtocolsAreToldInWords) {
    EXPECT_EQ(raw_bytes_to_tls("\x10\x0e\0\x04MQTT").error, &net::kMqttOnTlsPort);
    EXPECT_EQ(raw_bytes_to_tls("GET / HTTP/1.1\r\n").error, &net::kHttpOnTlsPort);
    const net::IoResult garbage = raw_bytes_to_tls("SSH-2.0-OpenSSH_9.2p1 and more than one record header");
    EXPECT_EQ(garbage.status, IoStatus::Failed);
    EXPECT_EQ(garbage.error, &net::kTlsFailed);
}

TEST(Tls, AQuietConnectionIsNotAFailure) {
    const auto listener = listen_somewhere();
    const auto context = pki().server();
    const net::Dialled dialled = dial_to(*listener);
    const auto server = accept_from(*listener, context.get());
    std::array<std::byte, 64> buffer{};
    EXPECT_EQ(server->read(buffer).status, IoStatus::WantRead);
    const iovec some{.iov_base = buffer.data(), .iov_len = 1};
    EXPECT_EQ(server->write(std::span(&some, 1)).status, IoStatus::WantRead)
        << "nothing leaves before the handshake";
}

// A client with settings that ours does not offer: OpenSSL by hand.
struct ForeignClient {
    ForeignClient() : context(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_load_verify_file(context, pki().file("ca.crt").c_str());
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    ForeignClient(const ForeignClient&) = delete;
    ForeignClient& operator=(const ForeignClient&) = delete;
    ~ForeignClient() {
        SSL_free(ssl);
        SSL_CTX_free(context);
    }

    /// One connection. @return what the server's side ended with
    net::IoResult connect(const net::TlsContext& server_context, SSL_SESSION* resume = nullptr) {
        const auto listener = listen_somewhere();
        if (ssl != nullptr) SSL_shutdown(ssl);  // without it OpenSSL gives up the session
        SSL_free(ssl);
        socket = dial_to(*listener);
        ssl = SSL_new(context);
        SSL_set_fd(ssl, socket.socket.get());
        if (resume != nullptr) SSL_set_session(ssl, resume);
        server = accept_from(*listener, &server_context);
        net::IoResult result{.status = IoStatus::WantRead};
        std::array<std::byte, 16> buffer{};
        for (int i = 0; i < 50; ++i) {
            connected = SSL_connect(ssl) == 1;
            if (result.status == IoStatus::WantRead) result = server->read(buffer);
        }
        return result;
    }

    SSL_CTX* context;
    SSL* ssl = nullptr;
    net::Dialled socket;
    std::unique_ptr<net::Transport> server;
    bool connected = false;
};

TEST(Tls, OldVersionsAreRefused) {
    ForeignClient client;
    SSL_CTX_set_security_level(client.context, 0);
    SSL_CTX_set_min_proto_version(client.context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client.context, TLS1_1_VERSION);
    const net::IoResult result = client.connect(*pki().server());
    EXPECT_EQ(result.status, IoStatus::Failed);
    EXPECT_EQ(result.error, &net::kTlsNoCommonVersion);
    EXPECT_FALSE(client.connected);
}

TEST(Tls, SuitesWithoutForwardSecrecyOrAeadAreRefused) {
    for (const char* suites : {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256"}) {
        ForeignClient client;
        SSL_CTX_set_max_proto_version(client.context, TLS1_2_VERSION);
        ASSERT_EQ(SSL_CTX_set_cipher_list(client.context, suites), 1);
        const net::IoResult result = client.connect(*pki().server());
        EXPECT_EQ(result.status, IoStatus::Failed) << suites;
        EXPECT_EQ(result.error, &net::kTlsNoCommonCipher) << suites;
    }
}

TEST(Tls, Version12WorksAndX25519ComesFirst) {
    ForeignClient client;
    SSL_CTX_set_max_proto_version(client.context, TLS1_2_VERSION);
    EXPECT_EQ(client.connect(*pki().server()).status, IoStatus::WantRead);
    ASSERT_TRUE(client.connected);
    EXPECT_EQ(client.server->peer().tls->version, "TLSv1.2");
    EVP_PKEY* share = nullptr;
    ASSERT_EQ(SSL_get_peer_tmp_key(client.ssl, &share), 1);
    EXPECT_EQ(EVP_PKEY_get_id(share), EVP_PKEY_X25519);
    EVP_PKEY_free(share);
    EXPECT_EQ(SSL_renegotiate(client.ssl), 1);
    EXPECT_NE(SSL_do_handshake(client.ssl), 1);
    std::array<std::byte, 16> buffer{};
    LK_IGNORE(client.server->read(buffer), "sees the attempt and declines it");
    EXPECT_NE(SSL_do_handshake(client.ssl), 1) << "renegotiation must not be answered";
}

TEST(Tls, ProtocolNameIsAcceptedAbsentOrOurs) {
    struct Row {
        std::string offered;
        bool accepted;
    };
    const std::array<Row, 4> rows{
        {{"", true}, {"\x04mqtt", true}, {"\x08http/1.1\x04mqtt", true}, {"\x02h2\x08http/1.1", false}}};
    for (const Row& row : rows) {
        ForeignClient client;
        if (!row.offered.empty()) {
            ASSERT_EQ(SSL_CTX_set_alpn_protos(client.context,
                                              reinterpret_cast<const unsigned char*>(row.offered.data()),
                                              static_cast<unsigned>(row.offered.size())),
                      0);
        }
        const net::IoResult result = client.connect(*pki().server());
        EXPECT_EQ(result.status == IoStatus::WantRead, row.accepted) << row.offered;
        EXPECT_EQ(client.connected, row.accepted) << row.offered;
    }
}

TEST(Tls, OneTicketResumesOnTheSameContextOnly) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        ForeignClient client;
        SSL_CTX_set_min_proto_version(client.context, version);
        SSL_CTX_set_max_proto_version(client.context, version);
        SSL_CTX_set_session_cache_mode(client.context, SSL_SESS_CACHE_CLIENT);
        const auto context = pki().server("server", ClientCertificate::Optional);
        client.connect(*context);
        ASSERT_TRUE(client.connected);
        std::array<char, 4> buffer{};
        EXPECT_LE(SSL_read(client.ssl, buffer.data(), 4), 0);  // takes in the ticket
        SSL_SESSION* session = SSL_get1_session(client.ssl);
        ASSERT_EQ(SSL_SESSION_has_ticket(session), 1);
        EXPECT_EQ(SSL_SESSION_get_max_early_data(session), 0U) << "no early data: it could be replayed";
        client.connect(*context, session);
        EXPECT_TRUE(client.connected);
        EXPECT_TRUE(client.server->peer().tls->resumed) << version;
        const auto other = pki().server("server", ClientCertificate::Optional);
        client.connect(*other, session);
        EXPECT_TRUE(client.connected);
        EXPECT_FALSE(client.server->peer().tls->resumed) << "another epoch starts afresh";
        SSL_SESSION_free(session);
    }
}

TEST(Tls, AContextSaysWhomItWouldLetInNow) {
    const auto issued_by_us = pki().server("server", ClientCertificate::Required);
    const auto issued_by_others =
        take(net::TlsContext::load({.certificate_file = pki().file("server.crt"),
                                    .key_file = pki().file("server.key"),
                                    .client_certificate = ClientCertificate::Optional,
                                    .client_ca_file = pki().file("other-ca.crt")}));
    TransportPair pair = pair_of(*issued_by_us, *pki().client("client"));
    ASSERT_EQ(shake(pair).server.status, IoStatus::WantRead);
    const net::TlsFacts& shown = *pair.server->peer().tls;
    EXPECT_TRUE(issued_by_us->admits(shown));
    EXPECT_FALSE(issued_by_others->admits(shown)) << "optional, but what is shown must be good";
    EXPECT_TRUE(pki().server()->admits(shown)) << "asks for none";
    const net::TlsFacts bare;
    EXPECT_FALSE(issued_by_us->admits(bare));
    EXPECT_TRUE(issued_by_others->admits(bare));
    net::TlsFacts garbage;
    garbage.client_certificate = "not DER";
    EXPECT_FALSE(issued_by_others->admits(garbage));
    for (const char* name : {"expired", "early", "server", "ca"}) {
        net::TlsFacts bad;
        std::ifstream file(pki().file(std::string(name) + ".crt"));
        const std::string pem{std::istreambuf_iterator<char>(file), {}};
        bad.client_certificate = take(crypto::certificate_der(pem));
        EXPECT_FALSE(issued_by_us->admits(bad)) << name;
    }
}

TEST(Tls, TrustInClientsIsEqualWhenDemandAndAuthoritiesAre) {
    const auto required = pki().server("server", ClientCertificate::Required);
    EXPECT_EQ(required->client_trust(),
              pki().server("elsewhere", ClientCertificate::Required)->client_trust())
        << "the server's own certificate does not matter";
    EXPECT_NE(required->client_trust(), pki().server("server", ClientCertificate::Optional)->client_trust());
    EXPECT_NE(required->client_trust(), pki().server()->client_trust());
}

TEST(Tls, EarlyDataIsNotTaken) {
    ForeignClient client;
    SSL_CTX_set_min_proto_version(client.context, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(client.context, SSL_SESS_CACHE_CLIENT);
    const auto context = pki().server();
    client.connect(*context);
    ASSERT_TRUE(client.connected);
    std::array<char, 4> buffer{};
    EXPECT_LE(SSL_read(client.ssl, buffer.data(), 4), 0);  // takes in the ticket
    SSL_SESSION* session = SSL_get1_session(client.ssl);
    ASSERT_EQ(SSL_SESSION_set_max_early_data(session, 16384), 1);  // as if the ticket had offered it
    const auto listener = listen_somewhere();
    SSL_shutdown(client.ssl);
    SSL_free(client.ssl);
    client.socket = dial_to(*listener);
    client.ssl = SSL_new(client.context);
    SSL_set_fd(client.ssl, client.socket.socket.get());
    SSL_set_session(client.ssl, session);
    SSL_SESSION_free(session);
    std::size_t sent = 0;
    ASSERT_EQ(SSL_write_early_data(client.ssl, "\x10", 1, &sent), 1);
    client.server = accept_from(*listener, context.get());
    std::array<std::byte, 16> taken{};
    bool connected = false;
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(client.server->read(taken).bytes, 0U) << "what came before the handshake is not read";
        connected = SSL_connect(client.ssl) == 1;
    }
    EXPECT_TRUE(connected);
    EXPECT_EQ(SSL_get_early_data_status(client.ssl), SSL_EARLY_DATA_REJECTED);
}

TEST(Tls, ASecondRecordIsAnnouncedWhileTheSocketIsQuiet) {
    TransportPair pair = tls_pair();
    ASSERT_EQ(shake(pair).server.status, IoStatus::WantRead);
    say(*pair.client, "first");
    say(*pair.client, "second");
    ASSERT_TRUE(await_readable(*pair.server));
    std::array<std::byte, 5> buffer{};
    net::IoResult result = pair.server->read(buffer);
    ASSERT_EQ(result.bytes, 5U);
    ASSERT_TRUE(result.more) << "data-path: with read-ahead SSL_pending is 0 here";
    result = pair.server->read(buffer);
    EXPECT_EQ(result.bytes, 5U);
    EXPECT_TRUE(result.more);
    result = pair.server->read(buffer);
    EXPECT_EQ(result.bytes, 1U);
    EXPECT_FALSE(result.more);
}

TEST(Tls, ATamperedRecordBreaksTheStream) {
    TransportPair pair = tls_pair();
    ASSERT_EQ(shake(pair).server.status, IoStatus::WantRead);
    const auto forged = net::make_tcp_transport(net::OwnedFd(::dup(pair.client->handle())), {}, 0);
    say(*forged, std::string_view("\x17\x03\x03\x00\x20 thirty-two bytes that fit nothing.....", 37));
    std::array<std::byte, 64> buffer{};
    const net::IoResult result = read_some(*pair.server, buffer);
    EXPECT_EQ(result.status, IoStatus::Failed);
    EXPECT_EQ(result.error, &net::kTlsBroken);
    const iovec some{.iov_base = buffer.data(), .iov_len = 1};
    EXPECT_EQ(pair.server->write(std::span(&some, 1)).status, IoStatus::Failed)
        << "nothing leaves a broken stream";
}

TEST(Tls, ATransportOutlivesItsContext) {
    auto server = pki().server();
    auto client = pki().client();
    TransportPair pair = pair_of(*server, *client);
    server.reset();
    client.reset();
    EXPECT_EQ(shake(pair).server.status, IoStatus::WantRead);
    EXPECT_TRUE(pair.server->peer().handshake_done);
}

TEST(TlsContext, FilesThatCannotBeUsedAreNamed) {
    pki().write("garbage", "not PEM at all");
    pki().write("encrypted.key",
                "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
                "00112233445566778899AABBCCDDEEFF\n\nMIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7AgEAAkEA\n"
                "-----END EC PRIVATE KEY-----\n");
    struct Row {
        const char* certificate;
        const char* key;
        const char* ca;
        const ErrorInfo* error;
        const char* names;
    };
    const std::array<Row, 9> rows{{{"absent", "server.key", "", &net::kCertificateFile, "No such file"},
                                   {"garbage", "server.key", "", &net::kCertificateFile, "garbage"},
                                   {"", "server.key", "", &net::kCertificateFile, "no file named"},
                                   {"server.crt", "absent", "", &net::kKeyFile, "No such file"},
                                   {"server.crt", "garbage", "", &net::kKeyFile, "garbage"},
                                   {"server.crt", "encrypted.key", "", &net::kKeyFile, "encrypted.key"},
                                   {"server.crt", "client.key", "", &net::kKeyMismatch, "client.key"},
                                   {"server.crt", "server.key", "absent", &net::kCaFile, "No such file"},
                                   {"server.crt", "server.key", "garbage", &net::kCaFile, "garbage"}}};
    const auto path = [](std::string_view name) { return name.empty() ? "" : pki().file(std::string(name)); };
    for (const Row& row : rows) {
        const auto context = net::TlsContext::load(
            {.certificate_file = path(row.certificate),
             .key_file = path(row.key),
             .client_certificate = *row.ca == '\0' ? ClientCertificate::None : ClientCertificate::Required,
             .client_ca_file = path(row.ca)});
        ASSERT_FALSE(context) << row.certificate << row.key << row.ca;
        EXPECT_TRUE(context.error().is(*row.error)) << context.error().message();
        EXPECT_NE(context.error().message().find(row.names), std::string::npos) << context.error().message();
    }
    EXPECT_FALSE(net::TlsContext::load({.certificate_file = pki().file("server.crt"),
                                        .key_file = pki().file("server.key"),
                                        .client_certificate = ClientCertificate::Required,
                                        .client_ca_file = ""}))
        << "required without an authority would accept nobody or everybody";
}

}  // namespace
}  // namespace latchkey::test
