// Counters of one shard: plain numbers, read by others through its mailbox only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace latchkey::broker {

struct Counters {
    std::uint64_t connections = 0;            ///< accepted
    std::uint64_t connections_refused = 0;    ///< at accept, by a limit of admission
    std::uint64_t connections_displaced = 0;  ///< half-open ones closed for a newcomer
    std::uint64_t logins_granted = 0;
    std::uint64_t logins_refused = 0;
    std::uint64_t logins_failed = 0;
    std::uint64_t logins_throttled = 0;  ///< answered 0x9F without a look at them
    std::uint64_t publishes_received = 0;
    std::uint64_t publishes_sent = 0;
    std::uint64_t packets_received = 0;
    std::uint64_t packets_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t payload_bytes_received = 0;
    std::uint64_t payload_bytes_sent = 0;
    std::uint64_t publishes_over_quota = 0;  ///< retained ones, refused because the store is full
    std::uint64_t logins_over_quota = 0;     ///< refused because there are too many sessions
    std::uint64_t sessions_expired = 0;
    std::uint64_t publishes_denied = 0;
    std::uint64_t subscribes_denied = 0;
    std::uint64_t deliveries_withheld = 0;  ///< the receiver or the author may not any more
    std::uint64_t deliveries_dropped = 0;   ///< a session's queue was full, or the packet too large for it
    std::uint64_t deliveries_expired = 0;
    std::uint64_t wills_withheld = 0;
    std::uint64_t stale_answers = 0;  ///< of logins, pages and the like whose asker has gone

    Counters& operator+=(const Counters& other) noexcept {
        connections += other.connections;
        connections_refused += other.connections_refused;
        connections_displaced += other.connections_displaced;
        logins_throttled += other.logins_throttled;
        packets_received += other.packets_received;
        packets_sent += other.packets_sent;
        bytes_received += other.bytes_received;
        bytes_sent += other.bytes_sent;
        payload_bytes_received += other.payload_bytes_received;
        payload_bytes_sent += other.payload_bytes_sent;
        publishes_over_quota += other.publishes_over_quota;
        logins_over_quota += other.logins_over_quota;
        sessions_expired += other.sessions_expired;
        logins_granted += other.logins_granted;
        logins_refused += other.logins_refused;
        logins_failed += other.logins_failed;
        publishes_received += other.publishes_received;
        publishes_sent += other.publishes_sent;
        publishes_denied += other.publishes_denied;
        subscribes_denied += other.subscribes_denied;
        deliveries_withheld += other.deliveries_withheld;
        deliveries_dropped += other.deliveries_dropped;
        deliveries_expired += other.deliveries_expired;
        wills_withheld += other.wills_withheld;
        stale_answers += other.stale_answers;
        return *this;
    }
};

}  // namespace latchkey::broker
