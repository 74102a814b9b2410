// A file realm in native TOML: roles and users inline, or the path of an ESE file.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <fmt/core.h>

#include "config/ese.h"
#include "config/native_parts.h"

namespace latchkey::config::native {
namespace {

void read_qos(const Context& context, const TomlValue& table, const std::string& name,
              std::array<bool, 3>& qos) {
    const TomlEntry* entry = table.entry("qos");
    if (entry == nullptr) return;
    const bool list = entry->value.type == TomlValue::Type::Array && !entry->value.items.empty();
    if (list) qos = {false, false, false};
    for (const TomlValue& item : entry->value.items) {
        if (item.type == TomlValue::Type::Integer && item.integer >= 0 && item.integer <= 2)
            qos[static_cast<std::size_t>(item.integer)] = true;
        else
            context.faults.error(item.at, fmt::format("{}.qos holds something else than 0, 1 and 2", name));
    }
    if (!list)
        context.faults.error(entry->value.at, fmt::format("{}.qos must be a list", name), "write [0, 1, 2]");
}

std::vector<auth::FilePermission> read_permissions(const Context& context, const TomlValue& table,
                                                   const std::string& table_name) {
    static constexpr std::array<std::string_view, 3> kActivities{"publish", "subscribe", "all"};
    static constexpr std::array<std::string_view, 3> kRetentions{"not_retained", "retained", "all"};
    static constexpr std::array<std::string_view, 3> kSharings{"not_shared", "shared", "all"};
    const std::string name = table_name + ".permissions";
    std::vector<auth::FilePermission> list;
    for (const TomlValue* item : tables_of(context, table, table_name, "permissions")) {
        check_keys(*item, name, names_of(kPermissionKeys), context.faults);
        auth::FilePermission permission;
        const TomlEntry* topic = item->entry("topic");
        permission.at = topic != nullptr ? topic->value.at : item->at;
        permission.topic = string_of(context, *item, name, "topic", true);
        if (item->entry("activity") == nullptr)
            context.faults.error(item->at, fmt::format("{}.activity is missing", name),
                                 "write publish, subscribe or all");
        permission.activity =
            static_cast<auth::Activity>(word_of(context, *item, name, "activity", kActivities, 0));
        permission.retain =
            static_cast<auth::Retention>(word_of(context, *item, name, "retain", kRetentions, 2));
        permission.sharing =
            static_cast<auth::Sharing>(word_of(context, *item, name, "shared", kSharings, 0));
        permission.shared_group = string_of(context, *item, name, "shared_group");
        if (!permission.shared_group.empty() && permission.sharing == auth::Sharing::NotShared)
            context.faults.error(item->at, fmt::format("{}.shared_group needs shared", name),
                                 "add shared = \"shared\" or \"all\"");
        read_qos(context, *item, name, permission.qos);
        list.push_back(std::move(permission));
    }
    return list;
}

void read_roles(const Context& context, const TomlValue& table, const std::string& table_name,
                auth::FileRealmData& data) {
    const std::string name = table_name + ".roles";
    for (const TomlValue* item : tables_of(context, table, table_name, "roles")) {
        check_keys(*item, name, names_of(kRoleKeys), context.faults);
        auth::FileRole role;
        role.at = item->at;
        role.id = string_of(context, *item, name, "id", true);
        role.permissions = read_permissions(context, *item, name);
        data.roles.push_back(std::move(role));
    }
}

void read_users(const Context& context, const TomlValue& table, const std::string& table_name,
                auth::FileRealmData& data) {
    const std::string name = table_name + ".users";
    for (const TomlValue* item : tables_of(context, table, table_name, "users")) {
        check_keys(*item, name, names_of(kUserKeys), context.faults);
        auth::FileUser user;
        user.at = item->at;
        user.name = string_of(context, *item, name, "name", true);
        user.password = Secret(string_of(context, *item, name, "password", true));
        if (const TomlEntry* roles = item->entry("roles")) {
            if (roles->value.type != TomlValue::Type::Array)
                context.faults.error(roles->value.at,
                                     fmt::format("{}.roles must be a list of strings", name));
            for (const TomlValue& role : roles->value.items) {
                if (role.type == TomlValue::Type::String)
                    user.roles.push_back(role.text);
                else
                    context.faults.error(role.at, fmt::format("{}.roles holds {}", name, role.type_name()));
            }
        }
        user.permissions = read_permissions(context, *item, name);
        data.users.push_back(std::move(user));
    }
}

}  // namespace

void read_file_realm(const Context& context, const TomlValue& table, const std::string& table_name,
                     RealmEntry& realm) {
    check_keys(table, table_name, names_of(kFileRealmKeys), context.faults);
    FileRealmEntry file;
    file.data.name = realm.name;
    const TomlEntry* path = table.entry("path");
    if (path == nullptr) {
        read_roles(context, table, table_name, file.data);
        read_users(context, table, table_name, file.data);
        if (file.data.roles.empty() && file.data.users.empty())
            context.faults.error(realm.at,
                                 fmt::format("{} has neither path nor roles nor users", table_name));
        realm.settings = std::move(file);
        return;
    }
    realm.source_at = path->value.at;
    for (const std::string_view inline_key : {"roles", "users"})
        if (const TomlEntry* entry = table.entry(inline_key))
            context.faults.error(entry->at, fmt::format("{} has both path and {}", table_name, inline_key),
                                 "keep one");
    const std::string written = string_of(context, table, table_name, "path", true);
    file.path = join_path(context.folder, written);
    if (!written.empty()) {
        if (const auto text = context.surroundings.read_file(file.path))
            file.data = read_ese_file_realm(file.path, *text, context.surroundings, context.faults);
        else
            context.faults.error(path->value.at, fmt::format("file {} cannot be read", file.path),
                                 "a relative path counts from the folder of the configuration");
    }
    file.data.name = realm.name;
    realm.settings = std::move(file);
}

}  // namespace latchkey::config::native
