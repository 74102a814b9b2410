// What an ESE file realm holds, as plain structs with the place of each part: config/ reads the XML into
// these, the realm never sees a file. Only the <mqtt> part.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "base/secret.h"

namespace latchkey::auth {

enum class Activity : std::uint8_t { Publish, Subscribe, All };
enum class Retention : std::uint8_t { NotRetained, Retained, All };
enum class Sharing : std::uint8_t { NotShared, Shared, All };

/// One <permission>; what is left out is ALL.
struct FilePermission {
    std::string topic;
    std::array<bool, 3> qos{true, true, true};
    Activity activity = Activity::All;
    Retention retain = Retention::All;
    Sharing sharing = Sharing::All;
    std::string shared_group;  ///< empty or "#": any
    Position at;
};

/// The spellings of ESE; absent for anything else. Upper case only, as in the schema.
std::optional<std::array<bool, 3>> parse_qos(std::string_view text);
std::optional<Activity> parse_activity(std::string_view text);
std::optional<Retention> parse_retention(std::string_view text);
std::optional<Sharing> parse_sharing(std::string_view text);
/// For hints.
extern const std::array<std::string_view, 7> kQosSpellings;
extern const std::array<std::string_view, 3> kActivitySpellings;
extern const std::array<std::string_view, 3> kRetentionSpellings;
extern const std::array<std::string_view, 3> kSharingSpellings;

struct FileUser {
    std::string name;
    Secret password;
    std::vector<std::string> roles;
    std::vector<FilePermission> permissions;
    Position at;
};
struct FileRole {
    std::string id;
    std::vector<FilePermission> permissions;
    Position at;
};
struct FileRealmData {
    std::string name;  ///< the realm's
    std::vector<FileUser> users;
    std::vector<FileRole> roles;
};
/// Duplicate users and roles, ids that cannot be told apart in a role list, roles nobody defined (a warning),
/// empty names, topics that are no filter or use an unknown placeholder.
void validate(const FileRealmData& data, Faults& faults);

}  // namespace latchkey::auth
