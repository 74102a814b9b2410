// Inside of the ESE translator: what its files share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fault.h"
#include "config/configuration.h"
#include "config/expand.h"
#include "config/xml_reader.h"

namespace latchkey::config::ese {

/// What every part of one load needs.
struct Context {
    std::string home;  ///< relative paths count from here
    bool allow_plain_http;
    const Surroundings& surroundings;
    Faults& faults;
};

/// Reads a document and checks its root; reports fragments and swapped files. @return false: nothing to walk
bool read_root(const std::string& file, std::string_view text, std::string_view expected, Faults& faults,
               XmlElement& root);

/// The value of a leaf without attributes, ${ENV:} resolved. Empty text is reported when it is needed.
std::string text_of(const Context& context, const XmlElement& element, bool needed = true);
/// The same for a leaf whose attributes the caller has looked at.
std::string text_only(const Context& context, const XmlElement& element, bool needed = true);
/// The child's value; reports its absence when it is needed.
std::string child_text(const Context& context, const XmlElement& parent, std::string_view name,
                       bool needed = true);
std::optional<bool> child_boolean(const Context& context, const XmlElement& parent, std::string_view name);
/// An attribute's value with ${ENV:} resolved; absent when it is not there.
std::optional<std::string> attribute_text(const Context& context, const XmlElement& element,
                                          std::string_view name);
std::string full_path(const Context& context, const std::string& path);

/// One child of <realms>; nothing for an unknown element (reported).
std::optional<RealmEntry> read_realm(const Context& context, const XmlElement& element);
/// One <listener-pipeline>.
PipelineConfig read_pipeline(const Context& context, const XmlElement& element);
std::vector<PreprocessorEntry> read_preprocessors(const Context& context, const XmlElement& element,
                                                  PipelineConfig& pipeline);
/// Closes the pipeline for the first reason given, and says each.
void close(const Context& context, PipelineConfig& pipeline, const Position& at, const std::string& why);

}  // namespace latchkey::config::ese
