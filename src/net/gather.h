// Gather: walks the pieces that a caller offers for writing, across their borders.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <sys/uio.h>

namespace latchkey::net {

/// @thread any (value type; borrows the pieces)
class Gather {
  public:
    explicit Gather(std::span<const iovec> from) : from_(from) { skip_empty(); }
    bool done() const { return index_ == from_.size(); }

    /// What is left of the present piece; not when done().
    std::span<const std::byte> piece() const { return piece_at(0); }
    /// The same of the piece `ahead` of the present one; empty behind the last.
    std::span<const std::byte> piece_at(std::size_t ahead) const {
        if (index_ + ahead >= from_.size()) return {};
        const iovec& of = from_[index_ + ahead];
        return std::span(static_cast<const std::byte*>(of.iov_base), of.iov_len)
            .subspan(ahead == 0 ? offset_ : 0);
    }
    bool last() const { return index_ + 1 == from_.size(); }
    std::size_t pieces() const { return from_.size() - index_; }

    void advance(std::size_t bytes) {
        while (bytes > 0) {
            const std::size_t part = std::min(bytes, from_[index_].iov_len - offset_);
            offset_ += part;
            bytes -= part;
            skip_empty();
        }
    }

  private:
    void skip_empty() {
        while (index_ < from_.size() && offset_ == from_[index_].iov_len) {
            ++index_;
            offset_ = 0;
        }
    }

    std::span<const iovec> from_;
    std::size_t index_ = 0;
    std::size_t offset_ = 0;
};

}  // namespace latchkey::net
