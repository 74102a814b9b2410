// See route_cache.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/route_cache.h"

namespace latchkey::broker {

Route& RouteCache::slot(std::string_view topic, std::uint64_t authority) {
    if (topic.size() > kMaxTopic) return uncached_;
    if (!entries_) entries_ = std::make_unique<Route[]>(kEntries);
    return entries_[(sip_hash(seed_, topic) ^ (authority * 0x9E3779B97F4A7C15ULL)) % kEntries];
}

Reach RouteCache::reach(std::string_view topic, std::uint64_t authority) {
    const Route& route = slot(topic, authority);
    const bool fresh = route.authority == authority && authority != 0 && route.topic == topic &&
                       route.generation == interest_.generation(route.counter);
    return fresh ? route.reach : interest_.walk(topic);
}

const Route& RouteCache::find(std::string_view topic, const policy::Program& program) {
    const std::uint64_t authority = program.authority() ? program.authority()->number() : 0;
    Route& route = slot(topic, authority);
    const bool same = route.authority == authority && authority != 0 && route.topic == topic;
    if (!same) {
        route.topic.assign(topic);
        route.authority = authority;
        route.counter = interest_.counter_of(topic);
        walk(route);
    } else if (route.generation != interest_.generation(route.counter)) {
        walk(route);
    }
    if (!same || route.policy_version != program.policy_version() ||
        route.authority_version != program.authority_version()) {
        route.allowed = policy::publish_mask(program, topic);
        route.policy_version = program.policy_version();
        route.authority_version = program.authority_version();
    }
    return route;
}

void RouteCache::walk(Route& route) {
    // The generations are read before the walk and kept: a filter added in between makes the route stale.
    route.generation = interest_.generation(route.counter);
    route.reach = interest_.walk(route.topic);
}

}  // namespace latchkey::broker
