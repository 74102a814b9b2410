// The scan: one forward pass with a stack of open elements.
// SPDX-License-Identifier: Apache-2.0
#include "config/xml_scan.h"

#include <array>
#include <string>
#include <vector>

#include <fmt/core.h>

namespace latchkey::config {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_name(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

class Scanner {
  public:
    Scanner(std::string_view file, std::string_view text, Faults& faults)
        : file_(file), text_(text), faults_(faults) {}

    bool run() {
        while (at_ < text_.size()) {
            const bool ok = text_[at_] == '<' ? markup() : character_data();
            if (!ok) return false;
        }
        return finish() && !broken_;
    }

  private:
    bool stop(std::size_t where, std::string message, std::string hint = {}) {
        faults_.error(position_at(file_, text_, where), std::move(message), std::move(hint));
        return false;
    }
    std::string place(std::size_t offset) const {
        const Position at = position_at(file_, text_, offset);
        return fmt::format("{}:{}", at.line, at.column);
    }
    bool starts(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

    bool markup() {
        if (starts("<!--")) return skip_past("-->", 4, "this comment is never closed", "close it with -->");
        if (starts("<![CDATA[")) {
            if (open_.empty()) return stop(at_, "text stands outside the root element");
            return skip_past("]]>", 9, "this CDATA section is never closed", "close it with ]]>");
        }
        if (starts("<?")) return instruction();
        if (starts("<!"))
            return stop(at_, "a DOCTYPE or other declaration is not allowed",
                        "delete it: entities are not resolved");
        if (starts("</")) return end_tag();
        return start_tag();
    }

    bool skip_past(std::string_view end, std::size_t from, std::string message, std::string hint) {
        const std::size_t found = text_.find(end, at_ + from);
        if (found == std::string_view::npos) return stop(at_, std::move(message), std::move(hint));
        at_ = found + end.size();
        return true;
    }

    bool instruction() {
        const std::size_t start = at_;
        if (!skip_past("?>", 2, "this <? instruction is never closed", "close it with ?>")) return false;
        const std::string_view body = text_.substr(start, at_ - start);
        if (!body.starts_with("<?xml") || body.size() < 6 || !is_space(body[5])) return true;
        if (start != 0)
            return stop(start, "a second <?xml ...?> line stands here",
                        "two pasted pieces? One file holds one document");
        const std::size_t encoding = body.find("encoding");
        if (encoding == std::string_view::npos) return true;
        std::string value;
        for (std::size_t i = body.find_first_of("\"'", encoding); i < body.size(); ++i) {
            if (body[i] == '"' || body[i] == '\'') {
                if (!value.empty()) break;
            } else {
                value.push_back(static_cast<char>(body[i] >= 'A' && body[i] <= 'Z' ? body[i] + 32 : body[i]));
            }
        }
        if (value == "utf-8" || value == "utf8" || value == "us-ascii" || value == "ascii") return true;
        return stop(start + encoding, fmt::format("encoding \"{}\" is not supported", value),
                    "save the file as UTF-8 and say so");
    }

    bool start_tag() {
        const std::size_t start = at_;
        ++at_;
        if (at_ >= text_.size() || !is_name_start(text_[at_]))
            return stop(start, "a < that opens no element stands here",
                        "write &lt; for the character itself");
        const std::string_view name = take_name();
        if (open_.empty() && seen_root_)
            return stop(start + 1,
                        fmt::format("a second top-level element <{}> begins here; <{}> was closed before",
                                    name, root_),
                        "pieces of an article glued together? Exactly one root element holds everything");
        if (open_.size() >= kMaxXmlDepth)
            return stop(start + 1, fmt::format("elements are nested deeper than {} levels", kMaxXmlDepth));
        if (!seen_root_) root_ = name;
        seen_root_ = true;
        bool closed = false;
        if (!attributes(name, closed)) return false;
        if (!closed) open_.push_back({name, start + 1});
        return true;
    }

    std::string_view take_name() {
        const std::size_t start = at_;
        while (at_ < text_.size() && is_name(text_[at_]))
            ++at_;
        return text_.substr(start, at_ - start);
    }
    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_]))
            ++at_;
    }

    bool attributes(std::string_view element, bool& closed) {
        std::vector<std::string_view> names;
        for (;;) {
            const bool spaced = at_ < text_.size() && is_space(text_[at_]);
            skip_space();
            if (at_ >= text_.size())
                return stop(text_.size(), fmt::format("the file ends inside the tag <{}", element));
            if (text_[at_] == '>') {
                ++at_;
                return true;
            }
            if (starts("/>")) {
                at_ += 2;
                closed = true;
                return true;
            }
            if (!spaced || !is_name_start(text_[at_]))
                return stop(at_, fmt::format("the tag <{}> is broken here", element),
                            "it must end with > or />");
            const std::size_t start = at_;
            const std::string_view name = take_name();
            for (const std::string_view other : names)
                if (other == name) return stop(start, fmt::format("attribute {} is given twice", name));
            names.push_back(name);
            if (!attribute_value(name)) return false;
        }
    }

    bool attribute_value(std::string_view name) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != '=')
            return stop(at_, fmt::format("attribute {} has no value", name),
                        fmt::format("write {}=\"...\"", name));
        ++at_;
        skip_space();
        if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\''))
            return stop(at_, fmt::format("the value of attribute {} is not quoted", name),
                        fmt::format("write {}=\"...\"", name));
        const char quote = text_[at_];
        const std::size_t start = at_;
        const std::size_t end = text_.find(quote, start + 1);
        if (end == std::string_view::npos)
            return stop(start, fmt::format("the value of attribute {} is never closed", name));
        if (text_.substr(start, end - start).find('<') != std::string_view::npos)
            return stop(start, fmt::format("a < stands inside the value of attribute {}", name),
                        "is the closing quote missing?");
        for (at_ = start + 1; at_ < end; ++at_)
            if (text_[at_] == '&') reference(end);
        at_ = end + 1;
        return true;
    }

    bool end_tag() {
        const std::size_t start = at_;
        at_ += 2;
        const std::string_view name = take_name();
        skip_space();
        if (name.empty() || at_ >= text_.size() || text_[at_] != '>')
            return stop(start, "this closing tag is broken", "write </name>");
        ++at_;
        if (open_.empty())
            return stop(start, fmt::format("</{}> closes nothing: no element is open", name),
                        "a fragment? The opening tag is missing");
        const Open& top = open_.back();
        if (top.name != name)
            return stop(start, fmt::format("</{}> stands where </{}> is due: <{}> was opened at {}", name,
                                           top.name, top.name, place(top.offset)));
        open_.pop_back();
        return true;
    }

    bool character_data() {
        const std::size_t end = std::min(text_.find('<', at_), text_.size());
        for (; at_ < end; ++at_) {
            if (text_[at_] == '&') reference(end);
            if (!open_.empty() || is_space(text_[at_])) continue;
            return stop(at_,
                        seen_root_ ? fmt::format("text stands behind </{}>, outside the root element", root_)
                                   : std::string("text stands before the first element"),
                        "delete it, or write it as a comment <!-- ... -->");
        }
        return true;
    }

    /// Standing on `&`: one of the five names or a number.
    void reference(std::size_t end) {
        const std::size_t semicolon = text_.substr(0, end).find(';', at_);
        const std::string_view name = semicolon == std::string_view::npos
                                          ? std::string_view()
                                          : text_.substr(at_ + 1, semicolon - at_ - 1);
        static constexpr std::array<std::string_view, 5> kNames{"lt", "gt", "amp", "quot", "apos"};
        for (const std::string_view known : kNames)
            if (name == known) return;
        if (name.size() > 1 && name[0] == '#' && is_number(name.substr(1))) return;
        broken_ = true;
        const Position at = position_at(file_, text_, at_);
        if (!name.empty() && name.size() <= 10 && name.find_first_of(" \t\n&") == std::string_view::npos)
            faults_.error(at, fmt::format("&{}; is not known in XML", name),
                          name == "nbsp" ? "write an ordinary space" : "write the character itself");
        else
            faults_.error(at, "a bare & stands here", "write &amp;");
    }
    static bool is_number(std::string_view digits) {
        const bool hex = digits.starts_with('x');
        if (hex) digits.remove_prefix(1);
        std::uint32_t value = 0;
        for (const char c : digits) {
            const bool decimal = c >= '0' && c <= '9';
            const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            if (!decimal && !(hex && letter)) return false;
            value = value * (hex ? 16U : 10U) +
                    static_cast<std::uint32_t>(decimal ? c - '0' : (c | 0x20) - 'a' + 10);
            if (value > 0x10FFFF) return false;
        }
        const bool control = value < 0x20 && value != '\t' && value != '\n' && value != '\r';
        return !digits.empty() && !control && (value < 0xD800 || value > 0xDFFF);
    }

    bool finish() {
        if (!open_.empty())
            return stop(text_.size(),
                        fmt::format("the file ends inside <{}>, opened at {}", open_.back().name,
                                    place(open_.back().offset)),
                        fmt::format("only a fragment? <{}> was never closed", open_.front().name));
        if (!seen_root_) return stop(0, "the file holds no element");
        return true;
    }

    struct Open {
        std::string_view name;
        std::size_t offset;
    };
    std::string_view file_;
    std::string_view text_;
    Faults& faults_;
    std::size_t at_ = 0;
    std::vector<Open> open_;
    std::string_view root_;
    bool seen_root_ = false;
    bool broken_ = false;
};

}  // namespace

bool scan_xml(std::string_view file, std::string_view text, Faults& faults) {
    return Scanner(file, text, faults).run();
}

}  // namespace latchkey::config
