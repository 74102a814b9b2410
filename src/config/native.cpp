// The root of native TOML and its realms.
// SPDX-License-Identifier: Apache-2.0
#include "config/native.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/core.h>

#include "config/native_parts.h"
#include "config/xml_reader.h"

namespace latchkey::config {
namespace native {

std::string string_of(const Context& context, const TomlValue& table, std::string_view table_name,
                      std::string_view key, bool needed) {
    const TomlEntry* entry = table.entry(key);
    if (entry == nullptr) {
        if (needed) context.faults.error(table.at, fmt::format("{}.{} is missing", table_name, key));
        return {};
    }
    if (entry->value.type != TomlValue::Type::String) {
        context.faults.error(entry->value.at, fmt::format("{}.{} must be a string, not {}", table_name, key,
                                                          entry->value.type_name()));
    } else if (needed && entry->value.text.empty()) {
        context.faults.error(entry->value.at, fmt::format("{}.{} is empty", table_name, key));
    }
    return entry->value.text;
}

std::optional<bool> optional_boolean(const Context& context, const TomlValue& table,
                                     std::string_view table_name, std::string_view key) {
    const TomlEntry* entry = table.entry(key);
    if (entry == nullptr) return std::nullopt;
    if (entry->value.type == TomlValue::Type::Boolean) return entry->value.boolean;
    context.faults.error(entry->value.at, fmt::format("{}.{} must be true or false, not {}", table_name, key,
                                                      entry->value.type_name()));
    return std::nullopt;
}

bool boolean_of(const Context& context, const TomlValue& table, std::string_view table_name,
                std::string_view key, bool otherwise) {
    return optional_boolean(context, table, table_name, key).value_or(otherwise);
}

std::vector<const TomlValue*> tables_of(const Context& context, const TomlValue& table,
                                        std::string_view table_name, std::string_view key) {
    std::vector<const TomlValue*> tables;
    const TomlEntry* entry = table.entry(key);
    if (entry == nullptr) return tables;
    const std::string name = table_name.empty() ? std::string(key) : fmt::format("{}.{}", table_name, key);
    if (entry->value.type != TomlValue::Type::Array) {
        context.faults.error(
            entry->at, fmt::format("{} must be a list of tables, not {}", name, entry->value.type_name()),
            fmt::format("begin each with [[{}]]", name));
        return tables;
    }
    for (const TomlValue& item : entry->value.items) {
        if (item.type == TomlValue::Type::Table)
            tables.push_back(&item);
        else
            context.faults.error(item.at,
                                 fmt::format("{} holds {} where a table is due", name, item.type_name()));
    }
    return tables;
}

std::size_t word_of(const Context& context, const TomlValue& table, std::string_view table_name,
                    std::string_view key, std::span<const std::string_view> words, std::size_t otherwise) {
    const TomlEntry* entry = table.entry(key);
    if (entry == nullptr) return otherwise;
    const std::string text = string_of(context, table, table_name, key);
    if (entry->value.type != TomlValue::Type::String) return otherwise;
    const auto found = std::ranges::find(words, text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    context.faults.error(entry->value.at, fmt::format("{}.{} is \"{}\"", table_name, key, text),
                         unknown_name_hint(text, words));
    return otherwise;
}

namespace {

void read_jwt_realm(const Context& context, const TomlValue& table, const std::string& name,
                    RealmEntry& entry, std::string& roles_claim) {
    std::vector<std::string_view> known = names_of(kRealmKeys);
    for (const std::string_view key : auth::jwt_realm_fields().keys())
        known.push_back(key);
    for (const std::string_view key : auth::jwt_check_fields().keys())
        known.push_back(key);
    check_keys(table, name, known, context.faults);
    JwtRealmEntry jwt;
    jwt.realm.name = entry.name;
    read_fields(table, name, auth::jwt_realm_fields(), &jwt.realm, context.folder, context.faults);
    read_fields(table, name, auth::jwt_check_fields(), &jwt.check, context.folder, context.faults);
    for (const std::string_view source : {"jwks_url", "jwks_file"})
        if (const TomlEntry* at = table.entry(source)) entry.source_at = at->value.at;
    roles_claim = string_of(context, table, name, "roles_claim");
    entry.settings = std::move(jwt);
}

/// One [section] whose keys are all field rows.
void read_section(const Context& context, const TomlValue& root, std::string_view name,
                  const FieldTable& fields, void* object) {
    const TomlEntry* entry = root.entry(name);
    if (entry == nullptr) return;
    if (entry->value.type != TomlValue::Type::Table) {
        context.faults.error(entry->at,
                             fmt::format("{} must be a table, not {}", name, entry->value.type_name()),
                             fmt::format("write [{}]", name));
        return;
    }
    check_keys(entry->value, name, fields.keys(), context.faults);
    read_fields(entry->value, name, fields, object, context.folder, context.faults);
}

void read_listeners(const Context& context, const TomlValue& root, Configuration& configuration) {
    for (const TomlValue* table : tables_of(context, root, "", "listeners")) {
        ListenerConfig listener;
        listener.at = table->at;
        check_keys(*table, "listeners", listener_fields().keys(), context.faults);
        read_fields(*table, "listeners", listener_fields(), &listener, context.folder, context.faults);
        configuration.listeners.push_back(std::move(listener));
    }
}

using RolesClaims = std::map<std::string, std::string>;

RolesClaims read_realms(const Context& context, const TomlValue& root, Configuration& configuration) {
    RolesClaims claims;
    const TomlEntry* entry = root.entry("realms");
    if (entry == nullptr) return claims;
    if (entry->value.type != TomlValue::Type::Table) {
        context.faults.error(entry->at, "realms must be a table of tables", "write [realms.NAME]");
        return claims;
    }
    for (const TomlEntry& realm : entry->value.entries) {
        std::string claim;
        configuration.realms.push_back(read_realm(context, realm, claim));
        if (!claim.empty()) claims[realm.key] = claim;
    }
    return claims;
}

/// roles_claim of a realm becomes a preprocessor in each pipeline that asks the realm.
void add_roles_claims(const Context& context, const RolesClaims& claims, PipelineConfig& pipeline) {
    std::string chosen;
    for (const AuthenticationStep& step : pipeline.authenticate) {
        const auto claim = claims.find(step.realm);
        if (claim == claims.end() || claim->second == chosen) continue;
        if (!chosen.empty()) {
            context.faults.error(step.at,
                                 fmt::format("realms of one pipeline read their roles from different claims, "
                                             "{} and {}",
                                             chosen, claim->second),
                                 "give them one roles_claim, or a pipeline each");
            continue;
        }
        chosen = claim->second;
        auth::JwtPreprocessorConfig roles;
        roles.prefix = "{{";
        roles.postfix = "}}";
        roles.json_pointers = true;
        roles.at = step.at;
        roles.extractions.push_back({chosen, "authorization-role-key", step.at});
        pipeline.before_authorization.insert(pipeline.before_authorization.begin(), std::move(roles));
    }
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

RealmEntry read_realm(const Context& context, const TomlEntry& entry, std::string& roles_claim) {
    static constexpr std::array<std::string_view, 2> kKinds{"jwt", "file"};
    const std::string name = "realms." + entry.key;
    RealmEntry realm;
    realm.name = entry.key;
    realm.at = realm.source_at = entry.at;
    if (entry.value.type != TomlValue::Type::Table) {
        context.faults.error(entry.at,
                             fmt::format("{} must be a table, not {}", name, entry.value.type_name()),
                             fmt::format("write [{}]", name));
        return realm;
    }
    realm.enabled = boolean_of(context, entry.value, name, "enabled", true);
    if (entry.value.entry("kind") == nullptr) {
        context.faults.error(entry.at, fmt::format("{}.kind is missing", name),
                             "write kind = \"jwt\" or \"file\"");
        return realm;
    }
    const std::size_t kind = word_of(context, entry.value, name, "kind", kKinds, kKinds.size());
    if (kind == 0) read_jwt_realm(context, entry.value, name, realm, roles_claim);
    if (kind == 1) read_file_realm(context, entry.value, name, realm);
    return realm;
}

}  // namespace native

Configuration read_native(const std::string& path, std::string_view text, const Surroundings& surroundings,
                          Faults& faults) {
    Configuration configuration;
    configuration.dialect = Dialect::Native;
    configuration.file = path;
    const native::Context context{native::folder_of(path), surroundings, faults};
    const auto root = read_toml(path, text, context.folder, surroundings, faults);
    if (!root) return configuration;
    check_keys(*root, "", names_of(kRootKeys), faults);
    native::read_section(context, *root, "broker", broker_fields(), &configuration.broker);
    native::read_section(context, *root, "limits", limits_fields(), &configuration.limits);
    native::read_section(context, *root, "admin", admin_fields(), &configuration.admin);
    native::read_section(context, *root, "logs", logs_fields(), &configuration.logs);
    native::read_listeners(context, *root, configuration);
    const auto claims = native::read_realms(context, *root, configuration);
    for (const TomlValue* table : native::tables_of(context, *root, "", "pipelines")) {
        PipelineConfig pipeline = native::read_pipeline(context, *table, configuration);
        native::add_roles_claims(context, claims, pipeline);
        configuration.pipelines.push_back(std::move(pipeline));
    }
    return configuration;
}

}  // namespace latchkey::config
