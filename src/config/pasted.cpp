// Finding and naming pasted characters.
// SPDX-License-Identifier: Apache-2.0
#include "config/pasted.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include <fmt/core.h>

#include "base/utf8.h"

namespace latchkey::config {
namespace {

constexpr std::size_t kPlacesPerCharacter = 5;

struct Kind {
    char32_t first;
    char32_t last;
    std::string_view name;     ///< of the Unicode standard; of the block for a range
    std::string_view instead;  ///< what to put there, for the message
    char ordinary;             ///< what the checked text holds instead; 0 = nothing
};

constexpr std::string_view kSpace = "replace it by an ordinary space";
constexpr std::string_view kDelete = "delete it; it is invisible in most editors";
constexpr std::string_view kQuote = "replace it by a straight quote \"";
constexpr std::string_view kApostrophe = "replace it by a straight quote '";
constexpr std::string_view kDash = "replace it by an ordinary hyphen -";
constexpr std::string_view kArrow = "delete the arrow and the remark beside it";

constexpr std::array kKinds = {
    Kind{0x00A0, 0x00A0, "NO-BREAK SPACE", kSpace, ' '},
    Kind{0x00AB, 0x00AB, "LEFT-POINTING DOUBLE ANGLE QUOTATION MARK", kQuote, '"'},
    Kind{0x00AD, 0x00AD, "SOFT HYPHEN", kDelete, 0},
    Kind{0x00B4, 0x00B4, "ACUTE ACCENT", kApostrophe, '\''},
    Kind{0x00BB, 0x00BB, "RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK", kQuote, '"'},
    Kind{0x061C, 0x061C, "ARABIC LETTER MARK", kDelete, 0},
    Kind{0x1680, 0x1680, "OGHAM SPACE MARK", kSpace, ' '},
    Kind{0x180E, 0x180E, "MONGOLIAN VOWEL SEPARATOR", kDelete, 0},
    Kind{0x2002, 0x2002, "EN SPACE", kSpace, ' '},
    Kind{0x2003, 0x2003, "EM SPACE", kSpace, ' '},
    Kind{0x2007, 0x2007, "FIGURE SPACE", kSpace, ' '},
    Kind{0x2009, 0x2009, "THIN SPACE", kSpace, ' '},
    Kind{0x2000, 0x200A, "a SPACE of unusual width", kSpace, ' '},
    Kind{0x200B, 0x200B, "ZERO WIDTH SPACE", kDelete, 0},
    Kind{0x200C, 0x200C, "ZERO WIDTH NON-JOINER", kDelete, 0},
    Kind{0x200D, 0x200D, "ZERO WIDTH JOINER", kDelete, 0},
    Kind{0x200E, 0x200E, "LEFT-TO-RIGHT MARK", kDelete, 0},
    Kind{0x200F, 0x200F, "RIGHT-TO-LEFT MARK", kDelete, 0},
    Kind{0x2013, 0x2013, "EN DASH", kDash, '-'},
    Kind{0x2014, 0x2014, "EM DASH", kDash, '-'},
    Kind{0x2010, 0x2015, "a typographic HYPHEN or DASH", kDash, '-'},
    Kind{0x2018, 0x2018, "LEFT SINGLE QUOTATION MARK", kApostrophe, '\''},
    Kind{0x2019, 0x2019, "RIGHT SINGLE QUOTATION MARK", kApostrophe, '\''},
    Kind{0x201A, 0x201B, "SINGLE QUOTATION MARK", kApostrophe, '\''},
    Kind{0x201C, 0x201C, "LEFT DOUBLE QUOTATION MARK", kQuote, '"'},
    Kind{0x201D, 0x201D, "RIGHT DOUBLE QUOTATION MARK", kQuote, '"'},
    Kind{0x201E, 0x201F, "DOUBLE QUOTATION MARK", kQuote, '"'},
    Kind{0x2022, 0x2023, "BULLET", "delete it", ' '},
    Kind{0x2026, 0x2026, "HORIZONTAL ELLIPSIS", "write out what it stands for", '.'},
    Kind{0x2028, 0x2029, "LINE or PARAGRAPH SEPARATOR", "replace it by a line break", ' '},
    Kind{0x202A, 0x202E, "a BIDIRECTIONAL CONTROL", kDelete, 0},
    Kind{0x202F, 0x202F, "NARROW NO-BREAK SPACE", kSpace, ' '},
    Kind{0x2032, 0x2032, "PRIME", kApostrophe, '\''},
    Kind{0x2033, 0x2033, "DOUBLE PRIME", kQuote, '"'},
    Kind{0x2039, 0x203A, "SINGLE ANGLE QUOTATION MARK", kApostrophe, '\''},
    Kind{0x205F, 0x205F, "MEDIUM MATHEMATICAL SPACE", kSpace, ' '},
    Kind{0x2060, 0x2060, "WORD JOINER", kDelete, 0},
    Kind{0x2061, 0x2064, "an INVISIBLE OPERATOR", kDelete, 0},
    Kind{0x2066, 0x2069, "a BIDIRECTIONAL CONTROL", kDelete, 0},
    Kind{0x2190, 0x2190, "LEFTWARDS ARROW", kArrow, ' '},
    Kind{0x2192, 0x2192, "RIGHTWARDS ARROW", kArrow, ' '},
    Kind{0x2190, 0x21FF, "an ARROW", kArrow, ' '},
    Kind{0x2212, 0x2212, "MINUS SIGN", kDash, '-'},
    Kind{0x2794, 0x27BE, "an ARROW", kArrow, ' '},
    Kind{0x27F0, 0x27FF, "an ARROW", kArrow, ' '},
    Kind{0x2900, 0x297F, "an ARROW", kArrow, ' '},
    Kind{0x2B00, 0x2B4F, "an ARROW", kArrow, ' '},
    Kind{0x3000, 0x3000, "IDEOGRAPHIC SPACE", kSpace, ' '},
    Kind{0xFE0E, 0xFE0F, "VARIATION SELECTOR", kDelete, 0},
    Kind{0xFEFF, 0xFEFF, "ZERO WIDTH NO-BREAK SPACE (byte order mark)", kDelete, 0},
    Kind{0xFF02, 0xFF02, "FULLWIDTH QUOTATION MARK", kQuote, '"'},
    Kind{0xFF1C, 0xFF1C, "FULLWIDTH LESS-THAN SIGN", "replace it by <", '<'},
    Kind{0xFF1D, 0xFF1D, "FULLWIDTH EQUALS SIGN", "replace it by =", '='},
    Kind{0xFF1E, 0xFF1E, "FULLWIDTH GREATER-THAN SIGN", "replace it by >", '>'},
    Kind{0xFFFD, 0xFFFD, "REPLACEMENT CHARACTER", "write what stood there before a program lost it", '?'},
};

const Kind* find_kind(char32_t code_point) {
    if (code_point < 0x00A0) return nullptr;
    for (const Kind& kind : kKinds)
        if (code_point >= kind.first && code_point <= kind.last) return &kind;
    return nullptr;
}

/// Where comments are, byte by byte; only what decides that is understood of each language.
class CommentTracker {
  public:
    CommentTracker(std::string_view text, Markup markup) : text_(text), markup_(markup) {}

    /// Called with every ASCII offset in order. @return whether content (not comment) stands at `offset`.
    bool content_at(std::size_t offset) {
        if (offset < skip_until_) return !in_comment_;
        return markup_ == Markup::Xml ? xml(offset) : toml(offset);
    }

    /// TOML: whether the last offset given lies inside a string.
    bool in_string() const { return !quote_.empty(); }
    /// TOML: whether the character at `offset` stands behind the backslash of an escape.
    bool escaped(std::size_t offset) const { return offset < skip_until_ && quote_.starts_with('"'); }

  private:
    bool starts(std::size_t offset, std::string_view what) const {
        return text_.substr(offset, what.size()) == what;
    }
    bool xml(std::size_t offset) {
        if (in_comment_ && starts(offset, "-->")) {
            in_comment_ = false;
        } else if (!in_comment_ && starts(offset, "<!--")) {
            in_comment_ = true;
            skip_until_ = offset + 4;
        }
        return !in_comment_;
    }
    bool toml(std::size_t offset) {
        const char c = text_[offset];
        if (in_comment_) {
            in_comment_ = c != '\n';
            return !in_comment_;
        }
        if (!quote_.empty()) {
            if (c == '\\' && quote_.front() == '"')
                skip_until_ = offset + 2;
            else if (starts(offset, quote_)) {
                skip_until_ = offset + quote_.size();
                // A long string may end in one or two quotes of its own.
                for (int own = 0; quote_.size() == 3 && own < 2 && starts(skip_until_, quote_.substr(0, 1));
                     ++own)
                    ++skip_until_;
                quote_ = {};
            } else if (c == '\n' && quote_.size() == 1) {
                quote_ = {};  // a string that was never closed; the parser says so
            }
            return true;
        }
        for (const std::string_view quote : {"\"\"\"", "'''", "\"", "'"}) {
            if (starts(offset, quote)) {
                quote_ = quote;
                skip_until_ = offset + quote.size();
                return true;
            }
        }
        in_comment_ = c == '#';
        return !in_comment_;
    }

    std::string_view text_;
    Markup markup_;
    bool in_comment_ = false;
    std::string_view quote_;
    std::size_t skip_until_ = 0;
};

/// Line and column of a forward walk, so that a file full of findings stays linear.
struct Cursor {
    std::uint32_t line = 1;
    std::uint32_t column = 1;
    void pass(char32_t code_point) {
        if (code_point == '\n') {
            ++line;
            column = 1;
        } else {
            ++column;
        }
    }
};

struct Run {
    char32_t code_point;
    Position at;
    std::size_t length;
};

void report(const std::vector<Run>& runs, Faults& faults) {
    std::map<char32_t, std::size_t> total;
    std::map<char32_t, std::size_t> seen;
    for (const Run& run : runs)
        ++total[run.code_point];
    for (const Run& run : runs) {
        const Kind& kind = *find_kind(run.code_point);
        const std::string name =
            fmt::format("U+{:04X} {}", static_cast<std::uint32_t>(run.code_point), kind.name);
        const std::size_t place = ++seen[run.code_point];
        if (place <= kPlacesPerCharacter) {
            faults.error(run.at,
                         run.length == 1 ? name + " stands here"
                                         : fmt::format("{} times {} stands here", run.length, name),
                         std::string(kind.instead));
        } else if (place == kPlacesPerCharacter + 1) {
            faults.error(
                run.at,
                fmt::format("{} stands here and in {} more places", name, total[run.code_point] - place),
                "a file pasted from a web page? Replace them all at once");
        }
    }
}

}  // namespace

bool check_encoding(std::string_view file, std::string_view text, Faults& faults) {
    const Position start{std::string(file), 1, 1};
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
        (text.size() >= 2 && (text[0] == '\0' || text[1] == '\0'))) {
        faults.error(start, "the file is not UTF-8 (it looks like UTF-16)", "save it as UTF-8");
        return false;
    }
    for (std::size_t offset = 0; offset < text.size();) {
        const Utf8Char c = decode_utf8(text, offset);
        if (c.size == 0) {
            faults.error(position_at(file, text, offset),
                         fmt::format("byte 0x{:02X} is not UTF-8", static_cast<unsigned char>(text[offset])),
                         "save the file as UTF-8");
            return false;
        }
        if ((c.code_point < 0x20 && c.code_point != '\t' && c.code_point != '\n' && c.code_point != '\r') ||
            (c.code_point >= 0x7F && c.code_point < 0xA0)) {
            faults.error(position_at(file, text, offset),
                         fmt::format("control character U+{:04X} stands here",
                                     static_cast<std::uint32_t>(c.code_point)),
                         "delete it");
            return false;
        }
        offset += c.size;
    }
    return true;
}

std::string check_pasted(std::string_view file, std::string_view text, Markup markup, Faults& faults) {
    CommentTracker comments(text, markup);
    Cursor cursor;
    std::vector<Run> runs;
    std::string clean;
    clean.reserve(text.size());
    bool content = true;
    bool adjacent = false;
    std::size_t offset = 0;
    if (text.starts_with("\xEF\xBB\xBF")) offset = 3;  // a byte order mark at the very start is allowed
    while (offset < text.size()) {
        const Utf8Char c = decode_utf8(text, offset);
        const std::size_t size = c.size == 0 ? 1 : c.size;
        if (size == 1) content = comments.content_at(offset);
        const Kind* kind = content && size > 1 ? find_kind(c.code_point) : nullptr;
        if (kind == nullptr) {
            clean.append(text.substr(offset, size));
            adjacent = false;
        } else {
            if (adjacent && runs.back().code_point == c.code_point)
                ++runs.back().length;
            else
                runs.push_back({c.code_point, {std::string(file), cursor.line, cursor.column}, 1});
            adjacent = true;
            if (kind->ordinary != 0) clean.push_back(kind->ordinary);
        }
        cursor.pass(c.code_point);
        offset += size;
    }
    report(runs, faults);
    return clean;
}

bool check_toml_ascii(std::string_view file, std::string_view text, Faults& faults) {
    CommentTracker comments(text, Markup::Toml);
    bool content = true;
    for (std::size_t offset = 0; offset < text.size();) {
        const Utf8Char c = decode_utf8(text, offset);
        if (c.size <= 1) {
            content = comments.content_at(offset);
        } else if (content && (!comments.in_string() || comments.escaped(offset))) {
            const bool escaped = comments.in_string();
            faults.error(
                position_at(file, text, offset),
                fmt::format("U+{:04X} stands {}", static_cast<std::uint32_t>(c.code_point),
                            escaped ? "behind a backslash" : "outside quotes"),
                escaped ? "write \\\\ for a backslash" : "only strings and comments hold such characters");
            return false;
        }
        offset += std::max<std::size_t>(c.size, 1);
    }
    return true;
}

}  // namespace latchkey::config
