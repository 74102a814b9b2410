// Output: what one flush of one connection offers to its transport. Packets are encoded into a scratch
// buffer; a payload of some size is not copied but offered from where the message keeps it. What the
// transport took only in part stays with the connection (Leftover), a large payload again by reference.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "broker/message.h"
#include "broker/out_queue.h"
#include "mqtt/buffer.h"

namespace latchkey::broker {

inline constexpr std::size_t kBatchBytes = 64 * 1024;  ///< encoded per write
/// From this size on a payload is written from its message: below, a copy costs less than a vector.
inline constexpr std::size_t kByReferenceBytes = 1024;

/// What a connection has begun to send: bytes, then the rest of a large payload. Nothing else may be sent
/// before it. @thread shard
struct Leftover {
    mqtt::Buffer bytes;
    MessageRef message;      ///< set: of its payload, `offset` bytes have left
    std::size_t offset = 0;  ///< into the payload

    bool empty() const noexcept { return bytes.empty() && !message; }
    void clear() noexcept {
        bytes.clear();
        message = {};
    }
};

/// One for each shard, filled and emptied within a flush. @thread shard
class Output {
  public:
    /// A packet of this batch. QoS 0 entries are held here until their first byte has left.
    struct Packet {
        std::size_t begin = 0;  ///< in scratch
        QueueEntry entry;
        MessageRef payload;           ///< set: its payload follows the encoded head
        std::uint16_t new_alias = 0;  ///< topic alias that this packet tells the receiver
    };

    void clear();
    bool empty() const noexcept { return packets_.empty(); }
    /// Enough for one write. A packet with a large payload is the last of its batch.
    bool full() const noexcept { return scratch.size() + referenced_ >= kBatchBytes; }
    void add(Packet packet);
    std::span<Packet> packets() noexcept { return packets_; }

    /// What to offer: the leftover, `control` behind it (unless a large payload is under way), the packets.
    /// At most kSliceBytes of a large payload at once.
    std::span<const iovec> gather(const Leftover& leftover, const mqtt::Buffer& control);
    /// How many bytes gather() offered.
    std::size_t offered() const noexcept { return offered_; }
    bool offers_control() const noexcept { return offers_control_; }

    struct Outcome {
        std::size_t packets_left = 0;  ///< that have begun, or left whole: the first of packets()
        Leftover rest;                 ///< must be offered first from now on
    };
    /// After the transport took `taken` bytes. @param begun  as `taken`, and what a transport has sealed
    /// beyond it and wants to see again
    Outcome after_write(std::size_t taken, std::size_t begun);

    mqtt::Buffer scratch;  ///< where packets are encoded

  private:
    struct Segment {
        const std::byte* data;
        std::size_t size;
        MessageRef large;        ///< set: stays a reference in a leftover
        std::size_t offset = 0;  ///< of `data` in its payload
    };
    /// @return false when nothing may be offered behind it
    bool offer(Segment segment);

    std::vector<Packet> packets_;
    std::size_t referenced_ = 0;  ///< payload bytes by reference
    std::vector<Segment> segments_;
    std::vector<iovec> vectors_;
    std::size_t offered_ = 0;
    std::size_t before_packets_ = 0;  ///< bytes of leftover and control in front of the packets
    bool offers_control_ = false;
};

}  // namespace latchkey::broker
