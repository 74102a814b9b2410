// The XML of an ESE file realm.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <fmt/core.h>

#include "config/ese.h"
#include "config/ese_parts.h"

namespace latchkey::config {
namespace {

using ese::Context;

/// One of the closed words of a permission; what it holds stays when the word is not known.
template <class T, std::size_t N>
void read_word(const Context& context, const XmlElement& parent, std::string_view name,
               std::optional<T> (*parse)(std::string_view), const std::array<std::string_view, N>& spellings,
               T& out) {
    const XmlElement* child = parent.child(name);
    if (child == nullptr) return;
    const std::string text = ese::text_of(context, *child);
    if (const auto value = parse(text)) {
        out = *value;
    } else if (!text.empty()) {
        context.faults.error(child->text_at, fmt::format("<{}> is \"{}\"", name, text),
                             unknown_name_hint(text, spellings));
    }
}

auth::FilePermission read_permission(const Context& context, const XmlElement& element) {
    static constexpr std::array<std::string_view, 6> kKnown{"topic",  "qos",          "activity",
                                                            "retain", "shared-group", "shared-subscription"};
    auth::FilePermission permission;
    check_attributes(element, {}, context.faults);
    check_children(element, kKnown, {}, context.faults);
    permission.topic = ese::child_text(context, element, "topic");
    const XmlElement* topic = element.child("topic");
    permission.at = topic != nullptr ? topic->text_at : element.at;
    read_word(context, element, "qos", auth::parse_qos, auth::kQosSpellings, permission.qos);
    read_word(context, element, "activity", auth::parse_activity, auth::kActivitySpellings,
              permission.activity);
    read_word(context, element, "retain", auth::parse_retention, auth::kRetentionSpellings,
              permission.retain);
    read_word(context, element, "shared-subscription", auth::parse_sharing, auth::kSharingSpellings,
              permission.sharing);
    permission.shared_group = ese::child_text(context, element, "shared-group", false);
    return permission;
}

std::vector<auth::FilePermission> read_permissions(const Context& context, const XmlElement& parent) {
    static constexpr std::array<std::string_view, 1> kItem{"permission"};
    std::vector<auth::FilePermission> list;
    const XmlElement* block = parent.child("permissions");
    if (block == nullptr) return list;
    check_attributes(*block, {}, context.faults);
    check_children(*block, kItem, kItem, context.faults);
    for (const XmlElement& item : block->children)
        if (item.name == kItem[0]) list.push_back(read_permission(context, item));
    return list;
}

void read_users(const Context& context, const XmlElement& block, auth::FileRealmData& data) {
    static constexpr std::array<std::string_view, 1> kItem{"user"};
    static constexpr std::array<std::string_view, 4> kKnown{"name", "password", "roles", "permissions"};
    static constexpr std::array<std::string_view, 1> kRole{"role"};
    check_attributes(block, {}, context.faults);
    check_children(block, kItem, kItem, context.faults);
    for (const XmlElement& item : block.children) {
        if (item.name != kItem[0]) continue;
        auth::FileUser user;
        user.at = item.at;
        check_attributes(item, {}, context.faults);
        check_children(item, kKnown, {}, context.faults);
        user.name = ese::child_text(context, item, "name");
        user.password = Secret(ese::child_text(context, item, "password"));
        if (const XmlElement* roles = item.child("roles")) {
            check_attributes(*roles, {}, context.faults);
            check_children(*roles, kRole, kRole, context.faults);
            for (const XmlElement& role : roles->children)
                if (role.name == kRole[0]) user.roles.push_back(ese::text_of(context, role));
        }
        user.permissions = read_permissions(context, item);
        data.users.push_back(std::move(user));
    }
}

void read_roles(const Context& context, const XmlElement& block, auth::FileRealmData& data) {
    static constexpr std::array<std::string_view, 1> kItem{"role"};
    static constexpr std::array<std::string_view, 2> kKnown{"id", "permissions"};
    check_attributes(block, {}, context.faults);
    check_children(block, kItem, kItem, context.faults);
    for (const XmlElement& item : block.children) {
        if (item.name != kItem[0]) continue;
        auth::FileRole role;
        role.at = item.at;
        check_attributes(item, {}, context.faults);
        check_children(item, kKnown, {}, context.faults);
        role.id = ese::child_text(context, item, "id");
        role.permissions = read_permissions(context, item);
        data.roles.push_back(std::move(role));
    }
}

}  // namespace

auth::FileRealmData read_ese_file_realm(const std::string& file, std::string_view text,
                                        const Surroundings& surroundings, Faults& faults) {
    static constexpr std::array<std::string_view, 3> kDomains{"mqtt", "control-center", "rest-api"};
    static constexpr std::array<std::string_view, 2> kParts{"users", "roles"};
    auth::FileRealmData data;
    XmlElement root;
    if (!ese::read_root(file, text, "ese-file-realm", faults, root)) return data;
    const Context context{ese_home(file), false, surroundings, faults};
    const bool unwrapped =
        root.child("mqtt") == nullptr && (root.child("roles") != nullptr || root.child("users") != nullptr);
    if (unwrapped) {
        const XmlElement* part = root.child("roles") != nullptr ? root.child("roles") : root.child("users");
        faults.error(part->at,
                     fmt::format("only a fragment: <{}> stands without the <mqtt> around it", part->name),
                     "wrap <users> and <roles> in <mqtt>...</mqtt>");
        return data;
    }
    check_children(root, kDomains, {}, faults);
    for (const std::string_view closed : {"control-center", "rest-api"})
        if (const XmlElement* domain = root.child(closed))
            faults.warning(domain->at, fmt::format("<{}> is not supported by this version", closed),
                           "that access stays closed");
    const XmlElement* mqtt = root.child("mqtt");
    if (mqtt == nullptr) return data;
    check_attributes(*mqtt, {}, faults);
    check_children(*mqtt, kParts, {}, faults);
    if (const XmlElement* users = mqtt->child("users")) read_users(context, *users, data);
    if (const XmlElement* roles = mqtt->child("roles")) read_roles(context, *roles, data);
    return data;
}

}  // namespace latchkey::config
