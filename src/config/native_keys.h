// The keys of native TOML that no field row can say, because they hold lists of tables or short forms; the
// reader's known names and the reference page come from these rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace latchkey::config {

struct KeyRow {
    std::string_view key;
    std::string_view type;
    std::string_view doc;
};

inline constexpr std::array<KeyRow, 7> kRootKeys{{
    {"broker", "table", "the process as a whole"},
    {"limits", "table", "what clients may ask of the broker"},
    {"admin", "table", "health and recent decisions over HTTP"},
    {"logs", "table", "the logs of logins and decisions"},
    {"listeners", "list of tables", "where clients connect"},
    {"realms", "table of tables", "sources of identities and rights, by name"},
    {"pipelines", "list of tables", "which realms guard which listener"},
}};

inline constexpr std::array<KeyRow, 3> kRealmKeys{{
    {"kind", "one of jwt, file", "required; what the realm is"},
    {"enabled", "boolean", "false closes the pipelines that use it; default true"},
    {"roles_claim", "string",
     "jwt only: the claim that lists the roles of the client; a name, or a JSON Pointer when it begins with "
     "/"},
}};

inline constexpr std::array<KeyRow, 5> kFileRealmKeys{{
    {"kind", "one of jwt, file", "required; what the realm is"},
    {"enabled", "boolean", "false closes the pipelines that use it; default true"},
    {"path", "string", "an ese-file-realm XML file, in place of roles and users"},
    {"roles", "list of tables", "roles with their permissions"},
    {"users", "list of tables", "users with password, roles and permissions"},
}};

inline constexpr std::array<KeyRow, 2> kRoleKeys{{
    {"id", "string", "required; what a token's role claim must hold"},
    {"permissions", "list of tables", "what the role may do"},
}};

inline constexpr std::array<KeyRow, 4> kUserKeys{{
    {"name", "string", "required"},
    {"password", "string", "required; best as ${FILE:path} or ${ENV:NAME}"},
    {"roles", "list of strings", "ids of roles in the same realm"},
    {"permissions", "list of tables", "what this user may do besides"},
}};

inline constexpr std::array<KeyRow, 6> kPermissionKeys{{
    {"topic", "string", "required; a topic filter, with placeholders as ${mqtt-clientid}"},
    {"activity", "one of publish, subscribe, all", "required"},
    {"qos", "list of 0, 1, 2", "default all three"},
    {"retain", "one of not_retained, retained, all", "of a publish; default all"},
    {"shared", "one of not_shared, shared, all", "of a subscription; default not_shared"},
    {"shared_group", "string", "the one group of shared subscriptions; default any"},
}};

inline constexpr std::array<KeyRow, 8> kPipelineKeys{{
    {"name", "string", "for logs; default pipeline-LISTENER"},
    {"listener", "string", "required; a listener's name, or ALL"},
    {"authenticate", "\"allow-all\", or list of realm names and tables", "required; asked in this order"},
    {"authorize", "\"allow-all\", or list of realm names and tables", "required; where rights come from"},
    {"before_authentication", "list of tables", "preprocessors, run in order"},
    {"before_authorization", "list of tables", "preprocessors, run in order"},
    {"require_grants", "boolean", "refuse who has no right at all; default false"},
    {"on_denied_publish", "one of acknowledge, disconnect", "default acknowledge, with reason code 0x87"},
}};

inline constexpr std::array<KeyRow, 3> kAuthenticateKeys{{
    {"realm", "string", "required; besides, every key of realm.jwt.check, for this pipeline alone"},
    {"on_refused", "one of stop, next", "default stop"},
    {"on_failure", "one of stop, next", "what a realm that cannot answer means; default stop"},
}};

inline constexpr std::array<KeyRow, 3> kAuthorizeKeys{{
    {"realm", "string", "required"},
    {"use_authorization_key", "boolean", "rights of the user of that name; default true"},
    {"use_authorization_role_key", "boolean", "rights of the client's roles; default true"},
}};

inline constexpr std::array<KeyRow, 5> kJwtPreprocessorKeys{{
    {"kind", "jwt", "copies claims of the verified token into variables"},
    {"source", "string", "default authentication-byte-secret"},
    {"prefix", "string", "put before each value"},
    {"postfix", "string", "put behind each value"},
    {"extract", "list of {claim, variable}", "required"},
}};

inline constexpr std::array<KeyRow, 2> kPlainPreprocessorKeys{{
    {"kind", "plain", "copies variables"},
    {"copy", "list of {from, to, utf8}", "required; utf8 = true converts between text and bytes"},
}};

/// The names of rows.
template <std::size_t N>
std::vector<std::string_view> names_of(const std::array<KeyRow, N>& rows) {
    std::vector<std::string_view> names;
    for (const KeyRow& row : rows)
        names.push_back(row.key);
    return names;
}

}  // namespace latchkey::config
