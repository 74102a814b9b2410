// See field.h: conversion with limits, and what the reference page says about a row.
// SPDX-License-Identifier: Apache-2.0
#include "base/field.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/utf8.h"

namespace latchkey {
namespace {

using Type = FieldValue::Type;

std::string_view type_of(const FieldValue& value) {
    switch (value.type) {
        case Type::Untyped:
            return "text";
        case Type::String:
            return "a string";
        case Type::Boolean:
            return "a boolean";
        case Type::Integer:
            return "an integer";
        case Type::List:
            return "a list";
    }
    return "something else";
}

FieldStatus problem(std::string text, std::string hint = {}) {
    return {std::move(text), std::move(hint)};
}

FieldStatus wrong_type(std::string_view wanted, const FieldValue& value, std::string hint = {}) {
    return problem("must be " + std::string(wanted) + ", not " + std::string(type_of(value)),
                   std::move(hint));
}

std::string quoted(std::string_view text) {
    constexpr std::size_t kMostQuoted = 80;
    std::string out = "\"" + std::string(text.substr(0, kMostQuoted));
    return out + (text.size() > kMostQuoted ? "...\"" : "\"");
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, [](char c) { return lower(c); });
}

/// What may stand in an URL we call. Credentials in it would end up in logs: they have fields of their own.
FieldStatus check_url(std::string_view url) {
    const std::size_t scheme = starts_with_ignoring_case(url, "https://")  ? 8
                               : starts_with_ignoring_case(url, "http://") ? 7
                                                                           : 0;
    if (scheme == 0)
        return problem("must be an URL that starts with https:// or http://, not " + quoted(url));
    const auto unprintable = [](char c) { return c <= ' ' || c == '\\' || c == '"' || c == '<' || c == '>'; };
    if (std::ranges::any_of(url, unprintable))
        return problem("must be an URL without spaces, quotes or brackets");
    const std::string_view authority = url.substr(scheme, url.find_first_of("/?#", scheme) - scheme);
    if (authority.find('@') != std::string_view::npos) {
        return problem("must be an URL without a user name or password",
                       "credentials have fields of their own");
    }
    if (authority.empty() || authority[0] == ':') return problem("must be an URL with a host");
    return {};
}

FieldStatus check_text(const Field& field, std::string_view text) {
    if (!is_valid_utf8(text)) return problem("must be UTF-8 text");
    if (has_control_characters(text)) return problem("must not contain control characters or line breaks");
    if (text.empty() && field.required) return problem("must not be empty");
    if (field.kind == FieldKind::Url && !text.empty()) return check_url(text);
    return {};
}

std::string range_words(const Field& field) {
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    std::string out;
    if (field.min != kLeast && field.max != kMost) {
        out = std::to_string(field.min) + " to " + std::to_string(field.max);
    } else if (field.min != kLeast) {
        out = "at least " + std::to_string(field.min);
    } else if (field.max != kMost) {
        out = "at most " + std::to_string(field.max);
    }
    if (!field.unit.empty()) out += (out.empty() ? "" : " ") + std::string(field.unit);
    return out;
}

std::string choice_words(const Field& field) {
    std::string out = "one of ";
    for (const std::string_view choice : field.choices)
        out.append(choice).append(", ");
    out.resize(out.size() - 2);
    return out;
}

/// Optimal string alignment: insertion, deletion, substitution and swap of neighbours cost one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::string folded(std::string_view word) {
    std::string out;
    for (const char c : word)
        out += c == '-' ? '_' : lower(c);
    return out;
}

}  // namespace

std::string_view toml_type(FieldKind kind) noexcept {
    switch (kind) {
        case FieldKind::Text:
        case FieldKind::Secret:
        case FieldKind::Choice:
        case FieldKind::Url:
        case FieldKind::Path:
            return "string";
        case FieldKind::Bool:
            return "boolean";
        case FieldKind::Integer:
        case FieldKind::Seconds:
        case FieldKind::Milliseconds:
            return "integer";
        case FieldKind::TextList:
            return "list of strings";
    }
    return "string";
}

bool Field::is_xml(std::string_view element) const noexcept {
    std::string_view rest = xml;
    while (!rest.empty()) {
        const std::size_t bar = std::min(rest.find('|'), rest.size());
        if (rest.substr(0, bar) == element) return true;
        rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
    return false;
}

const Field* FieldTable::find(std::string_view key) const noexcept {
    const auto found = std::ranges::find(fields, key, &Field::key);
    return found == fields.end() ? nullptr : &*found;
}

const Field* FieldTable::find_xml(std::string_view element) const noexcept {
    const auto found =
        std::ranges::find_if(fields, [element](const Field& field) { return field.is_xml(element); });
    return found == fields.end() ? nullptr : &*found;
}

std::vector<std::string_view> FieldTable::keys() const {
    std::vector<std::string_view> out;
    for (const Field& field : fields)
        out.push_back(field.key);
    return out;
}

std::vector<std::string_view> FieldTable::xml_names() const {
    std::vector<std::string_view> out;
    for (const Field& field : fields) {
        if (!field.xml.empty()) out.push_back(field.xml_name());
    }
    return out;
}

std::string describe_type(const Field& field) {
    switch (field.kind) {
        case FieldKind::Text:
            return "string";
        case FieldKind::Secret:
            return "string, secret";
        case FieldKind::Bool:
            return "true or false";
        case FieldKind::Choice:
            return choice_words(field);
        case FieldKind::TextList:
            return "list of strings";
        case FieldKind::Url:
            return "URL, https or http";
        case FieldKind::Path:
            return "path of a file or folder";
        case FieldKind::Integer:
        case FieldKind::Seconds:
        case FieldKind::Milliseconds: {
            const std::string range = range_words(field);
            return range.empty() ? "integer" : "integer, " + range;
        }
    }
    return "string";
}

std::string describe_default(const Field& field, const void* object) {
    if (!field.default_text.empty()) return std::string(field.default_text);
    return field.required ? std::string() : field.toml_text(field, object);
}

std::optional<std::string_view> nearest_name(std::string_view word,
                                             std::span<const std::string_view> candidates) {
    constexpr std::size_t kMostBytes = 64;  // bounds the quadratic cost; no name of ours is longer
    if (word.empty() || word.size() > kMostBytes) return std::nullopt;
    const std::string wanted = folded(word);
    std::optional<std::string_view> best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        if (candidate.size() > kMostBytes) continue;
        const std::size_t distance = edit_distance(wanted, folded(candidate));
        if (distance >= best_distance || distance >= candidate.size()) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

namespace field_detail {

FieldStatus assign_text(const Field& field, std::string& out, const FieldValue& value) {
    if (value.type != Type::Untyped && value.type != Type::String) return wrong_type("a string", value);
    const std::string_view text = value.type == Type::Untyped ? trimmed(value.text) : value.text;
    FieldStatus status = check_text(field, text);
    if (status.ok()) out = text;
    return status;
}

FieldStatus assign_secret(const Field& field, Secret& out, const FieldValue& value) {
    if (value.type != Type::Untyped && value.type != Type::String) return wrong_type("a string", value);
    const std::string_view text = value.type == Type::Untyped ? trimmed(value.text) : value.text;
    if (text.empty() && field.required) return problem("must not be empty");
    out = Secret(text);
    return {};
}

FieldStatus assign_bool(const Field&, bool& out, const FieldValue& value) {
    if (value.type == Type::Boolean) {
        out = value.boolean;
        return {};
    }
    if (value.type != Type::Untyped) return wrong_type("true or false", value, "write it without quotes");
    const std::string_view text = trimmed(value.text);
    // XML Schema's boolean, which is what ESE files are written against.
    const bool yes = text == "true" || text == "1";
    if (!yes && text != "false" && text != "0") return problem("must be true or false, not " + quoted(text));
    out = yes;
    return {};
}

FieldStatus assign_integer(const Field& field, std::int64_t& out, const FieldValue& value) {
    std::int64_t number = value.integer;
    if (value.type == Type::Untyped) {
        const std::string_view text = trimmed(value.text);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size()) {
            return problem("must be an integer, not " + quoted(text));
        }
    } else if (value.type != Type::Integer) {
        return wrong_type("an integer", value, value.type == Type::String ? "write it without quotes" : "");
    }
    if (number < field.min || number > field.max) {
        return problem("must be " + range_words(field) + ", not " + std::to_string(number));
    }
    out = number;
    return {};
}

FieldStatus assign_choice(const Field& field, std::size_t& index, const FieldValue& value) {
    if (value.type != Type::Untyped && value.type != Type::String) return wrong_type("a string", value);
    const std::string_view text = value.type == Type::Untyped ? trimmed(value.text) : value.text;
    const auto found = std::ranges::find(field.choices, text);
    if (found == field.choices.end()) {
        const std::optional<std::string_view> nearest = nearest_name(text, field.choices);
        return problem("must be " + choice_words(field) + ", not " + quoted(text),
                       nearest ? "did you mean " + quoted(*nearest) + "?" : std::string());
    }
    index = static_cast<std::size_t>(found - field.choices.begin());
    return {};
}

FieldStatus assign_list(const Field& field, std::vector<std::string>& out, const FieldValue& value) {
    if (value.type == Type::Untyped) {
        const std::string_view text = trimmed(value.text);
        FieldStatus status = check_text(field, text);
        if (status.ok()) out.emplace_back(text);
        return status;
    }
    if (value.type == Type::String)
        return wrong_type("a list of strings", value, "write [" + quoted(value.text) + "]");
    if (value.type != Type::List) return wrong_type("a list of strings", value);
    if (value.list.empty() && field.required) return problem("must not be empty");
    for (const std::string& text : value.list) {
        if (FieldStatus status = check_text(field, text); !status.ok()) return status;
    }
    out.assign(value.list.begin(), value.list.end());
    return {};
}

// TOML's basic strings take \uXXXX like JSON's; what they cannot hold was refused on the way in.
std::string toml_string(std::string_view text) {
    return "\"" + escape_for_log(text) + "\"";
}

std::string toml_list(const std::vector<std::string>& values) {
    std::string out = "[";
    for (const std::string& value : values)
        out += (out.size() > 1 ? ", " : "") + toml_string(value);
    return out + "]";
}

std::string toml_choice(const Field& field, std::size_t index) {
    return index < field.choices.size() ? toml_string(field.choices[index]) : std::string();
}

}  // namespace field_detail
}  // namespace latchkey
