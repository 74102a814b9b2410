// See login_facts.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/login_facts.h"

#include "broker/errors.h"
#include "crypto/certificate.h"
#include "net/tls.h"

namespace latchkey::broker {

Result<auth::Facts> facts_of_peer(const net::PeerFacts& peer, const ListenerPlan& plan, WallTime now,
                                  bool verify) {
    auth::Facts facts;
    facts.listener = plan.name;
    facts.remote_address = peer.remote.text();
    if (!peer.tls) return facts;
    facts.tls = auth::TlsFacts{std::string(peer.tls->version), std::string(peer.tls->cipher),
                               std::string(peer.tls->server_name)};
    if (verify && plan.transport.tls && !plan.transport.tls->admits(*peer.tls))
        return fail(kCertificateRefused, "the client CA has changed");
    if (peer.tls->client_certificate.empty()) return facts;
    const auto shown = crypto::read_certificate(peer.tls->client_certificate);
    if (!shown) return fail(kCertificateRefused, shown.error().info().text);
    // A resumed session brings a certificate that was verified some time ago.
    if (shown->not_after < now) return fail(kCertificateRefused, "expired");
    facts.certificate = auth::CertificateFacts{.subject = shown->subject,
                                               .common_name = shown->subject_cn,
                                               .serial_hex = shown->serial,
                                               .sha256_hex = crypto::to_hex(shown->fingerprint)};
    return facts;
}

}  // namespace latchkey::broker
