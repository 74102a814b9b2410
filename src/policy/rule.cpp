// Rules in words. See rule.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/rule.h"

#include <array>
#include <span>
#include <string_view>

namespace latchkey::policy {
namespace {

std::string join(Mask mask, std::span<const std::string_view> names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if ((mask >> i & 1U) == 0) continue;
        if (!out.empty()) out += ',';
        out += names[i];
    }
    return out;
}

constexpr std::array<std::string_view, 4> kActs{"publish", "subscribe", "unsubscribe", "receive"};
constexpr std::array<std::string_view, 3> kQos{"0", "1", "2"};
constexpr std::array<std::string_view, 2> kNoYes{"no", "yes"};
constexpr std::array<std::string_view, 2> kVia{"live", "will"};

/// Receive follows subscribe in set programs and needs no word of its own.
Mask worth_naming(Mask acts) {
    return (acts & bit(Act::Subscribe)) != 0 ? static_cast<Mask>(acts & ~bit(Act::Receive)) : acts;
}

std::string share_words(const ShareRule& share) {
    const std::string plain = share.plain ? "plain" : "";
    const std::string also = share.plain ? "," : "";
    switch (share.kind) {
        case ShareKind::None:
            return plain;
        case ShareKind::Any:
            return plain + also + "any";
        case ShareKind::Group:
            return plain + also + "group:" + share.group;
        case ShareKind::Raw:
            return "raw";
    }
    return {};
}

}  // namespace

std::string where(const Rule& rule) {
    if (rule.origin.file.empty()) return rule.id;
    std::string out = rule.origin.file;
    if (rule.origin.line > 0) out += ':' + std::to_string(rule.origin.line);
    if (rule.origin.column > 0) out += ':' + std::to_string(rule.origin.column);
    return out;
}

std::string describe(const Rule& rule) {
    std::string out = rule.effect == Effect::Allow ? "allow " : "deny ";
    out += join(worth_naming(rule.acts), kActs) + ' ' + rule.topic.text();
    if (rule.qos != kAnyQos) out += " qos=" + join(rule.qos, kQos);
    if (rule.retain != kEither) out += " retain=" + join(rule.retain, kNoYes);
    if (rule.via != kEither) out += " via=" + join(rule.via, kVia);
    if (rule.wild != kEither) out += " wildcards=" + join(rule.wild, kNoYes);
    if ((rule.acts & bit(Act::Subscribe)) != 0 && (!rule.share.plain || rule.share.kind != ShareKind::None)) {
        out += " share=" + share_words(rule.share);
    }
    return out + " (" + where(rule) + ')';
}

}  // namespace latchkey::policy
