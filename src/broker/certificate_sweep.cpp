// See certificate_sweep.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/certificate_sweep.h"

#include "base/log.h"
#include "broker/errors.h"
#include "broker/shard.h"
#include "net/tls.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kChainsPerTurn = 32;  ///< about 3 ms

std::string_view trust_of(const net::TlsContext* tls) {
    return tls ? tls->client_trust() : std::string_view();
}

}  // namespace

void CertificateSweep::begin(const Epoch& before, const Epoch& after) {
    // What an earlier change left unjudged is judged with this one, by the newest rule.
    if (pending_.empty()) changed_.clear();
    changed_.resize(after.listeners.size());
    bool any = false;
    for (std::size_t i = 0; i < after.listeners.size(); ++i) {
        const net::TlsContext* was =
            i < before.listeners.size() ? before.listeners[i].transport.tls.get() : nullptr;
        const net::TlsContext* is = after.listeners[i].transport.tls.get();
        if (is == nullptr || trust_of(was) == trust_of(is)) continue;
        changed_[i] = true;
        any = true;
    }
    if (!any) return;
    pending_.clear();
    shard_.for_each_client([this](SlotId id, const Client& client) {
        if (changed_[client.listener] && client.phase == Client::Phase::Online) pending_.push_back(id);
    });
}

void CertificateSweep::run() {
    for (std::size_t chains = 0; chains < kChainsPerTurn && !pending_.empty();) {
        Client* client = shard_.find_client(pending_.back());
        pending_.pop_back();
        if (!client || client->phase != Client::Phase::Online) continue;
        const net::PeerFacts& peer = client->transport->peer();
        const ListenerPlan& plan = shard_.epoch()->listeners[client->listener];
        if (!peer.tls || !plan.transport.tls) continue;
        ++chains;
        if (plan.transport.tls->admits(*peer.tls)) continue;
        log::event(log::Level::Warn, "certificate_withdrawn",
                   {log::field("client", client->session->client_id), log::field("listener", plan.name),
                    log::field("address", peer.remote.text())});
        shard_.close(*client, mqtt::Reason::NotAuthorized, kCertificateRefused);
    }
}

}  // namespace latchkey::broker
