// The tree, built from pugixml's, and the walking helpers.
// SPDX-License-Identifier: Apache-2.0
#include "config/xml_reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>
#include <pugixml.hpp>

#include "config/pasted.h"
#include "config/xml_scan.h"

namespace latchkey::config {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

/// Turns byte offsets into positions in one forward pass: the tree is built in document order.
class Places {
  public:
    Places(const std::string& file, std::string_view text) : text_(text), at_{file, 1, 1} {}
    Position at(std::size_t offset) {
        if (offset < done_) return position_at(at_.file, text_, offset);
        for (; done_ < offset && done_ < text_.size(); ++done_) {
            const unsigned char byte = static_cast<unsigned char>(text_[done_]);
            if (byte == '\n') {
                ++at_.line;
                at_.column = 1;
            } else if ((byte & 0xC0U) != 0x80U) {
                ++at_.column;
            }
        }
        return at_;
    }

  private:
    std::string_view text_;
    Position at_;
    std::size_t done_ = 0;
};

/// Builds our tree. pugixml gives the offset of a name; attributes are found again in the text behind it,
/// which scan_xml has found well formed.
class Builder {
  public:
    Builder(const std::string& file, std::string_view text, Faults& faults)
        : text_(text), places_(file, text), faults_(faults) {}

    XmlElement build(const pugi::xml_node& node) {
        XmlElement element;
        element.name = node.name();
        std::size_t offset = static_cast<std::size_t>(node.offset_debug());
        element.at = places_.at(offset);
        element.text_at = element.at;
        offset += element.name.size();
        for (const pugi::xml_attribute& attribute : node.attributes()) {
            offset = text_.find_first_not_of(kSpaces, offset);
            element.attributes.push_back({attribute.name(), attribute.value(), places_.at(offset)});
            const std::size_t quote = text_.find_first_of("\"'", offset);
            offset = text_.find(text_[quote], quote + 1) + 1;
        }
        content(node, element);
        return element;
    }

  private:
    void content(const pugi::xml_node& node, XmlElement& element) {
        struct Piece {
            std::string text;
            Position at;
        };
        std::vector<Piece> pieces;
        for (const pugi::xml_node& child : node.children()) {
            switch (child.type()) {
                case pugi::node_element:
                    element.children.push_back(build(child));
                    break;
                case pugi::node_pcdata:
                case pugi::node_cdata: {
                    const std::size_t start = static_cast<std::size_t>(child.offset_debug());
                    const std::size_t first = std::min(text_.find_first_not_of(kSpaces, start), text_.size());
                    pieces.push_back({child.value(), places_.at(first)});
                    break;
                }
                case pugi::node_null:
                case pugi::node_document:
                case pugi::node_comment:
                case pugi::node_pi:
                case pugi::node_declaration:
                case pugi::node_doctype:
                    break;
            }
        }
        bool placed = false;
        for (const Piece& piece : pieces) {
            const bool blank = piece.text.find_first_not_of(kSpaces) == std::string::npos;
            if (!blank && !element.children.empty()) {
                faults_.error(piece.at, fmt::format("text stands between the children of <{}>", element.name),
                              "delete it, or write it as a comment <!-- ... -->");
                continue;
            }
            if (!blank && !placed) element.text_at = piece.at;
            placed = placed || !blank;
            element.text += piece.text;
        }
        const std::size_t first = element.text.find_first_not_of(kSpaces);
        if (first == std::string::npos || !element.children.empty()) {
            element.text.clear();
            return;
        }
        element.text = element.text.substr(first, element.text.find_last_not_of(kSpaces) - first + 1);
    }

    std::string_view text_;
    Places places_;
    Faults& faults_;
};

bool contains(std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const XmlAttribute* XmlElement::attribute(std::string_view wanted) const noexcept {
    for (const XmlAttribute& attribute : attributes)
        if (attribute.name == wanted) return &attribute;
    return nullptr;
}

const XmlElement* XmlElement::child(std::string_view wanted) const noexcept {
    for (const XmlElement& element : children)
        if (element.name == wanted) return &element;
    return nullptr;
}

std::optional<XmlElement> read_xml(const std::string& file, std::string_view text, Faults& faults) {
    if (text.size() > kMaxFileBytes) {
        faults.error({file, 1, 1}, "the file is larger than 1 MiB",
                     "a configuration is smaller; is this the right file?");
        return std::nullopt;
    }
    if (!check_encoding(file, text, faults)) return std::nullopt;
    const std::string clean = check_pasted(file, text, Markup::Xml, faults);
    if (!scan_xml(file, clean, faults)) return std::nullopt;
    pugi::xml_document document;
    // No DOCTYPE option, no instructions, no comments: they carry nothing. Attribute values stay as written.
    constexpr unsigned kOptions = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_eol;
    const pugi::xml_parse_result parsed =
        document.load_buffer(clean.data(), clean.size(), kOptions, pugi::encoding_utf8);
    const pugi::xml_node root = document.document_element();
    if (!parsed || !root) {
        faults.error(
            position_at(file, clean, static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0))),
            fmt::format("this is no well-formed XML: {}", parsed.description()));
        return std::nullopt;
    }
    return Builder(file, clean, faults).build(root);
}

std::string unknown_name_hint(std::string_view word, std::span<const std::string_view> known) {
    if (const auto nearest = nearest_name(word, known)) return fmt::format("did you mean {}?", *nearest);
    if (known.empty()) return {};
    std::string hint = "known here: ";
    for (const std::string_view name : known) {
        if (hint.size() > 12) hint += ", ";
        hint += name;
    }
    return hint;
}

void check_children(const XmlElement& element, std::span<const std::string_view> known,
                    std::span<const std::string_view> repeatable, Faults& faults) {
    if (element.children.empty() && !element.text.empty())
        faults.error(element.text_at, fmt::format("<{}> holds text where elements are due", element.name),
                     unknown_name_hint({}, known));
    for (const XmlElement& child : element.children) {
        if (!contains(known, child.name)) {
            faults.error(child.at, fmt::format("unknown element <{}> in <{}>", child.name, element.name),
                         unknown_name_hint(child.name, known));
        } else if (!contains(repeatable, child.name) && element.child(child.name) != &child) {
            faults.error(child.at, fmt::format("<{}> is given twice in <{}>", child.name, element.name),
                         fmt::format("the first stands in line {}", element.child(child.name)->at.line));
        }
    }
}

void check_attributes(const XmlElement& element, std::span<const std::string_view> known, Faults& faults) {
    for (const XmlAttribute& attribute : element.attributes)
        if (!contains(known, attribute.name))
            faults.error(attribute.at,
                         fmt::format("unknown attribute {} of <{}>", attribute.name, element.name),
                         known.empty() ? "it takes none" : unknown_name_hint(attribute.name, known));
}

void check_leaf(const XmlElement& element, Faults& faults) {
    for (const XmlElement& child : element.children)
        faults.error(child.at, fmt::format("unknown element <{}> in <{}>", child.name, element.name),
                     "a value is due here");
}

std::optional<bool> read_boolean(const Position& at, std::string_view name, std::string_view text,
                                 Faults& faults) {
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
    faults.error(at, fmt::format("{} is \"{}\", which is neither true nor false", name, text),
                 "write true or false");
    return std::nullopt;
}

std::optional<std::int64_t> read_integer(const Position& at, std::string_view name, std::string_view text,
                                         std::int64_t most, Faults& faults) {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= 0 && value <= most) return value;
    faults.error(at, fmt::format("{} is \"{}\", which is no whole number from 0 to {}", name, text, most));
    return std::nullopt;
}

}  // namespace latchkey::config
