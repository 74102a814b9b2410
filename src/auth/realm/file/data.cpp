// Spellings and load checks of the file realm.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/file/data.h"

#include <set>
#include <utility>

#include "auth/errors.h"
#include "auth/facts.h"
#include "auth/realm/file/compile.h"

namespace latchkey::auth {

const std::array<std::string_view, 7> kQosSpellings{"ALL",      "ZERO",     "ONE",    "TWO",
                                                    "ZERO_ONE", "ZERO_TWO", "ONE_TWO"};
const std::array<std::string_view, 3> kActivitySpellings{"PUBLISH", "SUBSCRIBE", "ALL"};
const std::array<std::string_view, 3> kRetentionSpellings{"NOT_RETAINED", "RETAINED", "ALL"};
const std::array<std::string_view, 3> kSharingSpellings{"NOT_SHARED", "SHARED", "ALL"};

std::optional<std::array<bool, 3>> parse_qos(std::string_view text) {
    using Row = std::pair<std::string_view, std::array<bool, 3>>;
    static constexpr std::array<Row, 7> kRows{{{"ALL", {true, true, true}},
                                               {"ZERO", {true, false, false}},
                                               {"ONE", {false, true, false}},
                                               {"TWO", {false, false, true}},
                                               {"ZERO_ONE", {true, true, false}},
                                               {"ZERO_TWO", {true, false, true}},
                                               {"ONE_TWO", {false, true, true}}}};
    for (const auto& [spelling, value] : kRows)
        if (spelling == text) return value;
    return std::nullopt;
}

namespace {

/// The enumerator with the position of the spelling.
template <class Enum>
std::optional<Enum> parse_spelling(std::string_view text, const std::array<std::string_view, 3>& spellings) {
    for (std::size_t i = 0; i < spellings.size(); ++i)
        if (spellings[i] == text) return static_cast<Enum>(i);
    return std::nullopt;
}

void check_permissions(const std::vector<FilePermission>& permissions, Faults& faults) {
    for (const FilePermission& permission : permissions) {
        const auto topic = parse_topic(permission.topic);
        if (topic) continue;
        std::string message =
            "topic '" + permission.topic + "': " + std::string(topic.error().error.info().text);
        if (!topic.error().error.detail().empty()) message.append(": ").append(topic.error().error.detail());
        faults.error(permission.at, std::move(message), std::string(topic.error().error.info().remedy));
    }
}

void check_roles(const FileRealmData& data, std::set<std::string_view>& ids, Faults& faults) {
    for (const FileRole& role : data.roles) {
        if (role.id.empty()) faults.error(role.at, std::string(kEmptyName.text), "give the role an id");
        if (!role.id.empty() && !encode_roles({role.id}))
            faults.error(role.at, "role id '" + role.id + "': " + std::string(kRoleIdBraces.text),
                         std::string(kRoleIdBraces.remedy));
        if (!ids.insert(role.id).second)
            faults.error(role.at, "role '" + role.id + "' is defined twice",
                         std::string(kDuplicateRole.remedy));
        check_permissions(role.permissions, faults);
    }
}

}  // namespace

std::optional<Activity> parse_activity(std::string_view text) {
    return parse_spelling<Activity>(text, kActivitySpellings);
}

std::optional<Retention> parse_retention(std::string_view text) {
    return parse_spelling<Retention>(text, kRetentionSpellings);
}

std::optional<Sharing> parse_sharing(std::string_view text) {
    return parse_spelling<Sharing>(text, kSharingSpellings);
}

void validate(const FileRealmData& data, Faults& faults) {
    std::set<std::string_view> ids;
    check_roles(data, ids, faults);
    std::set<std::string_view> names;
    for (const FileUser& user : data.users) {
        if (user.name.empty()) faults.error(user.at, std::string(kEmptyName.text), "give the user a name");
        if (!names.insert(user.name).second)
            faults.error(user.at, "user '" + user.name + "' is defined twice",
                         std::string(kDuplicateUser.remedy));
        for (const std::string& role : user.roles)
            if (!ids.contains(role))
                faults.warning(user.at,
                               "user '" + user.name + "' has the role '" + role + "', which nobody defines",
                               std::string(kUndefinedRole.remedy));
        check_permissions(user.permissions, faults);
    }
}

}  // namespace latchkey::auth
