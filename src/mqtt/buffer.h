// A growable byte buffer without initialisation: a shard's scratch that packets are encoded into, cleared and
// used again every turn. Owned by whoever writes the bytes out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include <strings.h>

#include "base/result.h"

namespace latchkey::mqtt {

/// @thread one at a time
class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(std::size_t capacity) { reserve(capacity); }
    Buffer(Buffer&& other) noexcept
        : data_(std::move(other.data_)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        data_ = std::move(other.data_);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
        return *this;
    }

    const std::byte* data() const noexcept { return data_.get(); }
    std::byte* data() noexcept { return data_.get(); }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }
    std::span<const std::byte> bytes() const noexcept { return {data_.get(), size_}; }

    /// Room for n more bytes, uninitialised and already counted; valid until the next append.
    std::byte* append(std::size_t n) {
        if (capacity_ - size_ < n) grow(n);
        std::byte* at = data_.get() + size_;
        size_ += n;
        return at;
    }
    void append(std::span<const std::byte> bytes) {
        if (!bytes.empty()) std::memcpy(append(bytes.size()), bytes.data(), bytes.size());
    }
    void append(std::string_view text) { append(std::as_bytes(std::span(text))); }
    /// Drops everything behind `size`, for example a packet that was not to be sent after all.
    void truncate(std::size_t size) noexcept { size_ = std::min(size, size_); }
    void clear() noexcept { size_ = 0; }
    void reserve(std::size_t capacity) {
        if (capacity > capacity_) resize(capacity);
    }
    /// Clears and overwrites what was there: for packets that hold a credential. Reserve enough before
    /// encoding one, or growing leaves copies behind.
    void wipe() noexcept {
        if (capacity_ != 0) explicit_bzero(data_.get(), capacity_);
        size_ = 0;
    }
    /// Gives memory back when a rare large packet has left more than `keep` bytes; the buffer is cleared.
    void shrink(std::size_t keep) noexcept {
        size_ = 0;
        if (capacity_ > keep) {
            data_.reset();
            capacity_ = 0;
        }
    }

  private:
    struct Free {
        void operator()(std::byte* data) const noexcept { std::free(data); }
    };

    void grow(std::size_t n) { resize(std::max({size_ + n, capacity_ * 2, std::size_t{256}})); }
    void resize(std::size_t capacity) {
        // realloc, because the kernel moves the pages of a large one instead of copying them.
        void* data = std::realloc(data_.get(), capacity);
        if (data == nullptr) throw std::bad_alloc();
        LK_IGNORE(data_.release(), "realloc has freed or kept it");
        data_.reset(static_cast<std::byte*>(data));
        capacity_ = capacity;
    }

    std::unique_ptr<std::byte[], Free> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace latchkey::mqtt
