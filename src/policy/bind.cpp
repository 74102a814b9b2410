// bind: collects, sorts, substitutes, and lays the rules out for decide. See bind.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/bind.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <tuple>
#include <utility>

#include "topic/name.h"

namespace latchkey::policy {
namespace {

HotRule lay_out(const Rule& rule, std::string_view filter) {
    HotRule hot;
    hot.scalars = scalars_of(rule);
    hot.text = filter.data();
    hot.size = static_cast<std::uint16_t>(filter.size());
    hot.effect = rule.effect;
    hot.one_group = rule.share.kind == ShareKind::Group;
    const std::size_t wildcard = std::min(filter.find_first_of("+#"), filter.size());
    std::size_t literal = wildcard;
    if (wildcard == filter.size()) {
        hot.kind = HotRule::Kind::Exact;
    } else if (wildcard > 0 && filter[wildcard] == '#') {
        hot.kind = HotRule::Kind::Below;
        literal = wildcard - 1;  // `a/#` holds `a`
    }
    hot.literal = static_cast<std::uint16_t>(literal);
    constexpr std::size_t kProbe = sizeof hot.probe;
    const std::size_t probed = std::min(literal, kProbe);
    std::memcpy(&hot.probe, filter.data() + literal - probed, probed);
    // Of an exact filter the padding counts too: a longer topic differs there.
    std::memset(&hot.probe_mask, 0xFF, hot.kind == HotRule::Kind::Exact ? kProbe : probed);
    return hot;
}

/// Names and kinds decide before the realm does: an operator sees names.
auto order_key(const BoundRule& r) {
    return std::make_tuple(-static_cast<std::int64_t>(r.rule->priority), r.rule->effect,
                           std::string_view(r.block->ref.name), r.block->ref.kind,
                           std::string_view(r.block->ref.realm), r.rule - r.block->rules.data());
}

RuleList compile(const Policy& policy, std::span<const BlockRef> refs, const AuthorityData& data,
                 std::deque<std::string>& filters) {
    RuleList list;
    std::vector<const Block*> seen;
    std::vector<BoundRule> rules;
    for (const BlockRef& ref : refs) {
        const Block* block = policy.find(ref);
        if (block == nullptr || std::find(seen.begin(), seen.end(), block) != seen.end()) continue;
        seen.push_back(block);
        for (const Rule& rule : block->rules)
            rules.push_back({&rule, block});
    }
    std::sort(rules.begin(), rules.end(),
              [](const BoundRule& a, const BoundRule& b) { return order_key(a) < order_key(b); });
    list.hot.reserve(rules.size());
    list.bound.reserve(rules.size());
    for (const BoundRule& bound : rules) {
        const Rule& rule = *bound.rule;
        if (!rule.topic.has_variables()) {
            list.hot.push_back(lay_out(rule, rule.topic.text()));
            list.bound.push_back(bound);
            continue;
        }
        Template::Expansion expansion = rule.topic.expand(rule.effect, data.values);
        for (std::string& filter : expansion.filters) {
            filters.push_back(std::move(filter));
            list.hot.push_back(lay_out(rule, filters.back()));
            list.bound.push_back(bound);
        }
        if (rule.effect == Effect::Allow && !expansion.unusable.empty()) {
            list.voided.push_back({bound.rule, bound.block, std::move(expansion.unusable)});
        }
    }
    return list;
}

std::shared_ptr<const Rights> compile_rights(const PolicyRef& policy, const AuthorityData& data) {
    auto rights = std::make_shared<Rights>();
    rights->policy = policy;
    rights->own = compile(*policy, data.blocks, data, rights->filters);
    for (const Ceiling& ceiling : data.ceilings) {
        rights->ceilings.push_back(compile(*policy, ceiling.blocks, data, rights->filters));
        rights->ceilings.back().name = ceiling.name;
    }
    return rights;
}

class KeyWriter {
  public:
    void number(std::size_t v) {
        const auto n = static_cast<std::uint32_t>(v);
        out_.append(reinterpret_cast<const char*>(&n), sizeof n);
    }
    void text(std::string_view v) {
        number(v.size());
        out_ += v;
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

/// Everything compile_rights reads, and nothing else.
std::string sharing_key(const Policy& policy, const AuthorityData& data) {
    KeyWriter key;
    std::vector<std::string_view> used;
    const auto add_blocks = [&](const std::vector<BlockRef>& refs) {
        key.number(refs.size());
        for (const BlockRef& ref : refs) {
            const Block* block = policy.find(ref);
            key.number(block == nullptr ? 0xFFFF'FFFF
                                        : static_cast<std::size_t>(block - policy.blocks().data()));
            if (block != nullptr) used.insert(used.end(), block->variables.begin(), block->variables.end());
        }
    };
    add_blocks(data.blocks);
    for (const Ceiling& ceiling : data.ceilings) {
        key.text(ceiling.name);
        add_blocks(ceiling.blocks);
    }
    for (const TemplateValue& value : data.values) {
        if (std::find(used.begin(), used.end(), value.name) == used.end()) continue;
        key.text(value.name);
        key.number(value.proven ? 1 : 0);
        key.number(value.values.size());
        for (const std::string& element : value.values)
            key.text(element);
    }
    return key.take();
}

}  // namespace

Program bind(const PolicyRef& policy, const AuthorityRef& authority) {
    if (!authority) return {};
    return {authority, compile_rights(policy, authority->data())};
}

Program Binder::bind(const PolicyRef& policy, const AuthorityRef& authority) {
    if (!authority) return {};
    if (policy != policy_) {
        shared_.clear();
        policy_ = policy;
    }
    std::string key = sharing_key(*policy, authority->data());
    if (const auto known = shared_.find(key); known != shared_.end()) return {authority, known->second};
    if (shared_.size() >= sweep_at_) drop_unused();
    auto rights = compile_rights(policy, authority->data());
    shared_.emplace(std::move(key), rights);
    return {authority, std::move(rights)};
}

void Binder::drop_unused() {
    std::erase_if(shared_, [](const auto& entry) { return entry.second.use_count() == 1; });
    sweep_at_ = std::max<std::size_t>(1'024, shared_.size() * 2);
}

}  // namespace latchkey::policy
