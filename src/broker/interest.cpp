// See interest.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/interest.h"

#include "topic/name.h"

namespace latchkey::broker {

namespace {

std::string_view first_two_levels(std::string_view topic) noexcept {
    const std::size_t first = topic.find('/');
    if (first == std::string_view::npos) return topic;
    return topic.substr(0, topic.find('/', first + 1));
}

}  // namespace

std::uint16_t Interest::counter_of(std::string_view topic) const noexcept {
    return static_cast<std::uint16_t>(sip_hash(seed_, first_two_levels(topic)) % kCounters);
}

Reach Interest::walk(std::string_view topic) {
    Reach reach;
    const std::lock_guard lock(mutex_);
    filters_.match(topic, [&](const Reach& one) {
        reach.any |= one.any;
        reach.durable |= one.durable;
    });
    return reach;
}

void Interest::set(std::uint32_t shard, std::string_view filter, bool any, bool durable) {
    const std::uint64_t bit = std::uint64_t{1} << shard;
    {
        const std::lock_guard lock(mutex_);
        if (!any) {
            Reach* reach = filters_.find(filter);
            if (reach == nullptr) return;
            reach->any &= ~bit;
            reach->durable &= ~bit;
            if (reach->any == 0) filters_.erase(filter);
            return;  // a route that is still cached is a superset: harmless
        }
        Reach* reach = filters_.find_or_insert(filter);
        if (reach == nullptr) return;  // deeper than any topic may be: it matches nothing
        reach->any |= bit;
        reach->durable = durable ? reach->durable | bit : reach->durable & ~bit;
    }
    const std::string_view head = first_two_levels(filter);
    if (topic::has_wildcard(head)) {
        global_.fetch_add(1);
    } else {
        counters_[counter_of(filter)].fetch_add(1);
    }
}

}  // namespace latchkey::broker
