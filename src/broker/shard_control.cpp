// See shard.h: what control asks of a shard, from its numbers to its end.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "broker/errors.h"
#include "broker/shard.h"

namespace latchkey::broker {

namespace {

constexpr std::size_t kSweepSteps = 1024;  ///< sessions and their filters judged per turn

}  // namespace

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
        // From here on nothing begins to be encoded except under this version; the sweep over stored filters
        // follows in slices.
        sweep_.clear();
        sessions_.for_each([this](Session& session) { sweep_.push_back(session.serial); });
    }
    for (const SlotId id : delivery_.take_waiting()) {
        if (Client* client = find_client(id)) mark_dirty(*client);
    }
}

void Shard::sweep() {
    // A session may have thousands of filters, each of which costs a decision: they count, not the sessions.
    for (std::size_t steps = 0; steps < kSweepSteps && !sweep_.empty(); ++steps) {
        Session* session = sessions_.find_serial(sweep_.back());
        sweep_.pop_back();
        if (!session || session->swept_version == epoch_->policy_version()) continue;
        steps += session->subscriptions.size();
        subscriptions_.judge(*session, false);
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
