// The client's end of a WebSocket connection for tests: the plainest code that can shake hands, mask, and
// take frames apart, so that it can judge the server's. One frame per write, everything buffered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/errors.h"
#include "net/transport.h"

namespace latchkey::test {

/// A masked frame as a client sends it; `opcode` with whatever bits a test wants.
inline std::string client_frame(std::uint8_t first_byte, std::string_view payload,
                                std::string_view mask = "\x11\x22\x33\x44") {
    std::string out(1, static_cast<char>(first_byte));
    const std::size_t size = payload.size();
    if (size < 126) {
        out += static_cast<char>(0x80 | size);
    } else {
        const int bytes = size < 65536 ? 2 : 8;
        out += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
        for (int i = bytes - 1; i >= 0; --i)
            out += static_cast<char>(static_cast<std::uint64_t>(size) >> (8 * i) & 0xFF);
    }
    out += mask;
    for (std::size_t i = 0; i < size; ++i)
        out += static_cast<char>(payload[i] ^ mask[i % 4]);
    return out;
}

inline constexpr std::string_view kUpgradeRequest =
    "GET /mqtt HTTP/1.1\r\nHost: broker.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

class WebSocketClient final : public net::Transport {
  public:
    explicit WebSocketClient(std::unique_ptr<net::Transport> inner)
        : inner_(std::move(inner)), pending_(kUpgradeRequest) {}

    int handle() const override { return inner_->handle(); }
    const net::PeerFacts& peer() const override { return inner_->peer(); }

    net::IoResult read(std::span<std::byte> into) override {
        if (!established_) {
            if (const net::IoResult sent = flush(); sent.status == net::IoStatus::Failed) return sent;
        }
        if (ready_.empty() && !closed_) {
            std::byte raw[4096];
            const net::IoResult got = inner_->read(raw);
            if (got.status != net::IoStatus::Ok) return got;
            in_.append(reinterpret_cast<const char*>(raw), got.bytes);
            more_ = got.more;
            take_apart();
        }
        if (broken_) return {.error = &net::kFrameMalformed};
        if (ready_.empty())
            return closed_ ? net::IoResult{.status = net::IoStatus::Eof}
                           : net::IoResult{.status = net::IoStatus::WantRead, .more = more_};
        const std::size_t count = std::min(into.size(), ready_.size());
        std::memcpy(into.data(), ready_.data(), count);
        ready_.erase(0, count);
        return {.status = net::IoStatus::Ok, .bytes = count, .more = more_ || closed_ || !ready_.empty()};
    }

    net::IoResult write(std::span<const iovec> from) override {
        if (!established_) {
            const net::IoResult sent = flush();
            return sent.status == net::IoStatus::Ok ? net::IoResult{.status = net::IoStatus::WantRead} : sent;
        }
        std::string payload;
        for (const iovec& piece : from)
            payload.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        std::size_t taken = 0;
        while (taken < payload.size()) {
            if (promised_ == 0) {
                promised_ = std::min<std::size_t>(payload.size() - taken, 50'000);
                pending_ = client_frame(0x82, std::string_view(payload).substr(taken, promised_));
            }
            net::IoResult sent = flush();
            if (sent.status != net::IoStatus::Ok) {
                sent.bytes = taken;
                sent.held = promised_;
                return sent;
            }
            taken += std::exchange(promised_, 0);
        }
        return {.status = net::IoStatus::Ok, .bytes = taken};
    }

    void close() override { inner_->close(); }

    /// What the server answered to the handshake.
    const std::string& answer() const { return answer_; }
    /// Sends bytes as they are.
    net::IoResult say_raw(std::string_view bytes) {
        const iovec one{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
        return inner_->write(std::span(&one, 1));
    }

  private:
    net::IoResult flush() {
        while (!pending_.empty()) {
            const iovec one{.iov_base = pending_.data(), .iov_len = pending_.size()};
            net::IoResult sent = inner_->write(std::span(&one, 1));
            pending_.erase(0, sent.bytes);
            sent.bytes = 0;
            if (sent.status != net::IoStatus::Ok) return sent;
        }
        return {.status = net::IoStatus::Ok};
    }

    void take_apart() {
        if (!established_) {
            const std::size_t end = in_.find("\r\n\r\n");
            if (end == std::string::npos) return;
            answer_ = in_.substr(0, end + 4);
            in_.erase(0, end + 4);
            established_ = answer_.starts_with("HTTP/1.1 101 ");
            broken_ = !established_;
        }
        while (!broken_ && in_.size() >= 2) {
            const auto at = [&](std::size_t index) { return static_cast<unsigned char>(in_[index]); };
            const std::size_t head = at(1) == 126 ? 4 : 2;
            if (in_.size() < head) return;
            // A server's frame is unmasked; ours are short ones, binary or Close.
            if (at(1) > 126 || (at(0) != 0x82 && at(0) != 0x88)) broken_ = true;
            const std::size_t size = head == 4 ? static_cast<std::size_t>(at(2)) << 8 | at(3) : at(1);
            if (broken_ || in_.size() < head + size) return;
            if (at(0) == 0x88)
                closed_ = true;
            else
                ready_.append(in_, head, size);
            in_.erase(0, head + size);
        }
    }

    std::unique_ptr<net::Transport> inner_;
    std::string pending_;       ///< encoded, not sent
    std::size_t promised_ = 0;  ///< payload in it
    std::string in_;
    std::string ready_;
    std::string answer_;
    bool established_ = false;
    bool closed_ = false;
    bool broken_ = false;
    bool more_ = false;
};

}  // namespace latchkey::test
