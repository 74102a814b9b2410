// See shard.h: what control asks of a shard, from its numbers to its end.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "broker/errors.h"
#include "broker/shard.h"

namespace latchkey::broker {

Totals Shard::totals() const {
    return {.counters = counters_,
            .connections = clients_.size(),
            .sessions = sessions_.size(),
            .connected = sessions_.connected(),
            .subscriptions = subscriptions_.count(),
            .shared_subscriptions = subscriptions_.shared_count(),
            .filters = subscriptions_.size(),
            .retained = retained_.size(),
            .turns = {}};
}

void Shard::adopt(EpochRef epoch) {
    if (epoch->number <= epoch_->number) return;
    const bool policy_changed = epoch->policy_version() != epoch_->policy_version();
    certificates_.begin(*epoch_, *epoch);
    epoch_ = std::move(epoch);
    sys_.on_settings();
    if (policy_changed) {
        rights_.on_policy_changed();
        // From here on nothing begins to be encoded except under this version; the stored filters follow in
        // slices.
        subscriptions_.judge_all();
    }
    for (const SlotId id : delivery_.take_waiting()) {
        if (Client* client = find_client(id)) mark_dirty(*client);
    }
}

void Shard::stop_ingress() {
    if (stage_ != Stage::Running) return;
    stage_ = Stage::NoIngress;
    for (net::Acceptor* acceptor : services_.acceptors)
        services_.poller.remove(acceptor->handle());
    clients_.for_each([this](SlotId, Client& client) { suspend(client, kSuspendShutdown); });
}

bool Shard::quiet() {
    return !std::exchange(moved_, false) && ingress_.idle() && dirty_.empty();
}

void Shard::flush_out(MonoTime deadline, std::move_only_function<void()> done) {
    stage_ = Stage::Flushed;
    flush_deadline_ = deadline;
    flushed_ = std::move(done);
    clients_.for_each([this](SlotId, Client& client) {
        if (client.phase == Client::Phase::Online) {
            // Who still takes what waits for it hears the goodbye after that: see flush().
            if (client.want_write || client.dirty) return;
            close(client, mqtt::Reason::ServerShuttingDown, kShuttingDown);
        } else {
            drop(client, kShuttingDown);
        }
    });
}

}  // namespace latchkey::broker
