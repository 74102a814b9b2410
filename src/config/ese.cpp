// The root of an ESE config: access log, realms, pipelines.
// SPDX-License-Identifier: Apache-2.0
#include "config/ese.h"

#include <array>

#include <fmt/core.h>

#include "config/ese_parts.h"
#include "config/xml_reader.h"

namespace latchkey::config {
namespace ese {

std::string text_only(const Context& context, const XmlElement& element, bool needed) {
    check_leaf(element, context.faults);
    if (element.text.empty() && needed)
        context.faults.error(element.at, fmt::format("<{}> is empty", element.name));
    return expand(element.text, element.text_at, context.home, Placeholders::EnvironmentOnly,
                  context.surroundings, context.faults);
}

std::string text_of(const Context& context, const XmlElement& element, bool needed) {
    check_attributes(element, {}, context.faults);
    return text_only(context, element, needed);
}

std::string child_text(const Context& context, const XmlElement& parent, std::string_view name, bool needed) {
    const XmlElement* child = parent.child(name);
    if (child != nullptr) return text_of(context, *child, needed);
    if (needed) context.faults.error(parent.at, fmt::format("<{}> lacks <{}>", parent.name, name));
    return {};
}

std::optional<bool> child_boolean(const Context& context, const XmlElement& parent, std::string_view name) {
    const XmlElement* child = parent.child(name);
    if (child == nullptr) return std::nullopt;
    const std::string text = text_of(context, *child);
    if (text.empty()) return std::nullopt;
    return read_boolean(child->text_at, fmt::format("<{}>", name), text, context.faults);
}

std::optional<std::string> attribute_text(const Context& context, const XmlElement& element,
                                          std::string_view name) {
    const XmlAttribute* attribute = element.attribute(name);
    if (attribute == nullptr) return std::nullopt;
    return expand(attribute->value, attribute->at, context.home, Placeholders::EnvironmentOnly,
                  context.surroundings, context.faults);
}

std::string full_path(const Context& context, const std::string& path) {
    return join_path(context.home, path);
}

void close(const Context& context, PipelineConfig& pipeline, const Position& at, const std::string& why) {
    if (pipeline.closed.empty()) pipeline.closed = why;
    context.faults.warning(
        at, fmt::format("the pipeline of listener {} refuses everybody: {}", pipeline.listener, why),
        "this version cannot enforce it, and does not run a listener with less");
}

namespace {

/// The root's attributes that carry nothing: namespaces, schema locations, a version.
void check_root_attributes(const XmlElement& root, Faults& faults) {
    static constexpr std::array<std::string_view, 1> kKnown{"version"};
    for (const XmlAttribute& attribute : root.attributes) {
        const bool schema = attribute.name.starts_with("xmlns") || attribute.name.starts_with("xsi:");
        if (schema || attribute.name == kKnown[0]) continue;
        faults.error(attribute.at, fmt::format("unknown attribute {} of <{}>", attribute.name, root.name),
                     unknown_name_hint(attribute.name, kKnown));
    }
}

/// A name that becomes part of a path inside the data folder.
std::string path_part(const Context& context, const XmlElement& block, std::string_view name,
                      std::string_view otherwise) {
    const XmlElement* child = block.child(name);
    if (child == nullptr) return std::string(otherwise);
    std::string part = text_of(context, *child);
    if (part.empty() || part == "." || part == ".." || part.find('/') != std::string::npos) {
        if (!part.empty())
            context.faults.error(child->text_at,
                                 fmt::format("<{}> must be one plain name, not \"{}\"", name, part),
                                 "the log stays below the data folder");
        return std::string(otherwise);
    }
    return part;
}

void read_access_log(const Context& context, const XmlElement& block, LogsConfig& logs) {
    static constexpr std::array<std::string_view, 4> kKnown{"enabled", "file-name", "sub-folder",
                                                            "write-through"};
    check_attributes(block, {}, context.faults);
    check_children(block, kKnown, {}, context.faults);
    logs.access = child_boolean(context, block, "enabled").value_or(true);
    logs.write_through = child_boolean(context, block, "write-through").value_or(false);
    const std::string folder = path_part(context, block, "sub-folder", "access");
    const std::string file = path_part(context, block, "file-name", "access");
    logs.access_file = fmt::format("log/{}/{}.log", folder, file);
}

void read_realms(const Context& context, const XmlElement& block, Configuration& configuration) {
    check_attributes(block, {}, context.faults);
    if (block.children.empty() && !block.text.empty()) check_children(block, {}, {}, context.faults);
    for (const XmlElement& element : block.children)
        if (auto realm = read_realm(context, element)) configuration.realms.push_back(std::move(*realm));
}

void read_pipelines(const Context& context, const XmlElement& block, Configuration& configuration) {
    static constexpr std::array<std::string_view, 3> kKnown{"listener-pipeline", "control-center-pipeline",
                                                            "rest-api-pipeline"};
    check_attributes(block, {}, context.faults);
    check_children(block, kKnown, kKnown, context.faults);
    for (const XmlElement& element : block.children) {
        if (element.name == "listener-pipeline") {
            configuration.pipelines.push_back(read_pipeline(context, element));
        } else if (element.name == "control-center-pipeline" || element.name == "rest-api-pipeline") {
            context.faults.warning(element.at,
                                   fmt::format("<{}> is not supported by this version", element.name),
                                   "that access stays closed");
        }
    }
}

/// Which part of a config or file realm a foreign root is, for people who pasted only that part.
std::string_view home_of(std::string_view name) {
    static constexpr std::array<std::string_view, 11> kConfigParts{
        "realms",           "pipelines",         "jwt-realm",  "file-realm",    "sql-realm",
        "ldap-realm",       "listener-pipeline", "access-log", "configuration", "control-center-pipeline",
        "rest-api-pipeline"};
    for (const std::string_view part : kConfigParts)
        if (part == name) return "enterprise-security-extension";
    static constexpr std::array<std::string_view, 8> kFileParts{
        "mqtt", "users", "roles", "user", "role", "permissions", "permission", "control-center"};
    for (const std::string_view part : kFileParts)
        if (part == name) return "ese-file-realm";
    return {};
}

/// Reports a root that is not the expected one.
bool check_root(const XmlElement& root, std::string_view expected, Faults& faults) {
    if (root.name == expected) return true;
    if (const std::string_view home = home_of(root.name); !home.empty()) {
        faults.error(root.at,
                     fmt::format("this is only a fragment: <{}> stands alone, without the <{}> around it",
                                 root.name, home),
                     home == expected ? "put it into a whole file, as the examples show"
                                      : fmt::format("and a file with <{}> is due here", expected));
    } else if (root.name == "enterprise-security-extension" || root.name == "ese-file-realm") {
        faults.error(root.at, fmt::format("this is <{}>, but <{}> is due here", root.name, expected),
                     "are the two files swapped?");
    } else {
        const std::array<std::string_view, 1> known{expected};
        faults.error(root.at, fmt::format("the root element is <{}>, not <{}>", root.name, expected),
                     unknown_name_hint(root.name, known));
    }
    return false;
}

}  // namespace

bool read_root(const std::string& file, std::string_view text, std::string_view expected, Faults& faults,
               XmlElement& root) {
    auto read = read_xml(file, text, faults);
    if (!read) return false;
    root = std::move(*read);
    if (!check_root(root, expected, faults)) return false;
    check_root_attributes(root, faults);
    return true;
}

}  // namespace ese

std::string ese_home(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    const std::string_view folder = path.substr(0, slash);
    if (folder == "conf") return ".";
    if (folder.ends_with("/conf"))
        return folder.size() == 5 ? "/" : std::string(folder.substr(0, folder.size() - 5));
    return folder.empty() ? "/" : std::string(folder);
}

Configuration read_ese(const std::string& path, std::string_view text, bool allow_plain_http,
                       const Surroundings& surroundings, Faults& faults) {
    static constexpr std::array<std::string_view, 3> kKnown{"access-log", "realms", "pipelines"};
    Configuration configuration;
    configuration.dialect = Dialect::HivemqEse;
    configuration.file = path;
    XmlElement root;
    if (!ese::read_root(path, text, "enterprise-security-extension", faults, root)) return configuration;
    const ese::Context context{ese_home(path), allow_plain_http, surroundings, faults};
    check_children(root, kKnown, {}, faults);
    if (const XmlElement* block = root.child("access-log"))
        ese::read_access_log(context, *block, configuration.logs);
    if (const XmlElement* block = root.child("realms")) ese::read_realms(context, *block, configuration);
    if (const XmlElement* block = root.child("pipelines")) {
        ese::read_pipelines(context, *block, configuration);
    } else {
        faults.warning(root.at, "no <pipelines>: every listener refuses everybody");
    }
    return configuration;
}

}  // namespace latchkey::config
