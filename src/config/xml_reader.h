// XML as configuration: a small tree with positions, and strict helpers to walk it. pugixml stays inside
// the source file: no external entities, no DOCTYPE, 1 MiB, 32 levels.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "base/field.h"

namespace latchkey::config {

struct XmlAttribute {
    std::string name;
    std::string value;  ///< as written, references resolved
    Position at;
};

struct XmlElement {
    std::string name;
    Position at;  ///< of the name
    std::vector<XmlAttribute> attributes;
    std::vector<XmlElement> children;
    std::string text;  ///< trimmed of ordinary white space; of a leaf only
    Position text_at;  ///< where the trimmed text begins; the element's own place when it is empty

    const XmlAttribute* attribute(std::string_view wanted) const noexcept;
    /// The first child of that name; nullptr when absent.
    const XmlElement* child(std::string_view wanted) const noexcept;
};

/// Encoding, pasted characters, markup, tree. Adds faults for all it finds and gives the root when there is
/// one to walk, even if faults were added: the caller goes on collecting.
std::optional<XmlElement> read_xml(const std::string& file, std::string_view text, Faults& faults);

/// Reports every child that is not in `known` (with the nearest known name), every child outside `repeatable`
/// that comes twice, and text between the children.
void check_children(const XmlElement& element, std::span<const std::string_view> known,
                    std::span<const std::string_view> repeatable, Faults& faults);
/// Reports every attribute that is not in `known`.
void check_attributes(const XmlElement& element, std::span<const std::string_view> known, Faults& faults);
/// Reports children of a leaf.
void check_leaf(const XmlElement& element, Faults& faults);

/// true, false, 1, 0 (trimmed already); reports anything else.
std::optional<bool> read_boolean(const Position& at, std::string_view name, std::string_view text,
                                 Faults& faults);
/// A whole number from 0 to `most`.
std::optional<std::int64_t> read_integer(const Position& at, std::string_view name, std::string_view text,
                                         std::int64_t most, Faults& faults);

/// "; the known names are a, b, c" or "; did you mean x?" - the hint for a name that is not known.
std::string unknown_name_hint(std::string_view word, std::span<const std::string_view> known);

}  // namespace latchkey::config
