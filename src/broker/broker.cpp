// See broker.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "broker/denial_report.h"
#include "store/memory_store.h"

namespace latchkey::broker {

Result<std::unique_ptr<Broker>> Broker::create(const BrokerOptions& options, EpochRef first,
                                               const Clock& clock, auth::LoginLog& login_log) {
    std::unique_ptr<Broker> broker(new Broker);
    broker->acceptors_ = options.acceptors;
    broker->mesh_ = std::make_unique<Mesh>(options.mesh);
    broker->peers_.resize(options.mesh.shards);
    for (ShardIndex i = 0; i < options.mesh.shards; ++i) {
        LK_TRY(auto poller, net::EpollPoller::create());
        broker->pollers_.push_back(std::move(poller));
        broker->stores_.push_back(std::make_unique<store::MemoryStore>());
        broker->shards_.push_back(
            std::make_unique<Shard>(ShardServices{.index = i,
                                                  .process_epoch = options.process_epoch,
                                                  .clock = clock,
                                                  .random = broker->random_,
                                                  .mesh = *broker->mesh_,
                                                  .store = *broker->stores_.back(),
                                                  .poller = *broker->pollers_.back(),
                                                  .login_log = login_log,
                                                  .peers = broker->peers_,
                                                  .acceptors = broker->acceptors_},
                                    first));
        broker->peers_[i] = broker->shards_.back().get();
        broker->executors_.push_back(std::make_unique<net::Executor>(clock, "shard-" + std::to_string(i)));
        broker->executors_.back()->seat(*broker->shards_.back(), broker->pollers_.back()->handle());
    }
    broker->control_ = std::make_unique<Control>(*broker->mesh_, broker->peers_);
    return broker;
}

Broker::~Broker() {
    if (control_) control_->shut_down(Duration::zero());
    join();
}

void Broker::start() {
    for (auto& executor : executors_)
        executor->start();
    ask_all([](Shard& shard) { shard.open_listeners(); }, kNever - MonoTime{});
}

void Broker::join() {
    for (auto& executor : executors_)
        executor->join();
}

bool Broker::ask_all(std::function<void(Shard&)> ask, Duration limit) {
    // Guards `finished`; the asker is no shard, so waiting is allowed, and a lane cannot carry it.
    struct Wait {
        std::mutex mutex;
        std::condition_variable condition;
        bool finished = false;
    };
    const auto wait = std::make_shared<Wait>();
    control_->round(std::move(ask), [wait] {
        const std::lock_guard lock(wait->mutex);
        wait->finished = true;
        wait->condition.notify_all();
    });
    std::unique_lock lock(wait->mutex);
    if (limit == kNever - MonoTime{}) {
        wait->condition.wait(lock, [&] { return wait->finished; });
        return true;
    }
    return wait->condition.wait_for(lock, limit, [&] { return wait->finished; });
}

std::optional<DenialReport> Broker::find_denial(policy::DecisionId id, Duration limit) {
    const auto found = std::make_shared<std::optional<DenialReport>>();
    const bool answered = ask_all(
        [found, id](Shard& shard) {
            if (shard.index() != id.shard()) return;
            if (const policy::Denial* denial = shard.rights().ring().find(id)) *found = report(*denial);
        },
        limit);
    return answered ? *found : std::nullopt;
}

std::vector<std::string> Broker::recent_denials(std::size_t count, Duration limit) {
    struct Found {
        std::mutex mutex;  ///< guards all: shards add in their own turns, once a request
        std::vector<std::pair<WallTime, std::string>> all;
    };
    const auto found = std::make_shared<Found>();
    const bool answered = ask_all(
        [found, count](Shard& shard) {
            for (const policy::Denial* denial : shard.rights().ring().recent(count)) {
                const std::lock_guard lock(found->mutex);
                found->all.emplace_back(denial->at, report(*denial).json);
            }
        },
        limit);
    std::vector<std::string> lines;
    if (!answered) return lines;
    std::ranges::stable_sort(found->all, [](const auto& a, const auto& b) { return a.first > b.first; });
    for (auto& [at, line] : found->all) {
        if (lines.size() < count) lines.push_back(std::move(line));
    }
    return lines;
}

Totals Broker::totals(Duration limit) {
    struct Sum {
        std::mutex mutex;  ///< guards totals: as in recent_denials
        Totals totals;
    };
    const auto sum = std::make_shared<Sum>();
    ask_all(
        [sum](Shard& shard) {
            const std::lock_guard lock(sum->mutex);
            sum->totals += shard.totals();
            sum->totals.turns += shard.take_turns();
        },
        limit);
    const std::lock_guard lock(sum->mutex);
    return sum->totals;
}

}  // namespace latchkey::broker
