// Seam: work that may take long (password hashes, policy compilation, name lookups) leaves the shards for
// here. Bounded queue, a deadline on each job, exactly one answer for each job that was taken.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/time.h"
#include "net/completion.h"

namespace latchkey::net {

struct PoolJob {
    /// Runs on a pool thread, once at most; what it returns runs on the asker's thread with the outcome
    /// inside.
    std::move_only_function<Deliver()> work;
    /// Runs on the asker's thread instead, when the job could not begin before its deadline or the pool
    /// stopped.
    Deliver late;
    MonoTime deadline = kNever;
};

/// @thread any
class Pool {
  public:
    virtual ~Pool() = default;
    /// @return false: the queue is full or the pool is stopping; nothing was taken and nothing will be
    /// answered
    [[nodiscard]] virtual bool try_submit(PoolJob job, Mailbox& reply_to) = 0;
    /// Takes nothing new, answers what waits with `late`, waits for running jobs. Idempotent. @thread control
    virtual void drain() = 0;
};

class WorkerPool final : public Pool {
  public:
    struct Options {
        unsigned threads = 2;
        std::size_t queue_jobs = 1024;  ///< waiting, beside the running ones
    };
    WorkerPool(const Clock& clock, Options options);
    ~WorkerPool() override;

    [[nodiscard]] bool try_submit(PoolJob job, Mailbox& reply_to) override;
    void drain() override;

  private:
    struct Waiting {
        PoolJob job;
        Mailbox* reply_to;
    };
    void run();

    const Clock& clock_;
    const std::size_t queue_jobs_;
    std::mutex
        mutex_;  ///< guards queue_ and stopping_; many producers and consumers, never held while a job runs
    std::condition_variable ready_;
    std::deque<Waiting> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace latchkey::net
