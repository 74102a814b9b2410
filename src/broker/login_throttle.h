// LoginThrottle: how many refused logins an address may cause. Beyond that its CONNECTs are answered without
// running a pipeline, for a time that doubles. By address and never by user: nobody is to be locked out by
// guesses from elsewhere. One for the process, asked once a CONNECT.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "base/hash.h"
#include "base/time.h"
#include "broker/admission.h"

namespace latchkey::broker {

struct LoginThrottleLimits {
    std::uint32_t refused_logins = 200;  ///< of one address within `window`; 0: no throttle
    Duration window = std::chrono::seconds(60);
    Duration longest_block = std::chrono::seconds(60);
};

/// @thread any: one short mutex, taken once a CONNECT at most
class LoginThrottle {
  public:
    explicit LoginThrottle(const HashSeed& seed) : addresses_(0, AddressHash{seed}) {}

    bool may_login(const AddressKey& address, MonoTime now);
    /// A login from there was refused (not: failed, which is the broker's own trouble).
    void refused(const AddressKey& address, MonoTime now, const LoginThrottleLimits& limits);
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

    /// Addresses remembered; the one that began first is forgotten for a new one.
    static constexpr std::size_t kAddresses = 65'536;
    static constexpr Duration kFirstBlock = std::chrono::seconds(1);

  private:
    struct History {
        MonoTime window_end{};
        MonoTime blocked_until{};
        std::uint32_t refusals = 0;
        std::uint32_t blocks = 0;
    };

    std::mutex mutex_;  ///< guards all below
    std::unordered_map<AddressKey, History, AddressHash> addresses_;
    std::deque<AddressKey> order_;      ///< by first refusal
    std::atomic<std::size_t> size_{0};  ///< read without the mutex: nobody was refused, nobody is asked
};

}  // namespace latchkey::broker
