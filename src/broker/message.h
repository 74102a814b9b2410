// Message: one accepted publication, immutable, shared by the shards that deliver it. Each shard holds it
// through a plain count of its own (MessageRef); only the number of shards is atomic, so a copy in a queue
// costs no atomic.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "mqtt/buffer.h"
#include "policy/authority.h"
#include "store/store.h"

namespace latchkey::broker {

class Message;

/// One shard's hold on a message: the plain count. @thread shard
struct Hold {
    Message* message = nullptr;
    std::uint32_t refs = 0;
};

/// What a message is made of; views are copied.
struct MessageParts {
    std::string_view topic;
    std::span<const std::byte> payload;
    /// Set: the buffer that holds `payload`. It is taken over, and the payload not copied. The other views
    /// may point into it too.
    mqtt::Buffer* packet = nullptr;
    std::size_t forward_bytes =
        0;  ///< room for properties that are forwarded unchanged, filled by the caller
    policy::AuthorityRef author;
    std::uint64_t policy_version = 0;
    std::uint64_t publisher = 0;  ///< serial of the publishing session, for No Local
    MonoTime expires = kNever;
    std::uint8_t qos = 0;
    bool retain = false;
    bool will = false;
};

/// Fields above `data` are written before the message is first pushed and never after.
class Message {
  public:
    /// One allocation for everything. The caller owns the one shard count it starts with.
    static Message* create(const MessageParts& parts);
    /// Gives back one shard's count; the last one frees.
    static void release(Message* message) noexcept;
    /// For a shard that is about to receive it.
    void add_shard() noexcept { shards_.fetch_add(1, std::memory_order_relaxed); }

    std::string_view topic() const noexcept { return {data(), topic_bytes_}; }
    std::span<const std::byte> forward() const noexcept { return view(topic_bytes_, forward_bytes_); }
    std::byte* forward_room() noexcept { return reinterpret_cast<std::byte*>(data() + topic_bytes_); }
    std::span<const std::byte> payload() const noexcept { return {payload_, payload_bytes_}; }
    std::size_t bytes() const noexcept {
        return sizeof(Message) + topic_bytes_ + forward_bytes_ + payload_bytes_;
    }

    store::MessageId id;
    policy::AuthorityRef author;
    std::uint32_t author_version = 0;   ///< of `author` when it was allowed
    std::uint64_t policy_version = 0;   ///< under which it was allowed
    std::uint64_t retained_number = 0;  ///< 0: not retained
    std::uint64_t publisher = 0;
    MonoTime expires = kNever;
    std::uint8_t qos = 0;
    bool retain = false;
    bool will = false;
    Hold origin;  ///< the creating shard's hold, so that a local message needs no second allocation

  private:
    Message() = default;
    ~Message() = default;
    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
    const char* data() const noexcept { return reinterpret_cast<const char*>(this + 1); }
    std::span<const std::byte> view(std::size_t offset, std::size_t size) const noexcept {
        return {reinterpret_cast<const std::byte*>(data() + offset), size};
    }

    mqtt::Buffer packet_;  ///< a large one, as it came from the socket
    const std::byte* payload_ = nullptr;
    std::atomic<std::uint32_t> shards_{1};
    std::uint16_t topic_bytes_ = 0;
    std::uint32_t forward_bytes_ = 0;
    std::uint32_t payload_bytes_ = 0;
};

/// A counted reference within one shard. @thread shard
class MessageRef {
  public:
    MessageRef() = default;
    /// Takes over the shard count of a message this shard created.
    static MessageRef created(Message* message) noexcept {
        message->origin = {message, 0};
        return MessageRef(&message->origin);
    }
    /// Takes over the shard count that came through a lane.
    static MessageRef received(Message* message) { return MessageRef(new Hold{message, 0}); }

    MessageRef(const MessageRef& other) noexcept : hold_(other.hold_) {
        if (hold_) ++hold_->refs;
    }
    MessageRef(MessageRef&& other) noexcept : hold_(std::exchange(other.hold_, nullptr)) {}
    MessageRef& operator=(MessageRef other) noexcept {
        std::swap(hold_, other.hold_);
        return *this;
    }
    ~MessageRef() {
        if (hold_ && --hold_->refs == 0) drop();
    }

    explicit operator bool() const noexcept { return hold_ != nullptr; }
    const Message& operator*() const noexcept { return *hold_->message; }
    const Message* operator->() const noexcept { return hold_->message; }
    /// For pushing into a lane: adds the count that the receiving shard will own.
    Message* share() const noexcept {
        hold_->message->add_shard();
        return hold_->message;
    }
    /// Before the message has left this shard.
    Message& writable() const noexcept { return *hold_->message; }

  private:
    explicit MessageRef(Hold* hold) noexcept : hold_(hold) { ++hold_->refs; }
    void drop() noexcept;
    Hold* hold_ = nullptr;
};

}  // namespace latchkey::broker
