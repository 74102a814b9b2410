// See quotas.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/quotas.h"

#include <algorithm>
#include <utility>

#include "broker/session.h"

namespace latchkey::broker {

std::string quota_key(const policy::Principal& principal) {
    return session_key(principal, {});
}

bool Quotas::may_begin(const std::string& principal, bool replaces, const QuotaLimits& limits) {
    const std::lock_guard lock(mutex_);
    const std::size_t given_back = replaces ? 1 : 0;
    const auto found = principals_.find(principal);
    const std::size_t mine = found == principals_.end() ? 0 : found->second;
    return sessions_ < limits.sessions + given_back && mine < limits.sessions_per_principal + given_back;
}

void Quotas::session_began(Session& session, std::string principal) {
    session.quota_key = std::move(principal);
    const std::lock_guard lock(mutex_);
    ++sessions_;
    ++principals_[session.quota_key];
}

void Quotas::session_ended(Session& session) {
    session_online(session);  // whatever was counted as waiting is gone
    if (session.quota_key.empty()) return;
    const std::lock_guard lock(mutex_);
    --sessions_;
    const auto found = principals_.find(session.quota_key);
    if (found != principals_.end() && --found->second == 0) principals_.erase(found);
}

void Quotas::session_offline(Session& session) {
    session_online(session);  // also to count again
    offline_bytes_.fetch_add(session.waiting_bytes, std::memory_order_relaxed);
    offline_messages_.fetch_add(session.waiting.size(), std::memory_order_relaxed);
    session.offline_bytes = session.waiting_bytes;
    session.offline_messages = session.waiting.size();
}

void Quotas::session_online(Session& session) {
    offline_bytes_.fetch_sub(std::exchange(session.offline_bytes, 0), std::memory_order_relaxed);
    offline_messages_.fetch_sub(std::exchange(session.offline_messages, 0), std::memory_order_relaxed);
}

void Quotas::queued_offline(Session& session, std::size_t bytes) {
    offline_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    offline_messages_.fetch_add(1, std::memory_order_relaxed);
    session.offline_bytes += bytes;
    ++session.offline_messages;
}

void Quotas::retained_changed(std::size_t before, std::size_t after) noexcept {
    if (before != 0) {
        retained_messages_.fetch_sub(1, std::memory_order_relaxed);
        retained_bytes_.fetch_sub(before, std::memory_order_relaxed);
    }
    if (after == 0) return;
    retained_messages_.fetch_add(1, std::memory_order_relaxed);
    retained_bytes_.fetch_add(after, std::memory_order_relaxed);
}

}  // namespace latchkey::broker
