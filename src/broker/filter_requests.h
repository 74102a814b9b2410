// Filter requests: SUBSCRIBE and UNSUBSCRIBE. A small packet is worked off at once; of a large one, or when
// much was asked of the shard in this turn already, some filters a turn, those who asked in their order. The
// client is not read meanwhile, so nothing overtakes its request. MQTT5 3.8 to 3.11
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/ticket.h"
#include "mqtt/packet.h"
#include "policy/decide.h"

namespace latchkey::broker {

class Client;
class Session;
class Shard;

/// One SUBSCRIBE or UNSUBSCRIBE. What is not done at once belongs to its client and ends with it.
struct FilterRequest {
    mqtt::PacketType answer;  ///< SUBACK or UNSUBACK
    std::uint16_t packet_id = 0;
    std::uint32_t subscription_id = 0;
    mqtt::Filters filters;        ///< those that are left
    std::vector<std::byte> room;  ///< where they stand once the packet is gone
    std::vector<mqtt::Reason> reasons;
    std::uint32_t denied = 0;
    std::string denial;           ///< id of the last decision against it
    std::uint64_t gathering = 0;  ///< of its shared subscriptions
};

/// @thread shard
class FilterRequests {
  public:
    explicit FilterRequests(Shard& shard) : shard_(shard) {}

    void on_subscribe(Client& client, const mqtt::Subscribe& packet);
    void on_unsubscribe(Client& client, const mqtt::Unsubscribe& packet);
    /// Goes on with those that are not done, as far as the turn's budget reaches.
    void run();
    bool pending() const noexcept { return !waiting_.empty(); }

  private:
    void begin(Client& client, FilterRequest request);
    /// Until it is done, closed, or has had its share. @return whether there is nothing left to do
    bool work(Client& client, FilterRequest& request);
    mqtt::Reason subscribe(Client& client, FilterRequest& request, const mqtt::SubscribeFilter& asked);
    mqtt::Reason deny(Client& client, FilterRequest& request, const policy::Program& program,
                      const policy::Request& question, const policy::Decision& decision);
    mqtt::Reason unsubscribe(Session& session, std::string_view filter);
    void answer(Client& client, FilterRequest& request);

    Shard& shard_;
    std::deque<SlotId> waiting_;
};

}  // namespace latchkey::broker
