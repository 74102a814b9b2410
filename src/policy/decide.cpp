// decide: one walk over the bound rules; tracing listens to the same walk. See decide.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.h"

#include <cstring>
#include <vector>

#include "policy/scalars.h"
#include "topic/covered.h"
#include "topic/filter.h"
#include "topic/name.h"

namespace latchkey::policy {
namespace {

bool has_bit(Mask mask, unsigned i) noexcept {
    return (mask >> i & 1U) != 0;
}

constexpr std::size_t kProbe = sizeof(HotRule::probe);

/// A topic with its first bytes in a register.
struct Subject {
    explicit Subject(std::string_view name) noexcept : topic(name) {
        if (name.size() >= sizeof head) {
            std::memcpy(&head, name.data(), sizeof head);
        } else {
            std::memcpy(&head, name.data(), name.size());
        }
    }
    std::string_view topic;
    std::uint64_t head = 0;
};

/// The literal part before the 8 bytes that the quick test has compared.
bool same_start(const HotRule& rule, std::string_view topic) noexcept {
    return rule.literal <= kProbe || std::memcmp(rule.text, topic.data(), rule.literal - kProbe) == 0;
}

bool holds(const HotRule& rule, const Subject& subject) noexcept {
    const std::string_view topic = subject.topic;
    // The last bytes of a literal part tell rules apart best: rules of one site begin alike.
    if (rule.literal < kProbe) {
        if ((subject.head & rule.probe_mask) != rule.probe) return false;
    } else {
        if (topic.size() < rule.literal) return false;
        std::uint64_t bytes;
        std::memcpy(&bytes, topic.data() + rule.literal - kProbe, kProbe);
        if (bytes != rule.probe) return false;
    }
    switch (rule.kind) {
        case HotRule::Kind::Exact:
            return topic.size() == rule.size && same_start(rule, topic);
        case HotRule::Kind::Below:
            return topic.size() >= rule.literal &&
                   (topic.size() == rule.literal || topic[rule.literal] == '/') && same_start(rule, topic);
        case HotRule::Kind::General:
            if (rule.literal == 0) return topic::matches(rule.filter(), topic);
            return topic.size() >= rule.literal && same_start(rule, topic) &&
                   topic::matches_below(rule.filter().substr(rule.literal), topic.substr(rule.literal));
    }
    return false;
}

/// The request as one of the scalar combinations.
struct Point {
    ScalarSet scalar;
    const std::string_view* group;  ///< nullptr: no share is asked for
};

bool group_fits(const HotRule& hot, const BoundRule& bound, const Point& point) noexcept {
    return !hot.one_group || point.group == nullptr || *point.group == bound.rule->share.group;
}

Point point_of(const Request& request) noexcept {
    const unsigned shared = request.group ? 1 : 0;
    const std::string_view* group = request.group ? &*request.group : nullptr;
    if (request.act == Act::Publish) {
        return {publish_scalar(request.qos, request.retain ? 1 : 0, request.via == Via::Will ? 1 : 0),
                nullptr};
    }
    const bool asked_wild = request.act == Act::Receive ? request.wild : topic::has_wildcard(request.topic);
    const unsigned wild = asked_wild ? 1 : 0;
    switch (request.act) {
        case Act::Publish:
            break;
        case Act::Subscribe:
            return {subscribe_scalar(request.qos, wild, shared), group};
        case Act::Receive:
            return {receive_scalar(request.qos, wild, shared), group};
        case Act::Unsubscribe:
            return {unsubscribe_scalar(wild), nullptr};
    }
    return {0, nullptr};
}

/// The level, counted from 1, at which a topic or filter leaves the rule's filter.
std::size_t parting_level(std::string_view filter, std::string_view requested) noexcept {
    topic::Levels f(filter);
    topic::Levels r(requested);
    std::size_t level = 1;
    for (; !f.done() && !r.done(); f.next(), r.next(), ++level) {
        const bool dollar = level == 1 && topic::is_dollar(r.level());
        const bool wildcard = f.level() == "+" || f.level() == "#";
        if (wildcard ? dollar : f.level() != r.level()) return level;
        if (f.level() == "#") return level;
        if (f.level() == "+" && r.level() == "#") return level;
    }
    return level;
}

void tell(Sink& sink, const RuleList& list, std::size_t i, const Request& request, Miss topic_miss) {
    const BoundRule& bound = list.bound[i];
    const std::string_view filter = list.hot[i].filter();
    Miss miss = scalar_miss(*bound.rule, request);
    if (miss == Miss::Matched) miss = topic_miss;
    const bool topical = miss == Miss::Topic || miss == Miss::Part;
    sink.considered(*bound.rule, *bound.block, filter, miss,
                    topical ? parting_level(filter, request.topic) : 0);
}

constexpr std::size_t kNoRule = static_cast<std::size_t>(-1);

struct Finding {
    bool allowed = false;
    bool over_budget = false;
    std::size_t rule = kNoRule;
};

/// First match for one topic.
Finding judge_topic(const RuleList& list, const Request& request, const Point& point, Sink* sink) {
    const Subject subject(request.topic);
    for (std::size_t i = 0; i < list.hot.size(); ++i) {
        const HotRule& hot = list.hot[i];
        if ((hot.scalars & point.scalar) == 0 || !holds(hot, subject) ||
            !group_fits(hot, list.bound[i], point)) {
            if (sink != nullptr) tell(*sink, list, i, request, Miss::Topic);
            continue;
        }
        if (sink != nullptr) tell(*sink, list, i, request, Miss::Matched);
        return {hot.effect == Effect::Allow, false, i};
    }
    return {};
}

/// Set mode: every topic of the filter must be allowed by the rules whose scalars match.
Finding judge_filter(const RuleList& list, const Request& request, const Point& point, Sink* sink) {
    std::vector<topic::EffectFilter> filters;
    std::vector<std::size_t> origin;
    for (std::size_t i = 0; i < list.hot.size(); ++i) {
        const HotRule& hot = list.hot[i];
        const bool speaks = (hot.scalars & point.scalar) != 0 && group_fits(hot, list.bound[i], point);
        if (speaks) {
            filters.push_back({hot.effect == Effect::Allow, hot.filter()});
            origin.push_back(i);
        }
        if (sink == nullptr) continue;
        const Miss miss = topic::contains(hot.filter(), request.topic)     ? Miss::Matched
                          : topic::intersects(hot.filter(), request.topic) ? Miss::Part
                                                                           : Miss::Topic;
        tell(*sink, list, i, request, miss);
    }
    const topic::Coverage coverage = topic::covered(request.topic, filters);
    Finding out{coverage.covered, coverage.over_budget, kNoRule};
    if (coverage.over_budget) return out;
    if (coverage.covered) {
        for (std::size_t i = 0; i < filters.size() && out.rule == kNoRule; ++i) {
            if (filters[i].allow && topic::contains(filters[i].filter, request.topic)) out.rule = origin[i];
        }
        for (std::size_t i = 0; i < filters.size() && out.rule == kNoRule; ++i) {  // several together
            if (filters[i].allow && topic::intersects(filters[i].filter, request.topic)) out.rule = origin[i];
        }
        return out;
    }
    const auto example = topic::witness(request.topic, filters);
    if (!example) return out;
    if (sink != nullptr) sink->uncovered(*example);
    for (std::size_t i = 0; i < filters.size() && out.rule == kNoRule; ++i) {
        if (topic::matches(filters[i].filter, *example)) out.rule = origin[i];
    }
    return out;
}

Finding judge(const RuleList& list, const Request& request, const Point& point, Sink* sink) {
    if (sink != nullptr) {
        sink->list(list);
        for (const VoidRule& voided : list.voided) {
            sink->considered(*voided.rule, *voided.block, voided.variable, Miss::Unusable, 0);
        }
    }
    // A filter without wildcard is a set of one topic: first match and covering agree.
    const bool set = request.act == Act::Subscribe && topic::has_wildcard(request.topic);
    return set ? judge_filter(list, request, point, sink) : judge_topic(list, request, point, sink);
}

HouseRule broken_house_rule(const Request& request) noexcept {
    if (request.qos > 2) return HouseRule::BadQos;
    if (!topic::is_dollar(request.topic)) return HouseRule::None;
    const std::string_view first = topic::first_level(request.topic);
    if (request.act == Act::Publish) {
        if (first == "$SYS") return HouseRule::PublishSys;
        if (first == "$share") return HouseRule::PublishShare;
        if (request.via == Via::Will) return HouseRule::DollarWill;
        return HouseRule::None;
    }
    return request.act == Act::Subscribe && request.topic.starts_with("$share/") ? HouseRule::NestedShare
                                                                                 : HouseRule::None;
}

/// The scalar bits 0 to 5 that a list allows for a topic.
PublishMask mask_of(const RuleList& list, const Subject& subject) noexcept {
    ScalarSet open = 0x3F;
    ScalarSet allowed = 0;
    for (const HotRule& hot : list.hot) {
        if ((hot.scalars & open) == 0 || !holds(hot, subject)) continue;
        if (hot.effect == Effect::Allow) allowed |= hot.scalars & open;
        open &= ~hot.scalars;
        if (open == 0) break;
    }
    return static_cast<PublishMask>(allowed);
}

}  // namespace

bool has(Mask mask, unsigned i) noexcept {
    return (mask >> i & 1U) != 0;
}

Miss scalar_miss(const Rule& rule, const Request& request) noexcept {
    if ((rule.acts & bit(request.act)) == 0) return Miss::Act;
    if (request.act != Act::Unsubscribe && !has_bit(rule.qos, request.qos)) return Miss::Qos;
    if (request.act == Act::Publish) {
        if (!has_bit(rule.retain, request.retain ? 1 : 0)) return Miss::Retain;
        return (rule.via & bit(request.via)) == 0 ? Miss::Via : Miss::Matched;
    }
    const bool wild = request.act == Act::Receive ? request.wild : topic::has_wildcard(request.topic);
    if (!has_bit(rule.wild, wild ? 1 : 0)) return Miss::Wild;
    if (request.act == Act::Unsubscribe) return Miss::Matched;
    if (!request.group) return rule.share.plain ? Miss::Matched : Miss::Share;
    if (rule.share.kind == ShareKind::None) return Miss::Share;
    return rule.share.kind == ShareKind::Group && rule.share.group != *request.group ? Miss::Group
                                                                                     : Miss::Matched;
}

Decision decide(const Program& program, const Request& request, Sink* sink) {
    Decision out;
    out.policy_version = program.policy_version();
    out.authority_version = program.authority_version();
    const Authority* authority = program.authority().get();
    if (authority == nullptr || program.rights() == nullptr) return out;
    const auto because = [&](Effect effect, Reason reason) {
        out.effect = effect;
        out.reason = reason;
        return out;
    };
    if (authority->revoked()) return because(Effect::Deny, Reason::Revoked);
    if (authority->is_broker()) return because(Effect::Allow, Reason::Broker);
    out.house = broken_house_rule(request);
    if (out.house != HouseRule::None) return because(Effect::Deny, Reason::House);
    if (request.act == Act::Unsubscribe) return because(Effect::Allow, Reason::Unasked);

    const Rights& rights = *program.rights();
    const Point point = point_of(request);
    const auto adopt = [&](const RuleList& list, const Finding& finding) {
        out.rule = finding.rule == kNoRule ? nullptr : list.bound[finding.rule].rule;
        out.block = finding.rule == kNoRule ? nullptr : list.bound[finding.rule].block;
    };
    const Finding own = judge(rights.own, request, point, sink);
    adopt(rights.own, own);
    if (own.over_budget) return because(Effect::Deny, Reason::Budget);
    if (!own.allowed) return because(Effect::Deny, out.rule == nullptr ? Reason::NoMatch : Reason::Rule);
    for (const RuleList& ceiling : rights.ceilings) {
        const Finding finding = judge(ceiling, request, point, sink);
        if (finding.allowed) continue;
        adopt(ceiling, finding);
        out.ceiling = &ceiling;
        return because(Effect::Deny, finding.over_budget ? Reason::Budget : Reason::Ceiling);
    }
    return because(Effect::Allow, Reason::Rule);
}

PublishMask publish_mask(const Program& program, std::string_view topic) {
    constexpr PublishMask kAll = 0x3F;
    const Authority* authority = program.authority().get();
    if (authority == nullptr || program.rights() == nullptr || authority->revoked()) return 0;
    if (authority->is_broker()) return kAll;
    Request request;
    request.topic = topic;
    if (broken_house_rule(request) != HouseRule::None) return 0;
    const Subject subject(topic);
    PublishMask mask = mask_of(program.rights()->own, subject);
    for (const RuleList& ceiling : program.rights()->ceilings) {
        if (mask == 0) break;
        mask &= mask_of(ceiling, subject);
    }
    return mask;
}

}  // namespace latchkey::policy
