// Ingress: from an accepted PUBLISH to the lanes and the acknowledgement. Commit happens here and nowhere
// else: what carries a record waits for its gate, enters lanes in LSN order, and is acknowledged when nothing
// is owed. A push that must wait becomes a Parcel, the stash of data-path 5; it outlives its connection.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/ticket.h"
#include "broker/handoff.h"
#include "broker/lane.h"
#include "broker/mesh.h"
#include "broker/message.h"
#include "broker/route_cache.h"
#include "broker/session.h"
#include "mqtt/connection.h"
#include "mqtt/packet.h"
#include "store/store.h"

namespace latchkey::broker {

class Client;
class Shard;

/// Who published and what is owed to them when all is pushed.
struct Sender {
    enum class Owed : std::uint8_t { Nothing, Puback, Pubcomp };
    SlotId client;  ///< none for wills
    std::uint16_t packet_id = 0;
    Owed owed = Owed::Nothing;
};

/// A publication whose pushes are incomplete. Lives until the last ring took it. @thread shard
class Parcel {
  public:
    MessageRef message;
    Sender sender;
    std::unique_ptr<Will> will;  ///< stays stored here until the last push was accepted
    std::uint64_t number = 0;    ///< never used again by this shard
    std::uint32_t owed = 0;      ///< rings that have not taken it yet
    bool routed = false;         ///< the route was walked: only then may `owed` reach the end
    /// Later messages and answers of the same session: a publisher has one message at a time whose pushes are
    /// incomplete, or they would overtake it on lanes that have room, and their acknowledgements would
    /// [MQTT-4.6.0-2].
    std::vector<std::move_only_function<void()>> behind;
};

/// @thread shard
class Ingress {
  public:
    Ingress(Shard& shard, const HashSeed& seed);

    mqtt::Flow on_publish(Client& client, const mqtt::Publish& packet);
    mqtt::Flow on_pubrel(Client& client, const mqtt::Ack& packet);
    /// Takes the will and publishes it if its author still may.
    void publish_will(Session& session, std::unique_ptr<Will> will);

    /// Publishes a retained message of the broker itself. Where a lane is full it is dropped instead of
    /// waiting. @return whether every lane took it
    bool offer_own(const MessageRef& message);

    /// Runs `then` when everything appended so far is committed, after what already waits.
    void after_commit(std::move_only_function<void()> then);
    /// Once a turn before the flush, and when the store's gate moved.
    void commit();
    /// Room may have appeared: waiters go first, oldest first.
    void settle();
    /// Pushes a mark to `owner` behind everything that waits for its lane.
    void push_mark(ShardIndex owner, std::uint64_t round);
    /// Pushes a message for a member of a shared group on the forward lane. Where it has to wait, so does the
    /// publisher whose message it is, or else the draining of the publish lanes: see paused().
    void push_handoff(ShardIndex to, std::unique_ptr<Handoff> handoff);
    /// Where the forward lane to a shard ends, with what waits for it.
    std::uint64_t forward_end(ShardIndex to) const noexcept { return forward_[to]->end(); }
    /// Handoffs wait for a forward lane: no publish lane is drained until they are in (data-path 5).
    bool paused() const noexcept { return lanes_.owed != 0; }
    /// Pushes a page on the forward lane; it may have to wait there.
    void push_page(ShardIndex to, std::unique_ptr<RetainedPage> page);
    /// Tells consumers about this turn's pushes.
    void notify();

    /// Nothing stashed, waiting or uncommitted.
    bool idle() const noexcept { return parcels_.empty() && uncommitted_.empty() && !waiting(); }
    bool stashed() const noexcept { return !parcels_.empty(); }
    /// Highest LSN that commit() has seen committed.
    store::Lsn committed() const noexcept { return committed_; }
    /// Something waits for a commit.
    bool uncommitted() const noexcept { return !uncommitted_.empty(); }

  private:
    struct Uncommitted {
        store::Lsn gate;
        std::move_only_function<void()> then;
    };
    mqtt::Flow over_quota(Client& client, const mqtt::Publish& packet);
    mqtt::Flow deny(Client& client, const mqtt::Publish& packet);
    void answer(Client& client, mqtt::PacketType type, std::uint16_t packet_id, mqtt::Reason reason,
                std::string_view reason_string = {});
    /// Behind the commit, and behind the answers to what the same session published before.
    void answer_later(const Client& client, mqtt::PacketType type, std::uint16_t packet_id,
                      mqtt::Reason reason, std::string reason_string = {});
    MessageRef make(const Session& session, const mqtt::Publish& packet);
    /// Retained owner first, then the route, then the acknowledgement (data-path 8).
    void send(MessageRef message, const Sender& sender, std::unique_ptr<Will> will = nullptr);
    void send(MessageRef message, const Sender& sender, const Reach& reach);
    /// Retained owner first, then the route. `parcel` may be null.
    void dispatch(Parcel* parcel, const MessageRef& message, const Sender& sender);
    void route(Parcel* parcel, const MessageRef& message, const Sender& sender, const Reach& reach);
    void finish(const Sender& sender);
    void pushed(Parcel* parcel);
    void complete(Parcel* parcel);
    Reach reach_of(const Message& message);
    Parcel* stash(const MessageRef& message, const Sender& sender);
    /// To the shared groups of this shard; a parcel if a forward lane has no room.
    Parcel* share(Parcel* parcel, const MessageRef& message, const Sender& sender);
    void record(store::RecordKind kind, const MessageRef& message, std::string_view key,
                std::uint16_t packet_id, std::uint64_t destinations);
    bool waiting() const noexcept;

    Shard& shard_;
    RouteCache routes_;
    std::vector<std::unique_ptr<Outlet>> publish_;
    std::vector<std::unique_ptr<Outlet>> forward_;
    /// A message of this shard's own clients on its way to the groups here.
    struct Sharing {
        Parcel* parcel;
        const MessageRef& message;
        const Sender& sender;
    };
    Sharing* sharing_ = nullptr;
    Parcel lanes_;  ///< stands for the publish lanes where handoffs that came through them wait
    std::deque<Uncommitted> uncommitted_;
    store::Lsn committed_ = 0;
    std::unordered_map<std::uint64_t, std::unique_ptr<Parcel>> parcels_;  ///< by number
    std::uint64_t last_parcel_ = 0;
    std::unordered_map<std::uint64_t, Parcel*> incomplete_;  ///< by publishing session: see Parcel::behind
};

}  // namespace latchkey::broker
