// Traces and near misses. See explain.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include <algorithm>

#include "policy/scalars.h"
#include "topic/filter.h"
#include "topic/name.h"

namespace latchkey::policy {
namespace {

bool topic_fits(std::string_view filter, const Request& request) {
    return request.act == Act::Subscribe ? topic::contains(filter, request.topic)
                                         : topic::matches(filter, request.topic);
}

std::size_t common_levels(std::string_view filter, std::string_view requested) {
    topic::Levels f(filter);
    topic::Levels r(requested);
    std::size_t n = 0;
    for (; !f.done() && !r.done() && f.level() == r.level(); f.next(), r.next())
        ++n;
    return n;
}

std::size_t common_bytes(std::string_view a, std::string_view b) {
    const auto [end, other] = std::mismatch(
        a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
    return static_cast<std::size_t>(end - a.begin());
}

/// A rule of the identity that names the topic, but not these scalars.
std::optional<NearMiss> other_scalars(const RuleList& list, const Request& request) {
    for (std::size_t i = 0; i < list.hot.size(); ++i) {
        const BoundRule& bound = list.bound[i];
        if (bound.rule->effect != Effect::Allow || !topic_fits(list.hot[i].filter(), request)) continue;
        const Miss miss = scalar_miss(*bound.rule, request);
        if (miss == Miss::Matched || miss == Miss::Act) continue;
        return NearMiss{NearMiss::Kind::Scalar, bound.rule, bound.block, miss,
                        std::string(list.hot[i].filter())};
    }
    return std::nullopt;
}

/// A rule of the identity that a better value of its placeholder would open.
std::optional<NearMiss> better_value(const RuleList& list, const Request& request) {
    for (const VoidRule& voided : list.voided) {
        if (scalar_miss(*voided.rule, request) != Miss::Matched) continue;
        for (const std::string& widest : voided.rule->topic.expand(Effect::Deny, {}).filters) {
            if (!topic_fits(widest, request)) continue;
            return NearMiss{NearMiss::Kind::Unusable, voided.rule, voided.block, Miss::Unusable,
                            voided.variable};
        }
    }
    return std::nullopt;
}

std::optional<NearMiss> other_block(const Program& program, const Request& request) {
    std::size_t left = kNearestScan;
    for (const Block& block : program.rights()->policy->blocks()) {
        for (const Rule& rule : block.rules) {
            if (left-- == 0) return std::nullopt;
            if (rule.effect != Effect::Allow || scalar_miss(rule, request) != Miss::Matched) continue;
            for (const std::string& filter :
                 rule.topic.expand(rule.effect, program.authority()->data().values).filters) {
                if (topic_fits(filter, request)) {
                    return NearMiss{NearMiss::Kind::OtherBlock, &rule, &block, Miss::Matched, filter};
                }
            }
        }
    }
    return std::nullopt;
}

std::optional<NearMiss> closest_filter(const RuleList& list, const Request& request) {
    std::optional<NearMiss> best;
    std::pair<std::size_t, std::size_t> best_score{0, 0};
    for (std::size_t i = 0; i < list.hot.size(); ++i) {
        const BoundRule& bound = list.bound[i];
        if (bound.rule->effect != Effect::Allow || scalar_miss(*bound.rule, request) == Miss::Act) continue;
        const std::string_view filter = list.hot[i].filter();
        const std::pair score{common_levels(filter, request.topic), common_bytes(filter, request.topic)};
        if (best && score <= best_score) continue;
        best_score = score;
        best = NearMiss{NearMiss::Kind::Filter, bound.rule, bound.block, Miss::Topic, std::string(filter)};
    }
    return best;
}

std::string list_qos(Mask qos) {
    std::string out;
    for (unsigned i = 0; i < 3; ++i) {
        if ((qos >> i & 1U) == 0) continue;
        if (!out.empty()) out += ", ";
        out += std::to_string(i);
    }
    return out;
}

/// What the rule insists on where the request missed it.
std::string demand(const Rule& rule, Miss miss) {
    switch (miss) {
        case Miss::Matched:
            return "nothing else";
        case Miss::Act:
            return "another activity";
        case Miss::Qos:
            return "QoS " + list_qos(rule.qos);
        case Miss::Retain:
            return rule.retain == kYes ? "retained messages" : "messages that are not retained";
        case Miss::Via:
            return rule.via == bit(Via::Will) ? "wills" : "messages of a connected client";
        case Miss::Wild:
            return rule.wild == kYes ? "filters with wildcards" : "filters without wildcards";
        case Miss::Share:
            return rule.share.plain ? "subscriptions without a share group" : "shared subscriptions";
        case Miss::Group:
            return "share group " + rule.share.group;
        case Miss::Topic:
            return "another topic";
        case Miss::Part:
            return "a part of the filter";
        case Miss::Unusable:
            return "a usable value";
    }
    return {};
}

}  // namespace

void TraceSink::list(const RuleList& list) {
    list_ = list.name;
}

void TraceSink::considered(const Rule& rule, const Block& block, std::string_view filter, Miss miss,
                           std::size_t level) {
    if (steps_.size() >= kMaxSteps) {
        cut_ = true;
        return;
    }
    steps_.push_back({list_, &rule, &block, std::string(filter), miss, level});
}

void TraceSink::uncovered(std::string_view topic) {
    uncovered_ = topic;
}

std::string describe(const TraceStep& step) {
    switch (step.miss) {
        case Miss::Matched:
            return "matches";
        case Miss::Topic:
            return "topic differs at level " + std::to_string(step.level) + " of " + step.filter;
        case Miss::Part:
            return "holds only a part of the filter, see level " + std::to_string(step.level) + " of " +
                   step.filter;
        case Miss::Unusable:
            return "void: ${" + step.filter + "} has no usable value";
        case Miss::Act:
        case Miss::Qos:
        case Miss::Retain:
        case Miss::Via:
        case Miss::Wild:
        case Miss::Share:
        case Miss::Group:
            return "is only for " + demand(*step.rule, step.miss);
    }
    return {};
}

std::optional<NearMiss> nearest_allow(const Program& program, const Request& request) {
    if (program.rights() == nullptr) return std::nullopt;
    const Decision decision = decide(program, request);
    if (decision.allowed() || decision.reason == Reason::House || decision.reason == Reason::Revoked) {
        return std::nullopt;
    }
    const RuleList& list = decision.ceiling != nullptr ? *decision.ceiling : program.rights()->own;
    if (auto found = other_scalars(list, request)) return found;
    if (auto found = better_value(list, request)) return found;
    if (decision.ceiling == nullptr && decision.reason == Reason::NoMatch) {
        if (auto found = other_block(program, request)) return found;
    }
    return closest_filter(list, request);
}

std::string describe(const NearMiss& near) {
    std::string out = describe(near.block->ref) + ": " + describe(*near.rule);
    switch (near.kind) {
        case NearMiss::Kind::Scalar:
            return out + ", but only for " + demand(*near.rule, near.miss);
        case NearMiss::Kind::Unusable:
            return out + ", but ${" + near.filter + "} has no usable value here";
        case NearMiss::Kind::OtherBlock:
            return out + ", which this client does not hold";
        case NearMiss::Kind::Filter:
            return out + ", but not this topic";
    }
    return out;
}

}  // namespace latchkey::policy
