// See login_throttle.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/login_throttle.h"

#include <algorithm>

namespace latchkey::broker {

bool LoginThrottle::may_login(const AddressKey& address, MonoTime now) {
    if (size() == 0) return true;
    const std::lock_guard lock(mutex_);
    const auto found = addresses_.find(address);
    return found == addresses_.end() || found->second.blocked_until <= now;
}

void LoginThrottle::refused(const AddressKey& address, MonoTime now, const LoginThrottleLimits& limits) {
    if (limits.refused_logins == 0) return;
    const std::lock_guard lock(mutex_);
    auto found = addresses_.find(address);
    if (found == addresses_.end()) {
        if (addresses_.size() >= kAddresses) {
            addresses_.erase(order_.front());
            order_.pop_front();
        }
        found = addresses_.emplace(address, History{}).first;
        order_.push_back(address);
        size_.store(addresses_.size(), std::memory_order_relaxed);
    }
    History& history = found->second;
    if (now >= history.window_end) history = {.window_end = now + limits.window};
    if (++history.refusals <= limits.refused_logins) return;
    // After a block each further refusal blocks again, for twice as long, until the address was quiet for a
    // window.
    const Duration block = kFirstBlock * (std::int64_t{1} << std::min(history.blocks, 20U));
    ++history.blocks;
    history.blocked_until = now + std::min(block, limits.longest_block);
    history.window_end = history.blocked_until + limits.window;
}

}  // namespace latchkey::broker
