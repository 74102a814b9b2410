// See output.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/output.h"

#include <algorithm>

namespace latchkey::broker {

namespace {

constexpr std::size_t kLargeBytes = 64 * 1024;    ///< a payload that is never copied into a leftover
constexpr std::size_t kSliceBytes = 1024 * 1024;  ///< of a large payload, offered at once

}  // namespace

void Output::clear() {
    scratch.clear();
    packets_.clear();
    segments_.clear();
    referenced_ = 0;
}

void Output::add(Packet packet) {
    if (packet.payload) referenced_ += packet.payload->payload().size();
    packets_.push_back(std::move(packet));
}

bool Output::offer(Segment segment) {
    const std::size_t now = segment.large ? std::min(segment.size, kSliceBytes) : segment.size;
    const bool last = static_cast<bool>(segment.large);
    if (now != 0) {
        vectors_.push_back({const_cast<std::byte*>(segment.data), now});  // writev does not write to it
        offered_ += now;
    }
    segments_.push_back(std::move(segment));
    return !last;
}

std::span<const iovec> Output::gather(const Leftover& leftover, const mqtt::Buffer& control) {
    segments_.clear();
    vectors_.clear();
    offered_ = 0;
    before_packets_ = leftover.bytes.size();
    offers_control_ = false;
    offer({leftover.bytes.data(), leftover.bytes.size(), {}});
    if (leftover.message) {
        const auto rest = leftover.message->payload().subspan(leftover.offset);
        before_packets_ += rest.size();
        offer({rest.data(), rest.size(), leftover.message, leftover.offset});
        return vectors_;
    }
    offers_control_ = true;
    before_packets_ += control.size();
    offer({control.data(), control.size(), {}});
    std::size_t from = 0;
    for (std::size_t i = 0; i < packets_.size(); ++i) {
        const MessageRef& payload = packets_[i].payload;
        if (!payload && i + 1 < packets_.size()) continue;  // heads and small packets in one piece
        const std::size_t end = i + 1 < packets_.size() ? packets_[i + 1].begin : scratch.size();
        offer({scratch.data() + from, end - from, {}});
        from = end;
        if (!payload) continue;
        const auto bytes = payload->payload();
        const bool large = bytes.size() >= kLargeBytes;
        if (!offer({bytes.data(), bytes.size(), large ? payload : MessageRef()})) break;
    }
    return vectors_;
}

Output::Outcome Output::after_write(std::size_t taken, std::size_t begun) {
    Outcome out;
    // A packet that has begun must be finished; so must everything that stood in front of the packets.
    std::size_t keep = before_packets_;
    for (std::size_t i = 0; i < packets_.size() && keep < begun; ++i) {
        const std::size_t head_end = i + 1 < packets_.size() ? packets_[i + 1].begin : scratch.size();
        const MessageRef& payload = packets_[i].payload;
        keep += head_end - packets_[i].begin + (payload ? payload->payload().size() : 0);
        ++out.packets_left;
    }
    std::size_t offset = 0;
    for (const Segment& segment : segments_) {
        const std::size_t from = std::max(taken, offset);
        const std::size_t end = std::min(keep, offset + segment.size);
        if (from < end && segment.large) {
            out.rest.message = segment.large;
            out.rest.offset = segment.offset + (from - offset);
        } else if (from < end) {
            out.rest.bytes.append(std::span(segment.data + (from - offset), end - from));
        }
        offset += segment.size;
    }
    return out;
}

}  // namespace latchkey::broker
