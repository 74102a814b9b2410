// Control: what acts on the whole broker. It lives with shard 0 and runs in its turns, so that one thread
// numbers epochs and revocations in one sequence (data-path 10). A round asks every shard once; when all have
// answered, what was asked for holds everywhere: that is the receipt.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/epoch.h"
#include "broker/mesh.h"

namespace latchkey::broker {

class Shard;

/// @thread shard 0, except the three requests, which any thread may make
class Control {
  public:
    using Done = std::move_only_function<void()>;

    Control(Mesh& mesh, std::span<Shard* const> shards) : mesh_(mesh), shards_(shards) {}

    /// Makes an epoch the present one. Its number is given here; `done` runs on shard 0 with the receipt.
    void adopt(std::shared_ptr<Epoch> epoch, Done done);
    /// Running -> NoIngress -> Quiesced -> Flushed -> Closed (data-path 11). Every shard finishes; at
    /// `flush_limit` those clients that take no more are left behind.
    void shut_down(Duration flush_limit);
    /// Runs `ask` on every shard, each in its own turn, and `done` on shard 0 when all have.
    void round(std::function<void(Shard&)> ask, Done done);

  private:
    struct Round;
    void begin_round(std::function<void(Shard&)> ask, Done done);
    void quiesce();
    void flush();

    Mesh& mesh_;
    std::span<Shard* const> shards_;
    std::uint64_t last_epoch_ = 0;
    bool shutting_down_ = false;
    Duration flush_limit_{};
    /// Answers of the present quiet-round, one per shard; each shard writes its own before it answers.
    std::vector<char> quiet_;
};

}  // namespace latchkey::broker
