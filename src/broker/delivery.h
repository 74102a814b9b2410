// Delivery: from a message that arrived at a shard to the bytes its subscribers get. Queues hold references;
// bytes are encoded here, at flush, where the receiver's and the author's rights, expiry and windows are
// looked at last.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "broker/message.h"
#include "broker/output.h"
#include "broker/session.h"
#include "mqtt/encoder.h"
#include "mqtt/packet.h"

namespace latchkey::broker {

class Client;
class Shard;

/// @thread shard
class Delivery {
  public:
    explicit Delivery(Shard& shard) : shard_(shard) {}

    /// To every session of this shard that subscribes to it, once each: at the highest QoS of its filters
    /// that hold it, with all their identifiers. MQTT5 3.3.4
    void deliver(const MessageRef& message);
    /// One retained message that a SUBSCRIBE asked for.
    void deliver_retained(Session& session, const Pull& pull, const MessageRef& message);

    /// One message of a shared subscription, whose key among the session's memberships is `share`. Takes
    /// `visited` along. @return false when the session has no room
    bool deliver_shared(Session& session, std::uint16_t share, const Subscription& subscription,
                        const MessageRef& message, std::vector<std::uint32_t>& visited);
    /// Takes what came through a membership (0: any) out of the session's queues, oldest first, and calls
    /// f(entry) for each: what was never sent, and with `unacknowledged` also QoS 1 that was.
    template <class F>
    void take_shared(Session& session, std::uint16_t share, bool unacknowledged, F&& f) {
        const auto mine = [share](const QueueEntry& entry) {
            return entry.share != 0 && (share == 0 || entry.share == share) && entry.message;
        };
        for (std::uint32_t i = 0; i < session.inflight.size();) {
            const QueueEntry& entry = session.inflight[i];
            if (!mine(entry) || (entry.sent && !(unacknowledged && entry.qos == 1))) {
                ++i;
                continue;
            }
            f(entry);
            erase_inflight(session, i);
        }
        EntryRing kept;
        for (; !session.waiting.empty(); session.waiting.pop_front()) {
            QueueEntry& entry = session.waiting.front();
            if (!mine(entry)) {
                kept.push_back(std::move(entry));
                continue;
            }
            f(entry);
            session.waiting_bytes -= entry.message->bytes();
            free_ids(session, entry);
        }
        session.waiting = std::move(kept);
    }

    /// PUBACK, PUBREC, PUBCOMP of a receiver.
    mqtt::Flow on_ack(Client& client, const mqtt::Ack& packet);
    /// A session was resumed: what was sent is sent again, in order. MQTT5 4.4
    void resend(Client& client);
    /// Every entry is judged again before it leaves.
    void distrust(Session& session);

    /// Encodes and writes what a client may get now.
    /// @return true when there is more to send and the socket would take it: next turn
    bool flush(Client& client);
    /// The shard has adopted another policy: those who waited for it may go on.
    std::vector<SlotId> take_waiting() { return std::exchange(waiting_for_epoch_, {}); }

  private:
    enum class Fate : std::uint8_t { Send, Drop, Wait };
    void enqueue(Session& session, QueueEntry entry);
    void merge(Session& session, const Subscription& subscription, std::uint8_t qos, bool retain);
    bool has_room(const Session& session, const Message& message) const;
    Fate judge(Session& session, const QueueEntry& entry);
    void erase_inflight(Session& session, std::uint32_t index);
    void withdraw_inflight(Session& session, std::uint32_t index);
    QueueEntry take_waiting_front(Session& session);
    QueueEntry take_waiting_back(Session& session);
    /// Lets go of what the entry holds; its bytes are counted no longer.
    static void forget_message(Session& session, QueueEntry& entry);
    void free_ids(Session& session, const QueueEntry& entry);
    /// @return false when the receiver takes no packet of that size
    bool encode(Client& client, const QueueEntry& entry, Output::Packet& packet);
    bool fill_inflight(Client& client);
    bool fill_waiting(Client& client);
    bool enter_window(Client& client);
    std::uint32_t window_of(const Session& session) const;
    static std::uint32_t on_wire(Session& session);
    bool gated(const Session& session) const;
    void wait_for_gate(Client& client);
    bool write(Client& client);
    void keep_rest(Client& client, std::size_t taken, std::size_t held);
    void forget_encoded(Client& client);

    Shard& shard_;
    std::uint64_t stamp_ = 0;
    Output output_;
    std::vector<Session*> away_;  ///< within deliver(): hold a copy at QoS 0, and nobody is connected
    std::vector<SlotId> waiting_for_epoch_;
};

}  // namespace latchkey::broker
