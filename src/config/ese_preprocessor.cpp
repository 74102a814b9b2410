// The preprocessors of an ESE config.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <fmt/core.h>

#include "config/ese_parts.h"

namespace latchkey::config::ese {
namespace {

constexpr std::array<std::string_view, 9> kKnown{
    "jwt-preprocessor",          "plain-preprocessor",         "custom-preprocessor",
    "http-headers-preprocessor", "x509-preprocessor",          "regex-preprocessor",
    "splitting-preprocessor",    "concatenation-preprocessor", "logging-preprocessor"};

auth::JwtPreprocessorConfig read_jwt(const Context& context, const XmlElement& element) {
    static constexpr std::array<std::string_view, 2> kAttributes{"prefix", "postfix"};
    static constexpr std::array<std::string_view, 2> kChildren{"source", "jwt-extractions"};
    static constexpr std::array<std::string_view, 1> kItem{"jwt-extraction"};
    static constexpr std::array<std::string_view, 2> kParts{"jwt-claim", "ese-variable"};
    auth::JwtPreprocessorConfig config;
    config.at = element.at;
    check_attributes(element, kAttributes, context.faults);
    check_children(element, kChildren, {}, context.faults);
    config.prefix = attribute_text(context, element, "prefix").value_or("");
    config.postfix = attribute_text(context, element, "postfix").value_or("");
    if (element.child("source") != nullptr) config.source = child_text(context, element, "source");
    const XmlElement* list = element.child("jwt-extractions");
    if (list == nullptr) return config;  // auth says that it does nothing
    check_attributes(*list, {}, context.faults);
    check_children(*list, kItem, kItem, context.faults);
    for (const XmlElement& item : list->children) {
        if (item.name != kItem[0]) continue;
        check_attributes(item, {}, context.faults);
        check_children(item, kParts, {}, context.faults);
        config.extractions.push_back(
            {child_text(context, item, "jwt-claim"), child_text(context, item, "ese-variable"), item.at});
    }
    return config;
}

auth::PlainPreprocessorConfig read_plain(const Context& context, const XmlElement& element) {
    static constexpr std::array<std::string_view, 1> kChildren{"transformations"};
    static constexpr std::array<std::string_view, 1> kItem{"transformation"};
    static constexpr std::array<std::string_view, 2> kParts{"from", "to"};
    static constexpr std::array<std::string_view, 1> kAttributes{"encoding"};
    auth::PlainPreprocessorConfig config;
    config.at = element.at;
    check_attributes(element, {}, context.faults);
    check_children(element, kChildren, {}, context.faults);
    const XmlElement* list = element.child("transformations");
    if (list == nullptr) return config;  // auth says that it does nothing
    check_attributes(*list, {}, context.faults);
    check_children(*list, kItem, kItem, context.faults);
    for (const XmlElement& item : list->children) {
        if (item.name != kItem[0]) continue;
        check_attributes(item, kAttributes, context.faults);
        check_children(item, kParts, {}, context.faults);
        const auto encoding = attribute_text(context, item, "encoding");
        if (encoding && *encoding != "UTF8" && *encoding != "UTF-8")
            context.faults.error(item.attribute("encoding")->at,
                                 fmt::format("encoding \"{}\" is not supported", *encoding), "write UTF8");
        config.transformations.push_back({child_text(context, item, "from"), child_text(context, item, "to"),
                                          encoding.has_value(), item.at});
    }
    return config;
}

std::string unsupported(std::string_view name) {
    if (name == "custom-preprocessor")
        return "<custom-preprocessor> is Java code, which cannot be loaded; plain-preprocessor and "
               "jwt-preprocessor, or "
               "native TOML, must do its work";
    return fmt::format("<{}> is not supported by this version", name);
}

}  // namespace

std::vector<PreprocessorEntry> read_preprocessors(const Context& context, const XmlElement& element,
                                                  PipelineConfig& pipeline) {
    std::vector<PreprocessorEntry> list;
    check_attributes(element, {}, context.faults);
    check_children(element, kKnown, kKnown, context.faults);
    for (const XmlElement& child : element.children) {
        if (child.name == "jwt-preprocessor") {
            list.emplace_back(read_jwt(context, child));
        } else if (child.name == "plain-preprocessor") {
            list.emplace_back(read_plain(context, child));
        } else {
            for (const std::string_view known : kKnown)
                if (known == child.name) close(context, pipeline, child.at, unsupported(child.name));
        }
    }
    return list;
}

}  // namespace latchkey::config::ese
