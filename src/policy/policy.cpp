// Policies: what the builder refuses, and lookup. See policy.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "policy/errors.h"
#include "topic/name.h"

namespace latchkey::policy {
namespace {

constexpr Mask kSubscriberActs = acts_of(Act::Subscribe, Act::Receive);

/// An empty dimension that one of the rule's acts looks at.
bool dead(const Rule& rule) {
    constexpr Mask kAllActs = acts_of(Act::Publish, Act::Subscribe, Act::Unsubscribe, Act::Receive);
    if ((rule.acts & kAllActs) == 0 || rule.topic.text().empty()) return true;
    if ((rule.acts & bit(Act::Publish)) != 0 &&
        ((rule.qos & kAnyQos) == 0 || (rule.retain & kEither) == 0 || (rule.via & kEither) == 0)) {
        return true;
    }
    if ((rule.acts & kSubscriberActs) != 0 &&
        ((rule.qos & kAnyQos) == 0 || (!rule.share.plain && rule.share.kind == ShareKind::None))) {
        return true;
    }
    return (rule.acts & ~bit(Act::Publish)) != 0 && (rule.wild & kEither) == 0;
}

}  // namespace

std::string_view name(BlockKind kind) noexcept {
    switch (kind) {
        case BlockKind::Role:
            return "role";
        case BlockKind::User:
            return "user";
        case BlockKind::Group:
            return "group";
        case BlockKind::Everyone:
            return "everyone";
        case BlockKind::Default:
            return "default";
    }
    return "?";
}

std::string describe(const BlockRef& ref) {
    std::string out(name(ref.kind));
    if (!ref.name.empty()) out += ' ' + ref.name;
    return out;
}

const Block* Policy::find(const BlockRef& ref) const {
    const auto at = index_.find(ref);
    return at == index_.end() ? nullptr : &blocks_[at->second];
}

Block& PolicyBuilder::block(BlockRef ref) {
    const auto [at, fresh] = draft_.index_.emplace(ref, draft_.blocks_.size());
    if (fresh) draft_.blocks_.push_back({std::move(ref), {}, {}});
    return draft_.blocks_[at->second];
}

void PolicyBuilder::add(BlockRef ref) {
    block(std::move(ref));
}

Result<void> PolicyBuilder::add(BlockRef ref, Rule rule) {
    if (draft_.rule_count_ >= kMaxRules) return fail(kTooManyRules, std::to_string(kMaxRules));
    if (rule.rel != Rel::Cover || rule.share.kind == ShareKind::Raw) return fail(kNotInSetMode, where(rule));
    if (dead(rule)) return fail(kDeadRule, where(rule));
    if (rule.share.kind == ShareKind::Group &&
        (rule.share.group.empty() || rule.share.group.find('/') != std::string::npos ||
         topic::has_wildcard(rule.share.group))) {
        return fail(kBadGroup, rule.share.group);
    }
    if ((rule.acts & kSubscriberActs) != 0) rule.acts |= kSubscriberActs;
    Block& home = block(std::move(ref));
    for (const std::string& variable : rule.topic.variables()) {
        const auto at = std::lower_bound(home.variables.begin(), home.variables.end(), variable);
        if (at == home.variables.end() || *at != variable) home.variables.insert(at, variable);
    }
    home.rules.push_back(std::move(rule));
    ++draft_.rule_count_;
    return {};
}

Result<PolicyRef> PolicyBuilder::build(PolicyVersion version) {
    std::unordered_set<std::string> ids;
    for (Block& block : draft_.blocks_) {
        for (const Rule& rule : block.rules) {
            if (!rule.id.empty() && !ids.insert(rule.id).second) return fail(kDuplicateRule, rule.id);
        }
    }
    for (Block& block : draft_.blocks_) {
        const std::string stem =
            block.ref.realm + '/' + std::string(name(block.ref.kind)) + '/' + block.ref.name + '/';
        std::size_t number = 0;
        for (Rule& rule : block.rules) {
            ++number;
            if (!rule.id.empty()) continue;
            rule.id = stem + std::to_string(number);
            for (std::size_t again = 2; !ids.insert(rule.id).second; ++again) {
                rule.id = stem + std::to_string(number) + '.' + std::to_string(again);
            }
        }
    }
    auto policy = std::make_shared<Policy>(std::exchange(draft_, Policy{}));
    policy->version_ = version;
    return policy;
}

}  // namespace latchkey::policy
