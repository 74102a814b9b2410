// See message.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/message.h"

#include <new>

namespace latchkey::broker {

Message* Message::create(const MessageParts& parts) {
    const std::size_t copied = parts.packet ? 0 : parts.payload.size();
    const std::size_t extra = parts.topic.size() + parts.forward_bytes + copied;
    void* memory = ::operator new(sizeof(Message) + extra);
    auto* message = new (memory) Message();
    message->author = parts.author;
    message->author_version = parts.author ? parts.author->version() : 0;
    message->policy_version = parts.policy_version;
    message->publisher = parts.publisher;
    message->expires = parts.expires;
    message->qos = parts.qos;
    message->retain = parts.retain;
    message->will = parts.will;
    message->topic_bytes_ = static_cast<std::uint16_t>(parts.topic.size());
    message->forward_bytes_ = static_cast<std::uint32_t>(parts.forward_bytes);
    message->payload_bytes_ = static_cast<std::uint32_t>(parts.payload.size());
    std::memcpy(message->data(), parts.topic.data(), parts.topic.size());
    if (parts.packet) {
        message->packet_ = std::move(*parts.packet);
        message->payload_ = parts.payload.data();
        return message;
    }
    char* payload = message->data() + parts.topic.size() + parts.forward_bytes;
    if (copied != 0) std::memcpy(payload, parts.payload.data(), copied);
    message->payload_ = reinterpret_cast<const std::byte*>(payload);
    return message;
}

void Message::release(Message* message) noexcept {
    if (message->shards_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    message->~Message();
    ::operator delete(message);
}

void MessageRef::drop() noexcept {
    Message* message = hold_->message;
    if (hold_ != &message->origin) delete hold_;
    Message::release(message);
}

}  // namespace latchkey::broker
