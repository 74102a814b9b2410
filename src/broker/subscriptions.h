// Subscriptions: the exact filters of a shard's sessions. What other shards know of them is the interest
// index, which is told after the local insert and before the SUBACK (data-path 6). What would touch all
// filters of a session happens in slices: a session may have thousands.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "broker/session.h"
#include "mqtt/packet.h"
#include "policy/decide.h"
#include "topic/trie.h"

namespace latchkey::broker {

class Shard;

/// @param text  a valid filter, shared or not
policy::Request subscribe_request(std::string_view text, std::uint8_t qos);

/// @thread shard
class Subscriptions {
  public:
    Subscriptions(Shard& shard, const HashSeed& seed) : shard_(shard), filters_(seed) {}

    /// Calls f(Subscription&) for each that holds the topic and is not withheld.
    template <class F>
    void match(std::string_view topic, F&& f) {
        filters_.match(topic, [&](Subscribers& subscribers) {
            for (Subscription* one : subscribers.list) {
                if (!one->withheld && !one->session->ended) f(*one);
            }
        });
    }

    /// Adds one that is not shared, or changes it.
    void insert(Session& session, const mqtt::SubscribeFilter& asked, std::uint32_t id);
    /// Takes one away, shared or not, that the session has.
    void erase(Session& session, std::string_view filter);

    /// Decides every stored filter of a session again under its present authority, in slices. Until that is
    /// done nothing leaves for it unless it was decided alone.
    /// @param remove  take away what is not covered any more (resume), instead of withholding it
    void judge(Session& session, bool remove);
    /// Every session of the shard, under a new policy.
    void judge_all();
    /// A session has ended: its filters hold nothing from now on, and are forgotten in slices.
    void bury(std::unique_ptr<Session> session);
    /// The slices of one turn.
    void run();
    bool pending() const noexcept { return !passes_.empty() || !unjudged_.empty() || !ended_.empty(); }

    /// Sets this shard's interest bits for a filter, from its sessions and the groups it owns.
    void tell(std::string_view filter);
    std::size_t size() const noexcept { return filters_.size(); }
    std::size_t count() const noexcept { return count_; }
    /// A shared one was added, or left, by Shares.
    void count_shared() noexcept { ++count_, ++shared_; }
    void uncount_shared() noexcept { --count_, --shared_; }
    std::size_t shared_count() const noexcept { return shared_; }

  private:
    struct Subscribers {
        std::vector<Subscription*> list;
        std::uint32_t durable = 0;
    };
    /// Over the buckets of a session's filters; from the start again when their number has changed.
    struct Pass {
        std::uint64_t session = 0;
        std::uint32_t number = 0;  ///< Session::pass, unless another has begun
        std::uint64_t version = 0;
        std::size_t buckets = 0;
        std::size_t next = 0;
    };
    void judge_some();
    std::size_t go_on(Session& session, Pass& pass, std::size_t most);
    bool judge_one(Session& session, const policy::Program& program, Subscription& subscription);
    void set_durable(Subscription& subscription, Subscribers& subscribers, bool durable);
    void forget(std::size_t most);
    void unlist(const Subscription& subscription);
    void tell(std::string_view filter, const Subscribers* subscribers);

    Shard& shard_;
    topic::Trie<Subscribers> filters_;
    std::size_t count_ = 0;
    std::size_t shared_ = 0;
    std::deque<Pass> passes_;
    std::vector<std::uint64_t> unjudged_;  ///< serials, since the policy changed
    std::uint32_t last_pass_ = 0;
    std::deque<std::unique_ptr<Session>> ended_;
};

}  // namespace latchkey::broker
