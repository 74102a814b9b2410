// Claims into variables.
// SPDX-License-Identifier: Apache-2.0
#include "auth/preprocess/jwt.h"

#include <optional>
#include <string_view>
#include <utility>

#include "auth/errors.h"
#include "base/json.h"

namespace latchkey::auth {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

bool fills_roles(const JwtPreprocessorConfig& config) {
    for (const JwtExtraction& extraction : config.extractions)
        if (extraction.variable == kAuthorizationRoleKey) return true;
    return false;
}

/// Texts as they are, numbers and booleans as JSON writes them; nothing for the rest.
std::optional<std::string> scalar_text(const json::Value& value) {
    if (const std::string* text = value.string()) return *text;
    if (value.number() != nullptr || value.boolean()) return json::write(value);
    return std::nullopt;
}

Result<std::vector<std::string>> claim_texts(const json::Value& value, std::string_view claim) {
    std::vector<std::string> texts;
    const auto add = [&texts](const json::Value& item) {
        std::optional<std::string> text = scalar_text(item);
        if (text) texts.push_back(*std::move(text));
        return text.has_value();
    };
    if (const json::Array* list = value.array()) {
        for (const json::Value& item : *list)
            if (!add(item)) return fail(kClaimType, claim);
    } else if (!add(value)) {
        return fail(kClaimType, claim);
    }
    return texts;
}

}  // namespace

void validate(const JwtPreprocessorConfig& config, bool before_authentication, Faults& faults) {
    if (before_authentication)
        faults.warning(config.at, "a jwt-preprocessor before authentication extracts nothing",
                       "claims are trusted only once the token's signature has been checked; move it to "
                       "authorization-preprocessors");
    if (config.source != kAuthenticationByteSecret && config.source != kAuthenticationCharSecret &&
        config.source != kMqttPassword)
        faults.error(config.at, "the source of a jwt-preprocessor must be the token of this login",
                     "write <source>authentication-byte-secret</source>");
    if (config.extractions.empty()) faults.error(config.at, "a jwt-preprocessor without extractions");
    for (const JwtExtraction& extraction : config.extractions) {
        const Result<VariableKind> kind = variable_kind(extraction.variable);
        if (!kind)
            faults.error(extraction.at, "unknown variable '" + extraction.variable + "'",
                         std::string(kBadVariable.remedy));
        else if (kind->read_only)
            faults.error(extraction.at, "variable '" + extraction.variable + "' cannot be written",
                         std::string(kReadOnlyVariable.remedy));
        else if (kind->type == VariableType::Bytes)
            faults.error(extraction.at, "claims are text, but '" + extraction.variable + "' holds bytes");
        if (extraction.claim.empty()) faults.error(extraction.at, "empty claim name");
    }
    if (fills_roles(config) && !(config.prefix.starts_with(kOpen) && config.postfix.ends_with(kClose)))
        faults.error(config.at, std::string(kRolesNeedBraces.text), std::string(kRolesNeedBraces.remedy));
}

const json::Value* find_claim(const json::Value& claims, std::string_view name, bool json_pointers) {
    if (json_pointers) return name.starts_with('/') ? claims.pointer(name) : claims.find(name);
    if (const json::Value* whole = claims.find(name)) return whole;
    const json::Value* at = &claims;
    while (at != nullptr) {
        const std::size_t dot = name.find('.');
        at = at->find(name.substr(0, dot));
        if (dot == std::string_view::npos) return at;
        name.remove_prefix(dot + 1);
    }
    return nullptr;
}

Result<void> JwtPreprocessor::apply(Facts& facts, const json::Value* verified) const {
    for (const JwtExtraction& extraction : config_.extractions) {
        const json::Value* claim =
            verified == nullptr ? nullptr : find_claim(*verified, extraction.claim, config_.json_pointers);
        if (claim == nullptr || claim->is_null()) {
            LK_CHECK(facts.clear(extraction.variable));
            continue;
        }
        LK_TRY(std::vector<std::string> texts, claim_texts(*claim, extraction.claim));
        if (extraction.variable == kAuthorizationRoleKey) {
            // The outer braces only separate roles in ESE's text; here each value is one role whatever it
            // holds.
            if (!config_.prefix.starts_with(kOpen) || !config_.postfix.ends_with(kClose))
                return fail(kRolesNeedBraces);
            const std::string before = config_.prefix.substr(kOpen.size());
            const std::string after = config_.postfix.substr(0, config_.postfix.size() - kClose.size());
            for (std::string& text : texts)
                text = before + text + after;
            facts.set_roles(std::move(texts), Standing::Proven);
            continue;
        }
        std::string joined;
        for (const std::string& text : texts)
            joined.append(config_.prefix).append(text).append(config_.postfix);
        LK_CHECK(facts.set_text(extraction.variable, std::move(joined), Standing::Proven));
    }
    return {};
}

}  // namespace latchkey::auth
