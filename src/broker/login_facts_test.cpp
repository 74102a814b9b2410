// Facts of a peer: what TLS has proven reaches the login, and an old verdict does not.
// SPDX-License-Identifier: Apache-2.0
#include "broker/login_facts.h"

#include <string>

#include <gtest/gtest.h>

#include "broker/errors.h"
#include "crypto/certificate.h"
#include "support/pki.h"

namespace latchkey::broker {
namespace {

using net::ClientCertificate;

struct Shown {
    explicit Shown(std::string_view common_name = "sensor 1") {
        const crypto::Validity valid{now - std::chrono::hours(1), until};
        const auto authority = crypto::make_authority("a", valid).value();
        const auto issued = crypto::issue_client_certificate(authority, common_name, valid).value();
        der = crypto::certificate_der(issued.certificate_pem).value();
        tls.version = "TLSv1.3";
        tls.client_certificate = der;
        peer.tls = &tls;
    }
    WallTime now{std::chrono::seconds(1'700'000'000)};
    WallTime until = now + std::chrono::years(20);
    std::string der;
    net::TlsFacts tls;
    net::PeerFacts peer;
};

TEST(LoginFacts, AVerifiedCertificateIsKnownByNameSerialAndDigest) {
    const Shown shown;
    const auto facts = facts_of_peer(shown.peer, {.name = "mtls"}, shown.now, false);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->listener, "mtls");
    ASSERT_TRUE(facts->tls && facts->certificate);
    EXPECT_EQ(facts->tls->version, "TLSv1.3");
    EXPECT_EQ(facts->certificate->common_name, "sensor 1");
    EXPECT_EQ(facts->certificate->sha256_hex, crypto::to_hex(crypto::sha256(shown.der)));
    EXPECT_FALSE(facts->certificate->serial_hex.empty());
}

TEST(LoginFacts, WithoutACertificateNoneIsClaimed) {
    net::PeerFacts peer;
    EXPECT_FALSE(facts_of_peer(peer, {.name = "tcp"}, WallTime{}, true)->certificate);
    const net::TlsFacts tls;
    peer.tls = &tls;
    EXPECT_FALSE(facts_of_peer(peer, {.name = "tls"}, WallTime{}, true)->certificate);
}

TEST(LoginFacts, ACertificateThatExpiredSinceItsHandshakeIsRefused) {
    const Shown shown;
    const auto late = facts_of_peer(shown.peer, {.name = "mtls"}, shown.until + std::chrono::hours(2), false);
    ASSERT_FALSE(late);
    EXPECT_TRUE(late.error().is(kCertificateRefused));
}

TEST(LoginFacts, AnUnreadableCertificateIsRefused) {
    Shown shown;
    shown.tls.client_certificate += "trailing";
    EXPECT_FALSE(facts_of_peer(shown.peer, {.name = "mtls"}, shown.now, false));
}

TEST(LoginFacts, AHandshakeOfAnotherEpochIsVerifiedAgain) {
    const Shown shown;  // of an authority that this listener does not trust
    const ListenerPlan plan{.name = "mtls",
                            .pipeline = nullptr,
                            .transport = {.tls = test::pki().server("server", ClientCertificate::Optional)}};
    EXPECT_TRUE(facts_of_peer(shown.peer, plan, shown.now, false)) << "its handshake was under this epoch";
    const auto again = facts_of_peer(shown.peer, plan, shown.now, true);
    ASSERT_FALSE(again);
    EXPECT_TRUE(again.error().is(kCertificateRefused));
}

}  // namespace
}  // namespace latchkey::broker
