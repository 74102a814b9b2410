// Worker threads over one bounded queue; see pool.h.
// SPDX-License-Identifier: Apache-2.0
#include "net/pool.h"

#include <utility>

namespace latchkey::net {

WorkerPool::WorkerPool(const Clock& clock, Options options) : clock_(clock), queue_jobs_(options.queue_jobs) {
    for (unsigned i = 0; i < options.threads; ++i)
        threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
    drain();
}

bool WorkerPool::try_submit(PoolJob job, Mailbox& reply_to) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || queue_.size() >= queue_jobs_) return false;
        queue_.push_back({std::move(job), &reply_to});
    }
    ready_.notify_one();
    return true;
}

void WorkerPool::drain() {
    std::deque<Waiting> unserved;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        unserved.swap(queue_);
    }
    ready_.notify_all();
    for (Waiting& waiting : unserved)
        waiting.reply_to->deliver(std::move(waiting.job.late));
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
}

void WorkerPool::run() {
    for (;;) {
        Waiting next;
        {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            next = std::move(queue_.front());
            queue_.pop_front();
        }
        const bool late = clock_.mono() >= next.job.deadline;
        next.reply_to->deliver(late ? std::move(next.job.late) : next.job.work());
    }
}

}  // namespace latchkey::net
