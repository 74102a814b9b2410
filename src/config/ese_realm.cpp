// The realms of an ESE config.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <fmt/core.h>

#include "base/ascii.h"
#include "config/ese.h"
#include "config/ese_parts.h"

namespace latchkey::config::ese {
namespace {

constexpr std::array<std::string_view, 5> kRealms{"jwt-realm", "file-realm", "sql-realm", "ldap-realm",
                                                  "oidc-realm"};

void assign(const Context& context, const FieldTable& table, void* object, const XmlElement& element,
            const std::string& text) {
    const Field* field = table.find_xml(element.name);
    FieldStatus status = field->assign(*field, object, FieldValue::of_untyped(text));
    if (!status.ok() && !text.empty())
        context.faults.error(element.text_at, fmt::format("<{}> {}", element.name, status.problem),
                             std::move(status.hint));
}

/// HiveMQ runs on Java and its trust stores are JKS or PKCS12; here a trust store is a PEM file.
void read_trust_store(const Context& context, const XmlElement& element, auth::JwtRealmConfig& realm) {
    static constexpr std::array<std::string_view, 2> kKnown{"password", "type"};
    check_attributes(element, kKnown, context.faults);
    const std::string path = text_only(context, element);
    const std::string type = lower(attribute_text(context, element, "type").value_or(""));
    const bool java = type == "jks" || type == "pkcs12" || path.ends_with(".jks") || path.ends_with(".p12") ||
                      path.ends_with(".pfx");
    if (java) {
        context.faults.error(
            element.at, "a Java trust store (JKS or PKCS12) cannot be read",
            "export its certificates as PEM (keytool -exportcert -rfc) and name that file, type=\"PEM\"");
        return;
    }
    if (!type.empty() && type != "pem")
        context.faults.error(element.attribute("type")->at,
                             fmt::format("trust store type \"{}\" is not known", type),
                             "write type=\"PEM\" or leave it out");
    if (const XmlAttribute* password = element.attribute("password"))
        context.faults.warning(password->at, "a PEM trust store has no password", "delete the attribute");
    realm.ca_file = full_path(context, path);
}

void read_simple_auth(const Context& context, const XmlElement& element, auth::JwtRealmConfig& realm) {
    const FieldTable& table = auth::jwt_simple_auth_fields();
    check_attributes(element, {}, context.faults);
    static constexpr std::array<std::string_view, 3> kKnown{"username", "user-name", "password"};
    check_children(element, kKnown, {}, context.faults);
    if (element.child("username") != nullptr && element.child("user-name") != nullptr)
        context.faults.error(element.child("user-name")->at, "both <username> and <user-name> are given",
                             "keep one");
    auth::JwtSimpleAuth simple;
    for (const XmlElement& child : element.children)
        if (table.find_xml(child.name) != nullptr)
            assign(context, table, &simple, child, text_of(context, child));
    for (const std::string_view needed : {"username", "password"}) {
        if (element.child(needed) != nullptr ||
            (needed == "username" && element.child("user-name") != nullptr))
            continue;
        context.faults.error(element.at, fmt::format("<simple-auth> lacks <{}>", needed));
    }
    realm.client_id = std::move(simple.user_name);
    realm.client_secret = std::move(simple.password);
}

JwtRealmEntry read_jwt(const Context& context, const XmlElement& configuration, RealmEntry& entry) {
    static constexpr std::array<std::string_view, 5> kKnown{
        "jwks-endpoint", "jwks-cache-duration", "introspection-endpoint", "simple-auth", "ssl-trust-store"};
    JwtRealmEntry jwt;
    jwt.realm.name = entry.name;
    jwt.realm.allow_plain_http = context.allow_plain_http;
    jwt.check = auth::ese_check_defaults();
    check_children(configuration, kKnown, {}, context.faults);
    for (const XmlElement& child : configuration.children) {
        if (child.name == "simple-auth") {
            read_simple_auth(context, child, jwt.realm);
        } else if (child.name == "ssl-trust-store") {
            read_trust_store(context, child, jwt.realm);
        } else if (auth::jwt_realm_fields().find_xml(child.name) != nullptr) {
            assign(context, auth::jwt_realm_fields(), &jwt.realm, child, text_of(context, child));
        }
    }
    if (const XmlElement* keys = configuration.child("jwks-endpoint"))
        entry.source_at = keys->text_at;
    else
        context.faults.error(configuration.at, "<configuration> of a jwt-realm lacks <jwks-endpoint>",
                             "name the URL of the provider's key set (jwks_uri in its discovery document)");
    return jwt;
}

FileRealmEntry read_file(const Context& context, const XmlElement& configuration, RealmEntry& entry) {
    static constexpr std::array<std::string_view, 1> kKnown{"file-path"};
    FileRealmEntry file;
    check_children(configuration, kKnown, {}, context.faults);
    const std::string path = child_text(context, configuration, "file-path");
    if (path.empty()) return file;
    file.path = full_path(context, path);
    entry.source_at = configuration.child("file-path")->text_at;
    const auto text = context.surroundings.read_file(file.path);
    if (!text) {
        context.faults.error(entry.source_at, fmt::format("file {} cannot be read", file.path),
                             fmt::format("a relative path counts from {}", context.home));
        return file;
    }
    file.data = read_ese_file_realm(file.path, *text, context.surroundings, context.faults);
    file.data.name = entry.name;
    return file;
}

}  // namespace

std::optional<RealmEntry> read_realm(const Context& context, const XmlElement& element) {
    bool known = false;
    for (const std::string_view realm : kRealms)
        known = known || realm == element.name;
    if (!known) {
        context.faults.error(element.at, fmt::format("unknown element <{}> in <realms>", element.name),
                             unknown_name_hint(element.name, kRealms));
        return std::nullopt;
    }
    static constexpr std::array<std::string_view, 3> kKnown{"name", "enabled", "configuration"};
    check_attributes(element, {}, context.faults);
    check_children(element, kKnown, {}, context.faults);
    RealmEntry entry;
    entry.at = entry.source_at = element.at;
    entry.name = child_text(context, element, "name");
    entry.enabled = child_boolean(context, element, "enabled").value_or(true);
    const XmlElement* configuration = element.child("configuration");
    if (element.name != "jwt-realm" && element.name != "file-realm") {
        entry.settings = UnsupportedRealm{element.name};
        context.faults.warning(element.at, fmt::format("<{}> is not supported by this version", element.name),
                               "pipelines that use it refuse everybody");
        return entry;
    }
    if (configuration == nullptr) {
        context.faults.error(element.at, fmt::format("<{}> lacks <configuration>", element.name));
        return entry;
    }
    check_attributes(*configuration, {}, context.faults);
    if (element.name == "jwt-realm")
        entry.settings = read_jwt(context, *configuration, entry);
    else
        entry.settings = read_file(context, *configuration, entry);
    return entry;
}

}  // namespace latchkey::config::ese
