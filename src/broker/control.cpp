// See control.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/control.h"

#include <algorithm>

#include "broker/shard.h"

namespace latchkey::broker {

struct Control::Round {
    std::function<void(Shard&)> ask;
    Done done;
    std::size_t missing = 0;
};

void Control::begin_round(std::function<void(Shard&)> ask, Done done) {
    auto round = std::make_shared<Round>(std::move(ask), std::move(done), shards_.size());
    for (ShardIndex i = 0; i < shards_.size(); ++i) {
        mesh_.mailbox(i).deliver([this, round, shard = shards_[i]] {
            round->ask(*shard);
            mesh_.mailbox(0).deliver([round] {
                if (--round->missing == 0) round->done();
            });
        });
    }
}

void Control::round(std::function<void(Shard&)> ask, Done done) {
    mesh_.mailbox(0).deliver([this, ask = std::move(ask), done = std::move(done)]() mutable {
        begin_round(std::move(ask), std::move(done));
    });
}

void Control::adopt(std::shared_ptr<Epoch> epoch, Done done) {
    mesh_.mailbox(0).deliver([this, epoch = std::move(epoch), done = std::move(done)]() mutable {
        last_epoch_ = std::max(last_epoch_, shards_[0]->epoch()->number) + 1;
        epoch->number = last_epoch_;
        begin_round([epoch = EpochRef(std::move(epoch))](Shard& shard) { shard.adopt(epoch); },
                    std::move(done));
    });
}

void Control::shut_down(Duration flush_limit) {
    mesh_.mailbox(0).deliver([this, flush_limit] {
        if (std::exchange(shutting_down_, true)) return;
        flush_limit_ = flush_limit;
        quiet_.assign(shards_.size(), 0);
        begin_round([](Shard& shard) { shard.stop_ingress(); }, [this] { quiesce(); });
    });
}

void Control::quiesce() {
    // Rounds repeat until one in which no shard had a stash, a waiter, an uncommitted record, or moved
    // anything: one quiet answer alone proves nothing, because a shard that answered early may be given work
    // by one that has not.
    begin_round([this](Shard& shard) { quiet_[shard.index()] = shard.quiet() ? 1 : 0; },
                [this] {
                    const bool all = std::ranges::all_of(quiet_, [](char quiet) { return quiet != 0; });
                    all ? flush() : quiesce();
                });
}

void Control::flush() {
    // Each shard answers when its own clients have their bytes; none leaves its loop before all have
    // answered.
    auto missing = std::make_shared<std::size_t>(shards_.size());
    begin_round(
        [this, missing](Shard& shard) {
            shard.flush_out(shard.now() + flush_limit_, [this, missing] {
                mesh_.mailbox(0).deliver([this, missing] {
                    if (--*missing == 0) begin_round([](Shard& each) { each.finish(); }, [] {});
                });
            });
        },
        [] {});
}

}  // namespace latchkey::broker
