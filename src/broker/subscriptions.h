// Subscriptions: the exact filters of a shard's sessions, and SUBSCRIBE and UNSUBSCRIBE. What other shards
// know of them is the interest index, which is told after the local insert and before the SUBACK (data-path
// 6).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "broker/session.h"
#include "mqtt/packet.h"
#include "topic/trie.h"

namespace latchkey::broker {

class Client;
class Shard;

/// @thread shard
class Subscriptions {
  public:
    Subscriptions(Shard& shard, const HashSeed& seed) : shard_(shard), filters_(seed) {}

    void on_subscribe(Client& client, const mqtt::Subscribe& packet);
    void on_unsubscribe(Client& client, const mqtt::Unsubscribe& packet);

    /// Calls f(Subscription&) for each that holds the topic and is not withheld.
    template <class F>
    void match(std::string_view topic, F&& f) {
        filters_.match(topic, [&](Subscribers& subscribers) {
            for (Subscription* one : subscribers.list) {
                if (!one->withheld) f(*one);
            }
        });
    }

    /// Decides every stored filter of a session again under its present authority (resume, new policy).
    /// @param remove  take away what is not covered any more, instead of withholding it
    void judge(Session& session, bool remove);
    /// A session ends: its filters hold nothing from now on, and the index forgets them some a turn.
    void remove_all(Session& session);
    void forget_some();
    bool forgetting() const noexcept { return !forgotten_.empty(); }
    /// The session's durability has changed from `was`: its filters' durable bits follow.
    void on_durability_changed(Session& session, bool was);
    /// Sets this shard's interest bits for a filter, from its sessions and the groups it owns.
    void tell(std::string_view filter);
    std::size_t size() const noexcept { return filters_.size(); }
    std::size_t count() const noexcept { return count_; }
    /// A shared one was added, or left, by Shares.
    void count_shared() noexcept { ++count_, ++shared_; }
    void uncount_shared() noexcept { --shared_; }
    std::size_t shared_count() const noexcept { return shared_; }

  private:
    struct Subscribers {
        std::vector<Subscription*> list;
        std::uint32_t durable = 0;
    };
    /// Of a session that has ended; `subscription->session` is null.
    struct Forgotten {
        std::unique_ptr<Subscription> subscription;
        bool durable = false;
    };
    mqtt::Reason subscribe_one(Client& client, const mqtt::SubscribeFilter& asked, std::uint32_t id);
    void insert(Session& session, const mqtt::SubscribeFilter& asked, std::uint32_t id, bool& existed);
    void erase(Session& session, std::string_view filter);
    void forget(std::size_t most);
    void unlist(const Subscription& subscription, bool durable);
    void tell(std::string_view filter, const Subscribers* subscribers);
    static bool counts_as_durable(const Session& session, const Subscription& subscription) {
        return session.durable() && subscription.qos > 0;
    }

    Shard& shard_;
    topic::Trie<Subscribers> filters_;
    std::size_t count_ = 0;
    std::size_t shared_ = 0;
    std::vector<Forgotten> forgotten_;
};

}  // namespace latchkey::broker
