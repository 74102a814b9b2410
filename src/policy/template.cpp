// Templates: parsing with positions, and substitution that closes when a value is unusable. See template.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/template.h"

#include <algorithm>

#include "policy/errors.h"
#include "topic/name.h"

namespace latchkey::policy {
namespace {

const std::string kAbsent;  // stands for the value of a variable that has none

bool names(const Variable& variable, std::string_view name) {
    if (!variable.prefix) return variable.name == name;
    if (!name.starts_with(variable.name) || name.size() == variable.name.size()) return false;
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", variable.name.size()) ==
           std::string_view::npos;
}

/// What an expression like `${x}` stands for when only the shape of the filter matters.
constexpr std::string_view kSample = "x";

std::unexpected<TemplateFault> fault(const ErrorInfo& info, std::size_t offset,
                                     std::string_view detail = {}) {
    return std::unexpected(TemplateFault{Error(info, detail), offset});
}

bool holds_wildcard_or_nul(std::string_view value) {
    return value.find_first_of(std::string_view("+#\0", 3)) != std::string_view::npos;
}

}  // namespace

std::expected<Template, TemplateFault> Template::literal(std::string_view filter) {
    if (auto valid = topic::validate_filter(filter); !valid) {
        return fault(kBadTemplate, 0, valid.error().info().text);
    }
    Template out;
    out.text_ = filter;
    return out;
}

std::expected<Template, TemplateFault> Template::parse(std::string_view text,
                                                       std::span<const Variable> known) {
    if (text.find("${") == std::string_view::npos) return literal(text);
    Template out;
    out.text_ = text;
    std::string sample;
    std::size_t level = 0;
    const auto add_text = [&](std::string_view literal_text) {
        if (literal_text.empty()) return;
        out.parts_.push_back({false, std::string(literal_text), 0, level});
        sample += literal_text;
        level += static_cast<std::size_t>(std::count(literal_text.begin(), literal_text.end(), '/'));
    };
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t open = text.find("${", at);
        add_text(text.substr(at, open - at));
        if (open == std::string_view::npos) break;
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos) return fault(kUnclosedPlaceholder, open, text.substr(open));
        const std::string_view name = text.substr(open + 2, close - open - 2);
        const auto variable =
            std::find_if(known.begin(), known.end(), [&](const Variable& v) { return names(v, name); });
        if (variable == known.end()) return fault(kUnknownPlaceholder, open, name);
        if (level == 0 && sample.starts_with('$')) return fault(kDollarPlaceholder, open, name);
        auto index = static_cast<std::size_t>(std::find(out.variables_.begin(), out.variables_.end(), name) -
                                              out.variables_.begin());
        if (index == out.variables_.size()) {
            out.variables_.emplace_back(name);
            out.claimed_allowed_.push_back(variable->claimed_allowed);
        }
        out.parts_.push_back({true, {}, index, level});
        sample += kSample;
        at = close + 1;
    }
    if (auto valid = topic::validate_filter(sample); !valid)
        return fault(kBadTemplate, 0, valid.error().info().text);
    return out;
}

/// What the variable may stand for; one absent value when there is none.
std::vector<const std::string*> Template::element_list(std::size_t variable,
                                                       std::span<const TemplateValue> values) const {
    const auto value = std::find_if(values.begin(), values.end(),
                                    [&](const TemplateValue& v) { return v.name == variables_[variable]; });
    if (value == values.end() || value->values.empty()) return {&kAbsent};
    if (!value->proven && !claimed_allowed_[variable]) return {&kAbsent};
    std::vector<const std::string*> out;
    for (const std::string& element : value->values)
        out.push_back(&element);
    return out;
}

Template::Expansion Template::expand(Effect effect, std::span<const TemplateValue> values) const {
    Expansion out;
    if (!has_variables()) {
        out.filters.push_back(text_);
        return out;
    }
    std::vector<std::vector<const std::string*>> lists;
    std::size_t product = 1;
    for (std::size_t v = 0; v < variables_.size(); ++v) {
        std::vector<const std::string*> list = element_list(v, values);
        if (product * list.size() > kMaxExpansion) {
            out.unusable = variables_[v];
            if (effect == Effect::Allow) return out;
            list = {&kAbsent};
        }
        product *= list.size();
        lists.push_back(std::move(list));
    }
    std::vector<const std::string*> chosen(lists.size());
    for (std::size_t n = 0; n < product; ++n) {  // every combination, the last variable fastest
        std::size_t rest = n;
        for (std::size_t v = lists.size(); v-- > 0; rest /= lists[v].size())
            chosen[v] = lists[v][rest % lists[v].size()];
        std::string filter;
        if (!substitute(effect, chosen, filter, out.unusable)) continue;
        if (topic::validate_filter(filter)) out.filters.push_back(std::move(filter));
    }
    return out;
}

/// One filter for one choice of elements. @return false: the rule is void for this choice
/// policy rule: an unusable value closes, it voids an allow and widens a deny.
bool Template::substitute(Effect effect, std::span<const std::string* const> chosen, std::string& out,
                          std::string& unusable) const {
    const bool deny = effect == Effect::Deny;
    std::size_t level_start = 0;  // in `out`
    bool any_level = false;       // the present level has become `+`
    const auto widen = [&](std::string_view level) {
        out.resize(level_start);
        out += level;
    };
    for (const Part& part : parts_) {
        if (!part.variable) {
            for (const char c : part.text) {
                if (c == '/') {
                    out += c;
                    level_start = out.size();
                    any_level = false;
                } else if (!any_level) {
                    out += c;
                }
            }
            continue;
        }
        const std::string& value = *chosen[part.index];
        const bool dollar = part.level == 0 && value.starts_with('$');
        const bool cuts = value.find('/') != std::string::npos;
        const bool blurs = value.empty() || holds_wildcard_or_nul(value);
        if (dollar || cuts || blurs) {
            if (unusable.empty()) unusable = variables_[part.index];
            if (!deny) return false;
        }
        if (cuts) {
            // A `$` level stays what it is, because no wildcard reaches it; all below is cut off.
            const std::string first(topic::first_level(value));
            if (dollar && out.empty() && !holds_wildcard_or_nul(first)) {
                out = first + "/#";
            } else {
                widen("#");
            }
            return true;
        }
        if (blurs) {
            widen("+");
            any_level = true;
        } else if (!any_level) {
            out += value;
        }
    }
    return true;
}

}  // namespace latchkey::policy
