// The reader of json.h: Boost.JSON's basic_parser drives a handler that builds our values and refuses what
// two readers could read differently.
// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace latchkey::json {
namespace {

namespace bj = boost::json;

/// basic_parser recurses once per level; more than this would be a gamble with the stack.
constexpr std::size_t kMostDepth = 512;
/// Objects up to this size look for duplicates by comparing; larger ones keep an ordered index (no hash to
/// flood).
constexpr std::size_t kScannedMembers = 16;

class Handler {
  public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    explicit Handler(const Limits& limits) : limits_(limits) {}

    const ErrorInfo* refused() const { return refused_; }
    Value take() { return std::move(root_); }

    bool on_document_begin(bj::error_code&) { return true; }
    bool on_document_end(bj::error_code&) { return true; }
    bool on_object_begin(bj::error_code& ec) { return open(true, ec); }
    bool on_array_begin(bj::error_code& ec) { return open(false, ec); }
    bool on_object_end(std::size_t, bj::error_code&) {
        Value value(std::move(frames_.back().object));
        frames_.pop_back();
        return attach(std::move(value));
    }
    bool on_array_end(std::size_t, bj::error_code&) {
        Value value(std::move(frames_.back().array));
        frames_.pop_back();
        return attach(std::move(value));
    }

    bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) { return append(part); }
    bool on_key(bj::string_view part, std::size_t, bj::error_code& ec) {
        append(part);
        Frame& frame = frames_.back();
        std::string name = std::exchange(text_, {});
        if (is_duplicate(frame, name)) return refuse(kJsonDuplicate, ec);
        frame.object.push_back(Member{std::move(name), Value()});
        return true;
    }
    bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) { return append(part); }
    bool on_string(bj::string_view part, std::size_t, bj::error_code& ec) {
        append(part);
        return count(ec) && attach(Value(std::exchange(text_, {})));
    }
    bool on_number_part(bj::string_view part, bj::error_code&) { return append(part); }
    bool on_int64(std::int64_t, bj::string_view part, bj::error_code& ec) { return on_number(part, ec); }
    bool on_uint64(std::uint64_t, bj::string_view part, bj::error_code& ec) { return on_number(part, ec); }
    bool on_double(double, bj::string_view part, bj::error_code& ec) { return on_number(part, ec); }
    bool on_bool(bool value, bj::error_code& ec) { return count(ec) && attach(Value(value)); }
    bool on_null(bj::error_code& ec) { return count(ec) && attach(Value()); }
    bool on_comment_part(bj::string_view, bj::error_code&) { return false; }
    bool on_comment(bj::string_view, bj::error_code&) { return false; }

  private:
    struct Frame {
        bool is_object;
        Array array{};
        Object object{};
        std::set<std::string, std::less<>> names{};  ///< filled when there are many members
    };

    bool append(bj::string_view part) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_number(bj::string_view part, bj::error_code& ec) {
        append(part);
        return count(ec) && attach(Value(Number(std::exchange(text_, {}))));
    }
    bool refuse(const ErrorInfo& why, bj::error_code& ec) {
        refused_ = &why;
        ec = bj::error::syntax;
        return false;
    }
    bool count(bj::error_code& ec) { return ++values_ <= limits_.max_values || refuse(kJsonTooMany, ec); }
    bool open(bool is_object, bj::error_code& ec) {
        if (frames_.size() >= limits_.max_depth) return refuse(kJsonTooDeep, ec);
        if (!count(ec)) return false;
        frames_.push_back(Frame{is_object});
        return true;
    }
    bool attach(Value value) {
        if (frames_.empty()) {
            root_ = std::move(value);
        } else if (frames_.back().is_object) {
            frames_.back().object.back().value = std::move(value);
        } else {
            frames_.back().array.push_back(std::move(value));
        }
        return true;
    }
    static bool is_duplicate(Frame& frame, const std::string& name) {
        const auto same_name = [&](const Member& member) { return member.name == name; };
        if (frame.object.size() < kScannedMembers) return std::ranges::any_of(frame.object, same_name);
        if (frame.names.empty()) {
            for (const Member& member : frame.object)
                frame.names.insert(member.name);
        }
        return !frame.names.insert(name).second;
    }

    const Limits& limits_;
    const ErrorInfo* refused_ = nullptr;
    std::size_t values_ = 0;
    std::vector<Frame> frames_;
    std::string text_;
    Value root_;
};

Location locate(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    const std::size_t newline = before.rfind('\n');
    const auto lines = static_cast<std::size_t>(std::ranges::count(before, '\n'));
    return {offset, 1 + lines, newline == std::string_view::npos ? offset + 1 : offset - newline};
}

std::unexpected<Error> refuse(const ErrorInfo& info, std::string_view text, std::size_t offset,
                              std::string_view reason, Location* where) {
    const Location at = locate(text, std::min(offset, text.size()));
    if (where != nullptr) *where = at;
    std::string detail = fmt::format("offset {}, line {}, column {}", at.offset, at.line, at.column);
    if (!reason.empty()) detail.append(": ").append(reason);
    return fail(info, detail);
}

/// Where the string starts whose closing quote is the last one before `end`.
std::size_t string_start(std::string_view text, std::size_t end) {
    const std::size_t closing = text.rfind('"', end);
    std::size_t at = closing;
    while (at != std::string_view::npos && at > 0) {
        at = text.rfind('"', at - 1);
        if (at == std::string_view::npos) break;
        std::size_t slashes = 0;
        while (slashes < at && text[at - 1 - slashes] == '\\')
            ++slashes;
        if (slashes % 2 == 0) return at;
    }
    return end;
}

std::size_t first_bad_byte(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const Utf8Char c = decode_utf8(text, i);
        if (c.size == 0) break;
        i += c.size;
    }
    return i;
}

bool is_surrogate_error(const bj::error_code& ec) {
    return ec == bj::error::expected_utf16_escape || ec == bj::error::illegal_leading_surrogate ||
           ec == bj::error::illegal_trailing_surrogate;
}

std::string_view reason_of(const bj::error_code& ec) {
    if (ec == bj::error::incomplete) return "the text ends too early";
    if (ec == bj::error::extra_data) return "something follows the value";
    if (ec == bj::error::exponent_overflow) return "a number's exponent is out of range";
    if (ec == bj::error::expected_hex_digit) return "\\u takes four hexadecimal digits";
    return "unexpected character";
}

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits, Location* where) {
    if (text.size() > limits.max_bytes) return refuse(kJsonTooLarge, text, limits.max_bytes, {}, where);
    if (text.starts_with("\xEF\xBB\xBF")) return refuse(kJsonEncoding, text, 0, "byte order mark", where);
    if (!is_valid_utf8(text))
        return refuse(kJsonEncoding, text, first_bad_byte(text), "byte is not UTF-8", where);

    bj::parse_options options;  // strict: no comments, no trailing commas, no invalid UTF-8
    options.max_depth = kMostDepth;
    const Limits capped{limits.max_bytes, std::min(limits.max_depth, kMostDepth - 1), limits.max_values};
    bj::basic_parser<Handler> parser(options, capped);
    bj::error_code ec;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
    if (const ErrorInfo* refused = parser.handler().refused()) {
        const bool in_name = refused == &kJsonDuplicate;
        return refuse(*refused, text, in_name ? string_start(text, read) : read, {}, where);
    }
    if (ec && is_surrogate_error(ec)) return refuse(kJsonEncoding, text, read, "lone surrogate", where);
    if (!ec && read < text.size()) ec = bj::error::extra_data;
    if (!ec && !parser.done()) ec = bj::error::incomplete;
    if (ec) return refuse(kJsonMalformed, text, read, reason_of(ec), where);
    return parser.handler().take();
}

}  // namespace latchkey::json
