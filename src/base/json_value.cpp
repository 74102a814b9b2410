// The values of json.h: exact numbers, look-up by name and by pointer.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <limits>

#include "base/json.h"

namespace latchkey::json {
namespace {

/// A number taken apart: its integer part's magnitude and whether a fraction follows.
struct Decimal {
    bool negative = false;
    std::uint64_t magnitude = 0;
    bool fraction = false;
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The exponent after e or E; clamped far beyond any text's length, so that sums with lengths cannot
/// overflow.
std::int64_t parse_exponent(std::string_view text) {
    constexpr std::int64_t kFar = 1'000'000'000'000'000;
    bool negative = false;
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
        negative = text[0] == '-';
        text.remove_prefix(1);
    }
    std::int64_t value = 0;
    for (const char c : text)
        value = std::min(value * 10 + (c - '0'), kFar);
    return negative ? -value : value;
}

/// Nothing when the integer part has more than 19 digits. The text is JSON's grammar (the reader saw to it);
/// what is not is refused all the same.
std::optional<Decimal> decompose(std::string_view text) {
    Decimal out;
    if (text.starts_with('-')) {
        out.negative = true;
        text.remove_prefix(1);
    }
    const std::size_t mark = std::min(text.find_first_of("eE"), text.size());
    const std::string_view mantissa = text.substr(0, mark);
    const std::string_view exponent = text.substr(std::min(mark + 1, text.size()));
    const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
    std::string digits(mantissa.substr(0, point));
    digits.append(mantissa.substr(std::min(point + 1, mantissa.size())));
    const std::string_view exponent_digits =
        exponent.substr(std::min(exponent.find_first_not_of("+-"), exponent.size()));
    if (digits.empty() || !std::ranges::all_of(digits, is_digit) ||
        !std::ranges::all_of(exponent_digits, is_digit)) {
        return std::nullopt;
    }

    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
    digits.erase(0, zeros);
    if (digits.empty()) return out;
    // value = 0.digits * 10^places
    const std::int64_t places =
        static_cast<std::int64_t>(point) - static_cast<std::int64_t>(zeros) + parse_exponent(exponent);
    if (places > 19) return std::nullopt;
    const std::size_t whole = places < 0 ? 0 : static_cast<std::size_t>(places);
    for (std::size_t i = 0; i < whole; ++i) {
        out.magnitude =
            out.magnitude * 10 + (i < digits.size() ? static_cast<std::uint64_t>(digits[i] - '0') : 0);
    }
    out.fraction = digits.find_first_not_of('0', whole) != std::string::npos;
    return out;
}

std::optional<std::int64_t> signed_value(bool negative, std::uint64_t magnitude) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!negative)
        return magnitude <= kMost ? std::optional(static_cast<std::int64_t>(magnitude)) : std::nullopt;
    if (magnitude > kMost + 1) return std::nullopt;
    return magnitude == kMost + 1 ? std::numeric_limits<std::int64_t>::min()
                                  : -static_cast<std::int64_t>(magnitude);
}

/// One reference token of RFC 6901 without its ~ escapes; nothing when an escape is malformed.
std::optional<std::string> unescape_token(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] != '~') {
            out += token[i];
            continue;
        }
        if (++i == token.size() || (token[i] != '0' && token[i] != '1')) return std::nullopt;
        out += token[i] == '0' ? '~' : '/';
    }
    return out;
}

const Value* element(const Array& array, std::string_view token) {
    if (token.empty() || (token.size() > 1 && token[0] == '0') || !std::ranges::all_of(token, is_digit))
        return nullptr;
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
    if (error != std::errc() || end != token.data() + token.size() || index >= array.size()) return nullptr;
    return &array[index];
}

}  // namespace

Number::Number(std::int64_t value) : text_(std::to_string(value)) {}

std::optional<std::int64_t> Number::as_int64() const noexcept {
    const std::optional<Decimal> parts = decompose(text_);
    if (!parts || parts->fraction) return std::nullopt;
    return signed_value(parts->negative, parts->magnitude);
}

std::optional<std::int64_t> Number::floor_int64() const noexcept {
    const std::optional<Decimal> parts = decompose(text_);
    if (!parts) return std::nullopt;
    // At most 19 digits, so that one more fits in 64 bits.
    return signed_value(parts->negative, parts->magnitude + (parts->negative && parts->fraction ? 1 : 0));
}

Value::Value() noexcept = default;
Value::Value(bool value) : data_(value) {}
Value::Value(Number value) : data_(std::move(value)) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(Array value) : data_(std::move(value)) {}
Value::Value(Object value) : data_(std::move(value)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;
bool Value::operator==(const Value& other) const = default;

std::optional<bool> Value::boolean() const noexcept {
    const bool* value = std::get_if<bool>(&data_);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Value::as_int64() const noexcept {
    const Number* value = number();
    return value != nullptr ? value->as_int64() : std::nullopt;
}

std::string_view Value::type_name() const noexcept {
    constexpr std::string_view kNames[] = {"null", "boolean", "number", "string", "array", "object"};
    return kNames[data_.index()];
}

const Value* Value::find(std::string_view name) const noexcept {
    const Object* members = object();
    if (members == nullptr) return nullptr;
    const auto found = std::ranges::find(*members, name, &Member::name);
    return found == members->end() ? nullptr : &found->value;
}

const std::string* Value::find_string(std::string_view name) const noexcept {
    const Value* value = find(name);
    return value != nullptr ? value->string() : nullptr;
}

const Value* Value::pointer(std::string_view path) const {
    const Value* here = this;
    while (!path.empty()) {
        if (path[0] != '/') return nullptr;
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::optional<std::string> token = unescape_token(path.substr(0, end));
        path.remove_prefix(end);
        if (!token) return nullptr;
        const Array* array = here->array();
        here = array != nullptr ? element(*array, *token) : here->find(*token);
        if (here == nullptr) return nullptr;
    }
    return here;
}

}  // namespace latchkey::json
