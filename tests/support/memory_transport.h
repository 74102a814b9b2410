// A transport without a network: what comes is a string, cut as a test likes; what goes is a string with so
// much room. It can seal like TLS: a record that did not leave must be offered again unchanged, and it checks
// that.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>

#include "net/errors.h"
#include "net/transport.h"

namespace latchkey::test {

/// What a test sees of both directions; outlives the transport.
struct MemoryWire {
    std::string in;
    std::size_t read_step = std::numeric_limits<std::size_t>::max();  ///< bytes per read at most
    bool eager = false;  ///< reads say `more` as long as there is something, as TLS does
    bool fin = false;

    std::string out;
    std::size_t room = std::numeric_limits<std::size_t>::max();  ///< bytes that still fit
    bool seals = false;
    bool broke_seal = false;  ///< a sealed record was offered in another form: a fault of the caller
    bool closed = false;
};

class MemoryTransport final : public net::Transport {
  public:
    explicit MemoryTransport(MemoryWire& wire) : wire_(wire) {
        peer_.remote = *net::parse_address("192.0.2.9", 4711);
        peer_.local_port = 443;
        if (wire.seals) peer_.tls = &tls_;
    }

    int handle() const override { return wire_.closed ? -1 : 7; }
    const net::PeerFacts& peer() const override { return peer_; }
    void close() override { wire_.closed = true; }

    net::IoResult read(std::span<std::byte> into) override {
        if (wire_.closed) return {.error = &net::kSocketFailed};
        if (wire_.in.empty()) return {.status = wire_.fin ? net::IoStatus::Eof : net::IoStatus::WantRead};
        const std::size_t count =
            std::min({into.size(), wire_.in.size(), std::max<std::size_t>(wire_.read_step, 1)});
        std::memcpy(into.data(), wire_.in.data(), count);
        wire_.in.erase(0, count);
        return {.status = net::IoStatus::Ok, .bytes = count, .more = wire_.eager && !wire_.in.empty()};
    }

    net::IoResult write(std::span<const iovec> from) override {
        if (wire_.closed) return {.error = &net::kSocketFailed};
        std::string offered;
        for (const iovec& piece : from)
            offered.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        return wire_.seals ? write_records(offered) : write_bytes(offered);
    }

  private:
    net::IoResult write_bytes(const std::string& offered) {
        const std::size_t count = std::min(offered.size(), wire_.room);
        take(offered.substr(0, count));
        return {.status = count == offered.size() ? net::IoStatus::Ok : net::IoStatus::WantWrite,
                .bytes = count};
    }

    // As OpenSSL: a record is taken when its last byte has left; until then nothing of it counts.
    net::IoResult write_records(const std::string& offered) {
        std::size_t done = 0;
        while (done < offered.size()) {
            const std::size_t size =
                sealed_.empty() ? std::min<std::size_t>(offered.size() - done, 16'384) : sealed_.size();
            const std::string record = offered.substr(done, size);
            if (!sealed_.empty() && record != sealed_) wire_.broke_seal = true;
            const std::size_t left = size - sent_;
            const std::size_t count = std::min(left, wire_.room);
            take(record.substr(std::min(sent_, record.size()), count));
            sent_ += count;
            if (count < left) {
                sealed_ = record;
                return {.status = net::IoStatus::WantWrite, .bytes = done, .held = size};
            }
            sealed_.clear();
            sent_ = 0;
            done += size;
        }
        return {.status = net::IoStatus::Ok, .bytes = offered.size()};
    }

    void take(const std::string& bytes) {
        wire_.out += bytes;
        wire_.room -= bytes.size();
    }

    MemoryWire& wire_;
    net::PeerFacts peer_;
    net::TlsFacts tls_;
    std::string sealed_;
    std::size_t sent_ = 0;  ///< of the sealed record
};

}  // namespace latchkey::test
