// Printing of the tables.
// SPDX-License-Identifier: Apache-2.0
#include "config/reference.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "config/configuration.h"
#include "config/native_keys.h"

namespace latchkey::config {
namespace {

/// One table of the file: its hand-read keys and its field rows, whose defaults stand in `defaults`.
struct Section {
    std::string_view heading;
    std::string_view schema;  ///< name under $defs
    std::string_view doc;
    std::span<const KeyRow> keys;
    std::vector<std::pair<const FieldTable*, const void*>> fields;
};

/// Default objects that live as long as the program; the rows only read them.
template <class T>
const T& defaults() {
    static const T kDefault{};
    return kDefault;
}

std::vector<Section> sections() {
    const auto one = [](const FieldTable& table, const void* object) {
        return std::vector<std::pair<const FieldTable*, const void*>>{{&table, object}};
    };
    const std::pair<const FieldTable*, const void*> check{&auth::jwt_check_fields(),
                                                          &defaults<auth::JwtCheckConfig>()};
    return {
        {"The file",
         "file",
         "Everything is optional except what guards: a listener without a pipeline is an error.",
         kRootKeys,
         {}},
        {"[broker]", "broker", broker_fields().doc, {}, one(broker_fields(), &defaults<BrokerConfig>())},
        {"[limits]", "limits", limits_fields().doc, {}, one(limits_fields(), &defaults<LimitsConfig>())},
        {"[admin]", "admin", admin_fields().doc, {}, one(admin_fields(), &defaults<AdminConfig>())},
        {"[logs]", "logs", logs_fields().doc, {}, one(logs_fields(), &defaults<LogsConfig>())},
        {"[[listeners]]",
         "listener",
         listener_fields().doc,
         {},
         one(listener_fields(), &defaults<ListenerConfig>())},
        {"[realms.NAME] of kind jwt",
         "jwt_realm",
         auth::jwt_realm_fields().doc,
         kRealmKeys,
         {{&auth::jwt_realm_fields(), &defaults<auth::JwtRealmConfig>()}, check}},
        {"[realms.NAME] of kind file",
         "file_realm",
         "Users, roles and what they may do.",
         kFileRealmKeys,
         {}},
        {"[[realms.NAME.roles]]", "role", "A role and its permissions.", kRoleKeys, {}},
        {"[[realms.NAME.users]]", "user", "Somebody with a password.", kUserKeys, {}},
        {"A permission",
         "permission",
         "All that one says must hold; nothing is mixed from two.",
         kPermissionKeys,
         {}},
        {"[[pipelines]]", "pipeline", "Which realms guard which listener.", kPipelineKeys, {}},
        {"An entry of authenticate",
         "authenticate",
         "In place of a realm's name.",
         kAuthenticateKeys,
         {check}},
        {"An entry of authorize", "authorize", "In place of a realm's name.", kAuthorizeKeys, {}},
        {"A preprocessor of kind jwt",
         "jwt_preprocessor",
         "Claims into variables.",
         kJwtPreprocessorKeys,
         {}},
        {"A preprocessor of kind plain",
         "plain_preprocessor",
         "Variables into variables.",
         kPlainPreprocessorKeys,
         {}},
    };
}

std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

std::string enum_of(std::span<const std::string_view> words) {
    std::string out = "\"enum\": [";
    for (const std::string_view word : words)
        out += (out.back() == '[' ? "" : ", ") + quoted(word);
    return out + "]";
}

constexpr std::string_view kTextList =
    R"("oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}])";

std::string type_of(const Field& field) {
    switch (field.kind) {
        case FieldKind::Text:
        case FieldKind::Secret:
        case FieldKind::Url:
        case FieldKind::Path:
            return R"("type": "string")";
        case FieldKind::Bool:
            return R"("type": "boolean")";
        case FieldKind::Integer:
        case FieldKind::Seconds:
        case FieldKind::Milliseconds:
            return fmt::format(R"("type": "integer", "minimum": {}, "maximum": {})", field.min, field.max);
        case FieldKind::Choice:
            return enum_of(field.choices);
        case FieldKind::TextList:
            return std::string(kTextList);
    }
    return {};
}

std::string list_of(std::string_view definition) {
    return fmt::format(R"("type": "array", "items": {{"$ref": "#/$defs/{}"}})", definition);
}

/// A list of names and tables, or one of them.
std::string steps_of(std::string_view definition) {
    const std::string step = fmt::format(R"({{"type": "string"}}, {{"$ref": "#/$defs/{}"}})", definition);
    return fmt::format(R"("oneOf": [{0}, {{"type": "array", "items": {{"oneOf": [{0}]}}}}])", step);
}

/// The type of a key that is read by hand, from its words; what words cannot say is told by the key.
std::string type_of(std::string_view section, const KeyRow& row) {
    if (row.key == "kind")
        return enum_of(std::array{section.starts_with("jwt")        ? std::string_view("jwt")
                                  : section == "plain_preprocessor" ? std::string_view("plain")
                                                                    : std::string_view("file")});
    if (row.key == "realms")
        return R"("type": "object", "additionalProperties": {"oneOf": [{"$ref": "#/$defs/jwt_realm"}, {"$ref": "#/$defs/file_realm"}]})";
    if (row.key == "authenticate" || row.key == "authorize") return steps_of(row.key);
    if (row.key.starts_with("before_"))
        return R"("type": "array", "items": {"oneOf": [{"$ref": "#/$defs/jwt_preprocessor"}, {"$ref": "#/$defs/plain_preprocessor"}]})";
    if (row.type == "string") return R"("type": "string")";
    if (row.type == "boolean") return R"("type": "boolean")";
    if (row.type == "list of strings") return R"("type": "array", "items": {"type": "string"})";
    if (row.type == "list of 0, 1, 2") return R"("type": "array", "items": {"enum": [0, 1, 2]})";
    if (row.type == "table") return fmt::format(R"("$ref": "#/$defs/{}")", row.key);
    if (row.type == "list of tables") return list_of(row.key.substr(0, row.key.size() - 1));
    if (row.type.starts_with("one of ")) {
        std::vector<std::string_view> words;
        for (std::string_view rest = row.type.substr(7); !rest.empty();) {
            const std::size_t comma = std::min(rest.find(", "), rest.size());
            words.push_back(rest.substr(0, comma));
            rest.remove_prefix(std::min(comma + 2, rest.size()));
        }
        return enum_of(words);
    }
    return R"("type": "array", "items": {"type": "object"})";  // the small tables of preprocessors
}

std::string definition_of(const Section& section) {
    std::string properties;
    std::string required;
    const auto add = [&](std::string_view key, const std::string& type, std::string_view doc, bool needed) {
        properties += fmt::format("{}\n        {}: {{{}, \"description\": {}}}",
                                  properties.empty() ? "" : ",", quoted(key), type, quoted(doc));
        if (needed) required += (required.empty() ? "" : ", ") + quoted(key);
    };
    for (const KeyRow& row : section.keys) {
        if (row.key == "permissions")
            add(row.key, list_of("permission"), row.doc, false);
        else
            add(row.key, type_of(section.schema, row), row.doc, row.doc.starts_with("required"));
    }
    for (const auto& [table, object] : section.fields)
        for (const Field& field : table->fields)
            add(field.key, type_of(field), field.doc, field.required);
    return fmt::format(
        "{{\n      \"type\": \"object\", \"additionalProperties\": false, \"required\": [{}],\n"
        "      \"properties\": {{{}\n      }}\n    }}",
        required, properties);
}

}  // namespace

std::string reference_page() {
    std::string out =
        "# Configuration in TOML\n\nStrict: an unknown key is an error. `${ENV:NAME}` and `${FILE:path}` may "
        "stand in any string; relative paths count from the folder of the file.\n";
    for (const Section& section : sections()) {
        out += fmt::format("\n## {}\n\n{}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n",
                           section.heading, section.doc);
        for (const KeyRow& row : section.keys)
            out += fmt::format("| `{}` | {} | | {} |\n", row.key, cell(row.type), cell(row.doc));
        for (const auto& [table, object] : section.fields)
            for (const Field& field : table->fields)
                out += fmt::format("| `{}` | {} | {} | {}{} |\n", field.key, cell(describe_type(field)),
                                   cell(describe_default(field, object)), field.required ? "required; " : "",
                                   cell(field.doc));
    }
    return out;
}

std::string json_schema() {
    std::string definitions;
    for (const Section& section : sections())
        definitions += fmt::format("{}\n    {}: {}", definitions.empty() ? "" : ",", quoted(section.schema),
                                   definition_of(section));
    return "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": \"Latchkey "
           "configuration\",\n"
           "  \"$ref\": \"#/$defs/file\",\n  \"$defs\": {" +
           definitions + "\n  }\n}\n";
}

}  // namespace latchkey::config
