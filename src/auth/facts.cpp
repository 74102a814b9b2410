// Variables by name, and the text form of role lists.
// SPDX-License-Identifier: Apache-2.0
#include "auth/facts.h"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/errors.h"
#include "base/utf8.h"

namespace latchkey::auth {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

struct NamedKind {
    std::string_view name;
    VariableKind kind;
};
constexpr std::array<NamedKind, 8> kNamed{{
    {kMqttClientId, {VariableType::Text, true}},
    {kMqttUsername, {VariableType::Text, true}},
    {kMqttPassword, {VariableType::Bytes, true}},
    {kAuthenticationKey, {VariableType::Text, false}},
    {kAuthenticationByteSecret, {VariableType::Bytes, false}},
    {kAuthenticationCharSecret, {VariableType::Text, false}},
    {kAuthorizationKey, {VariableType::Text, false}},
    {kAuthorizationRoleKey, {VariableType::Roles, false}},
}};

bool is_general_tail(std::string_view tail) {
    return !tail.empty() && std::ranges::all_of(tail, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

/// The two names of the secret are one variable: its bytes and its text.
std::string_view stored_name(std::string_view name) {
    return name == kAuthenticationCharSecret ? kAuthenticationByteSecret : name;
}

Result<VariableKind> writable_kind(std::string_view name) {
    LK_TRY(const VariableKind kind, variable_kind(name));
    if (kind.read_only) return fail(kReadOnlyVariable, name);
    return kind;
}

}  // namespace

Result<VariableKind> variable_kind(std::string_view name) {
    for (const NamedKind& named : kNamed)
        if (named.name == name) return named.kind;
    if (name.starts_with("string-") && is_general_tail(name.substr(7)))
        return VariableKind{VariableType::Text, false};
    if (name.starts_with("byte-") && is_general_tail(name.substr(5)))
        return VariableKind{VariableType::Bytes, false};
    return fail(kBadVariable, name);
}

std::optional<std::string> encode_roles(const std::vector<std::string>& roles) {
    std::string text;
    for (const std::string& role : roles) {
        if (role.empty() || role.find(kClose) != std::string::npos || role.ends_with('}'))
            return std::nullopt;
        text.append(kOpen).append(role).append(kClose);
    }
    return text;
}

Result<std::vector<std::string>> decode_roles(std::string_view text) {
    std::vector<std::string> roles;
    while (!text.empty()) {
        if (!text.starts_with(kOpen)) return fail(kBadRoleList);
        const std::size_t end = text.find(kClose, kOpen.size());
        if (end == std::string_view::npos || end == kOpen.size()) return fail(kBadRoleList);
        roles.emplace_back(text.substr(kOpen.size(), end - kOpen.size()));
        text.remove_prefix(end + kClose.size());
    }
    return roles;
}

void Facts::set_connect(std::string client_id, std::optional<std::string> user_name,
                        std::optional<Secret> password) {
    put(kMqttClientId, std::move(client_id), Standing::Claimed);
    if (user_name) {
        put(kAuthenticationKey, *user_name, Standing::Claimed);
        put(kMqttUsername, *std::move(user_name), Standing::Claimed);
    }
    if (password) {
        put(kAuthenticationByteSecret, *password, Standing::Claimed);
        put(kMqttPassword, *std::move(password), Standing::Claimed);
    }
}

std::string_view Facts::client_id() const {
    return text(kMqttClientId).value_or(std::string_view());
}

std::optional<std::string_view> Facts::user_name() const {
    return text(kMqttUsername);
}

std::optional<std::string_view> Facts::text(std::string_view name) const {
    const Variable* variable = find(stored_name(name));
    if (variable == nullptr) return std::nullopt;
    if (const auto* value = std::get_if<std::string>(&variable->value)) return *value;
    if (name != kAuthenticationCharSecret) return std::nullopt;  // bytes read as text are absent
    const auto* secret = std::get_if<Secret>(&variable->value);
    if (secret == nullptr || !is_valid_utf8(secret->expose())) return std::nullopt;
    return secret->expose();
}

const Secret* Facts::bytes(std::string_view name) const {
    if (name == kAuthenticationCharSecret) return nullptr;
    const Variable* variable = find(name);
    return variable == nullptr ? nullptr : std::get_if<Secret>(&variable->value);
}

const std::vector<std::string>* Facts::roles() const {
    const Variable* variable = find(kAuthorizationRoleKey);
    return variable == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&variable->value);
}

Standing Facts::standing(std::string_view name) const {
    const Variable* variable = find(stored_name(name));
    return variable == nullptr ? Standing::Claimed : variable->standing;
}

Result<void> Facts::set_text(std::string_view name, std::string value, Standing standing) {
    LK_TRY(const VariableKind kind, writable_kind(name));
    switch (kind.type) {
        case VariableType::Bytes:
            return fail(kVariableType, name);
        case VariableType::Roles: {
            LK_TRY(std::vector<std::string> roles, decode_roles(value));
            set_roles(std::move(roles), standing);
            return {};
        }
        case VariableType::Text:
            break;
    }
    if (name == kAuthenticationCharSecret)
        put(kAuthenticationByteSecret, Secret(value), standing);
    else
        put(name, std::move(value), standing);
    return {};
}

Result<void> Facts::set_bytes(std::string_view name, Secret value, Standing standing) {
    LK_TRY(const VariableKind kind, writable_kind(name));
    if (kind.type != VariableType::Bytes) return fail(kVariableType, name);
    put(name, std::move(value), standing);
    return {};
}

void Facts::set_roles(std::vector<std::string> roles, Standing standing) {
    put(kAuthorizationRoleKey, std::move(roles), standing);
}

Result<void> Facts::clear(std::string_view name) {
    LK_CHECK(writable_kind(name));
    std::erase_if(variables_, [&](const Variable& variable) { return variable.name == stored_name(name); });
    return {};
}

const Facts::Variable* Facts::find(std::string_view name) const {
    const auto at = std::ranges::find(variables_, name, &Variable::name);
    return at == variables_.end() ? nullptr : &*at;
}

void Facts::put(std::string_view name, decltype(Variable::value) value, Standing standing) {
    const auto at = std::ranges::find(variables_, name, &Variable::name);
    if (at == variables_.end())
        variables_.push_back({std::string(name), std::move(value), standing});
    else
        *at = {std::string(name), std::move(value), standing};
}

}  // namespace latchkey::auth
