// The product's one JSON reader and its writer. Two readers in one decision are a bypass (they differ about
// duplicate names), so claims, key sets, introspection answers and API bodies all come through here:
// duplicates refused at every level, strict UTF-8, limits first. Behind it: Boost.JSON's basic_parser with
// our handler.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace latchkey::json {

class Value;
struct Member;

/// A JSON number as it was written: no double stands between the text and a decision about time.
class Number {
  public:
    /// `text` must be a number in JSON's grammar; the reader guarantees it.
    explicit Number(std::string text) : text_(std::move(text)) {}
    explicit Number(std::int64_t value);

    const std::string& text() const noexcept { return text_; }
    /// The value when it is an integer in range: 12, 1.0 and 1.2e1 are; 1.5 and 1e30 are not.
    std::optional<std::int64_t> as_int64() const noexcept;
    /// The greatest integer not above the value, by exact decimal arithmetic (1.9e9 -> 1900000000, -0.5 ->
    /// -1); none when that does not fit, such as 1e400.
    std::optional<std::int64_t> floor_int64() const noexcept;
    /// Compares the text: 1.0 and 1 differ.
    bool operator==(const Number&) const = default;

  private:
    std::string text_;
};

using Array = std::vector<Value>;
/// Members in the order of the text; names are unique.
using Object = std::vector<Member>;

/// An immutable JSON value. Accessors by type return nullptr or nothing when the value is of another type, so
/// that a caller who forgets the other types closes. @thread any (value type)
class Value {
  public:
    // None is inline: with clang they would need Member to be complete here.
    Value() noexcept;  ///< null
    explicit Value(bool value);
    explicit Value(Number value);
    explicit Value(std::string value);
    explicit Value(Array value);
    /// The caller answers for unique names.
    explicit Value(Object value);
    Value(const Value&);
    Value(Value&&) noexcept;
    Value& operator=(const Value&);
    Value& operator=(Value&&) noexcept;
    ~Value();

    bool is_null() const noexcept { return data_.index() == 0; }
    bool is_object() const noexcept { return object() != nullptr; }
    bool is_array() const noexcept { return array() != nullptr; }
    bool is_string() const noexcept { return string() != nullptr; }
    std::optional<bool> boolean() const noexcept;
    const Number* number() const noexcept { return std::get_if<Number>(&data_); }
    const std::string* string() const noexcept { return std::get_if<std::string>(&data_); }
    const Array* array() const noexcept { return std::get_if<Array>(&data_); }
    const Object* object() const noexcept { return std::get_if<Object>(&data_); }
    /// number()->as_int64(), when it is a number.
    std::optional<std::int64_t> as_int64() const noexcept;
    /// "null", "boolean", "number", "string", "array" or "object", for messages.
    std::string_view type_name() const noexcept;

    /// The member of that name; nullptr when absent or when this is no object.
    const Value* find(std::string_view name) const noexcept;
    /// The string member of that name; nullptr when absent or of another type.
    const std::string* find_string(std::string_view name) const noexcept;
    /// RFC 6901: "" is the value itself, "/a/0" descends, ~0 and ~1 stand for ~ and /. A pointer that is
    /// malformed or leads nowhere gives nullptr. Array indexes are decimal without leading zeros; "-" leads
    /// nowhere.
    const Value* pointer(std::string_view path) const;

    bool operator==(const Value& other) const;

  private:
    std::variant<std::monostate, bool, Number, std::string, Array, Object> data_;
};

struct Member {
    std::string name;
    Value value;
    bool operator==(const Member& other) const = default;
};

/// What one text may cost. Bytes are checked before anything is read, the others as the values come.
struct Limits {
    std::size_t max_bytes = 256 * 1024;
    std::size_t max_depth = 32;
    std::size_t max_values = 20'000;  ///< all values of all levels together
};

/// Where a text was refused. `line` and `column` start at 1; columns count bytes.
struct Location {
    std::size_t offset = 0;
    std::size_t line = 1;
    std::size_t column = 1;
};

/// Reads one whole JSON text; a scalar at the top is JSON too, so callers check the type they need.
///
/// @param where  when given, receives the place of the fault
/// @error  kJsonTooLarge | kJsonTooDeep | kJsonTooMany | kJsonDuplicate | kJsonEncoding | kJsonMalformed; the
/// detail
///         is "offset 12, line 1, column 13: reason" and never quotes the text, which may be a token's
/// @thread any @cost about 2 us for 450 bytes of claims
/// @spec   RFC 8259; no byte order mark (8.1), names unique (4), no lone surrogate even through \u escapes
/// (8.2)
Result<Value> parse(std::string_view text, const Limits& limits = {}, Location* where = nullptr);

/// Appends JSON to a string the caller owns; commas and escaping come by themselves, nesting is the caller's
/// care. Strings are escaped so that a terminal is safe too; bytes that are not UTF-8 become U+FFFD. @thread
/// owner
class Writer {
  public:
    explicit Writer(std::string& out) : out_(out), start_(out.size()) {}

    Writer& begin_object();
    Writer& end_object();
    Writer& begin_array();
    Writer& end_array();
    /// The name of the next value.
    Writer& key(std::string_view name);

    Writer& string(std::string_view value);
    Writer& integer(std::int64_t value);
    Writer& unsigned_integer(std::uint64_t value);
    Writer& boolean(bool value);
    Writer& null();
    Writer& value(const Value& value);
    /// Already JSON; appended as it is.
    Writer& raw(std::string_view json);

    Writer& field(std::string_view name, std::string_view value) { return key(name).string(value); }
    Writer& field(std::string_view name, const char* value) { return key(name).string(value); }
    Writer& field(std::string_view name, const std::string& value) { return key(name).string(value); }
    template <class T>
        requires std::is_arithmetic_v<T>
    Writer& field(std::string_view name, T value) {
        static_assert(std::is_integral_v<T>, "JSON numbers here are integers; write other numbers as text");
        key(name);
        if constexpr (std::is_same_v<T, bool>) return boolean(value);
        if constexpr (std::is_signed_v<T>) return integer(static_cast<std::int64_t>(value));
        return unsigned_integer(static_cast<std::uint64_t>(value));
    }
    Writer& field(std::string_view name, std::span<const std::string> values);
    Writer& begin_object(std::string_view name) { return key(name).begin_object(); }
    Writer& begin_array(std::string_view name) { return key(name).begin_array(); }

  private:
    void separate();
    std::string& out_;
    std::size_t start_;
};

/// The value as compact JSON; parse(write(v)) == v.
std::string write(const Value& value);

}  // namespace latchkey::json
