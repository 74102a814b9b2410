// Configuration as one field table: a room writes its plain config struct and one row per member beside it;
// config/ reads native TOML and foreign XML through the same rows, and the reference page, the JSON Schema
// and written TOML are printed from them. Rows are constexpr; nothing here parses files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/secret.h"

namespace latchkey {

enum class FieldKind : std::uint8_t {
    Text,
    Secret,
    Bool,
    Integer,
    Seconds,       ///< an integer of seconds
    Milliseconds,  ///< an integer of milliseconds
    Choice,        ///< one of `choices`
    TextList,
    Url,   ///< http or https
    Path,  ///< relative ones count from the configuration file's folder (config/ resolves them)
};
/// "string", "boolean", "integer" or "list of strings": what one writes in TOML.
std::string_view toml_type(FieldKind kind) noexcept;

/// A value on its way into a config struct. TOML knows types and they must fit; XML only knows Untyped text.
struct FieldValue {
    enum class Type : std::uint8_t { Untyped, String, Boolean, Integer, List };
    Type type = Type::Untyped;
    std::string_view text{};
    bool boolean = false;
    std::int64_t integer = 0;
    std::span<const std::string> list{};

    /// XML text; trimmed when assigned, except into a Secret; into a list it appends one entry (repeated
    /// elements).
    static FieldValue of_untyped(std::string_view text) { return {Type::Untyped, text, false, 0, {}}; }
    static FieldValue of_string(std::string_view text) { return {Type::String, text, false, 0, {}}; }
    static FieldValue of_boolean(bool value) { return {Type::Boolean, {}, value, 0, {}}; }
    static FieldValue of_integer(std::int64_t value) { return {Type::Integer, {}, false, value, {}}; }
    static FieldValue of_list(std::span<const std::string> values) {
        return {Type::List, {}, false, 0, values};
    }
};

/// Whether an assignment worked; otherwise what to put into a Fault after the name of the key or element:
/// `problem` starts with a verb ("must be an integer, not a string"). A secret's text is never quoted.
struct [[nodiscard]] FieldStatus {
    std::string problem{};  ///< empty: assigned
    std::string hint{};
    bool ok() const noexcept { return problem.empty(); }
};

/// One row. Made by field<&Struct::member>(), never by hand.
struct Field {
    std::string_view key;  ///< TOML key: snake_case, the unit in the name
    std::string_view xml;  ///< ESE element, or @attribute; alternatives after '|'; empty: only native
    FieldKind kind;
    bool required;
    bool optional;  ///< the member is an optional<T>: absent differs from every value
    std::string_view
        default_text;  ///< said in the docs in place of the default member's value, when not empty
    std::string_view unit;
    std::string_view doc;
    std::span<const std::string_view> choices;  ///< in the order of the enumerators
    std::int64_t min;
    std::int64_t max;
    FieldStatus (*assign)(const Field& field, void* object, const FieldValue& value);
    /// The member as a TOML literal; empty when an optional is absent; a secret is "***".
    std::string (*toml_text)(const Field& field, const void* object);

    /// Whether the XML element (or `@attribute`) is this field's.
    bool is_xml(std::string_view element) const noexcept;
    /// The first XML spelling.
    std::string_view xml_name() const noexcept { return xml.substr(0, xml.find('|')); }
};

/// What a row adds to its member's type; all optional. `{.xml = "jwks-endpoint", .required = true, .doc =
/// "..."}`
struct FieldSpec {
    std::string_view xml{};
    std::optional<FieldKind> kind{};  ///< Url or Path for strings; otherwise the member's type tells
    bool required = false;
    std::string_view default_text{};
    std::string_view unit{};
    std::string_view doc{};
    std::span<const std::string_view> choices{};
    std::optional<std::int64_t> min{};
    std::optional<std::int64_t> max{};
};

/// All rows of one struct.
struct FieldTable {
    std::string_view name;  ///< TOML table, as `realm.jwt`
    std::string_view doc;
    std::span<const Field> fields;

    const Field* find(std::string_view key) const noexcept;
    const Field* find_xml(std::string_view element) const noexcept;
    std::vector<std::string_view> keys() const;
    std::vector<std::string_view> xml_names() const;
};

/// What the field accepts, in words: "integer, 0 to 3600 seconds", "one of string, bytes".
std::string describe_type(const Field& field);
/// The default for the docs: default_text, or the member of a default-constructed `object`.
std::string describe_default(const Field& field, const void* object);

/// The candidate that `word` was probably meant to be: Damerau-Levenshtein distance of at most a third of its
/// length (one for short words), case and - against _ ignored. Ties go to the first candidate.
std::optional<std::string_view> nearest_name(std::string_view word,
                                             std::span<const std::string_view> candidates);

namespace field_detail {

FieldStatus assign_text(const Field&, std::string&, const FieldValue&);
FieldStatus assign_secret(const Field&, latchkey::Secret&, const FieldValue&);
FieldStatus assign_bool(const Field&, bool&, const FieldValue&);
FieldStatus assign_integer(const Field&, std::int64_t&, const FieldValue&);
FieldStatus assign_choice(const Field&, std::size_t& index, const FieldValue&);
FieldStatus assign_list(const Field&, std::vector<std::string>&, const FieldValue&);
std::string toml_string(std::string_view);
std::string toml_list(const std::vector<std::string>&);
std::string toml_choice(const Field&, std::size_t index);

template <class M>
struct Pointer;
template <class C, class M>
struct Pointer<M C::*> {
    using Object = C;
    using Member = M;
};

template <class T>
struct Plain {
    using type = T;
    static constexpr bool optional = false;
};
template <class T>
struct Plain<std::optional<T>> {
    using type = T;
    static constexpr bool optional = true;
};

template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

template <class T>
constexpr FieldKind kind_of() {
    if constexpr (std::same_as<T, std::string>)
        return FieldKind::Text;
    else if constexpr (std::same_as<T, latchkey::Secret>)
        return FieldKind::Secret;
    else if constexpr (std::same_as<T, bool>)
        return FieldKind::Bool;
    else if constexpr (std::same_as<T, std::chrono::seconds>)
        return FieldKind::Seconds;
    else if constexpr (std::same_as<T, std::chrono::milliseconds>)
        return FieldKind::Milliseconds;
    else if constexpr (std::same_as<T, std::vector<std::string>>)
        return FieldKind::TextList;
    else if constexpr (std::is_enum_v<T>)
        return FieldKind::Choice;
    else {
        static_assert(WholeNumber<T>, "no field kind for this member type");
        return FieldKind::Integer;
    }
}

template <class T>
constexpr std::int64_t min_of() {
    if constexpr (WholeNumber<T> && std::signed_integral<T>) return std::numeric_limits<T>::min();
    return 0;
}
template <class T>
constexpr std::int64_t max_of() {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    if constexpr (WholeNumber<T>) {
        if constexpr (sizeof(T) < sizeof(kMost))
            return static_cast<std::int64_t>(std::numeric_limits<T>::max());
    }
    // A hundred years of milliseconds: no product or sum of durations overflows.
    if constexpr (std::same_as<T, std::chrono::seconds>) return 3'153'600'000;
    if constexpr (std::same_as<T, std::chrono::milliseconds>) return 3'153'600'000'000;
    return kMost;
}

template <class T>
FieldStatus assign_plain(const Field& field, T& out, const FieldValue& value) {
    if constexpr (std::same_as<T, std::string>)
        return assign_text(field, out, value);
    else if constexpr (std::same_as<T, latchkey::Secret>)
        return assign_secret(field, out, value);
    else if constexpr (std::same_as<T, bool>)
        return assign_bool(field, out, value);
    else if constexpr (std::same_as<T, std::vector<std::string>>)
        return assign_list(field, out, value);
    else if constexpr (std::is_enum_v<T>) {
        std::size_t index = 0;
        FieldStatus status = assign_choice(field, index, value);
        if (status.ok()) out = static_cast<T>(index);
        return status;
    } else {
        std::int64_t whole = 0;
        FieldStatus status = assign_integer(field, whole, value);
        if constexpr (std::integral<T>) {
            if (status.ok()) out = static_cast<T>(whole);
        } else {
            if (status.ok()) out = T(whole);
        }
        return status;
    }
}

template <class T>
std::string toml_plain(const Field& field, const T& value) {
    if constexpr (std::same_as<T, std::string>)
        return toml_string(value);
    else if constexpr (std::same_as<T, latchkey::Secret>)
        return value.empty() ? "\"\"" : "\"***\"";
    else if constexpr (std::same_as<T, bool>)
        return value ? "true" : "false";
    else if constexpr (std::same_as<T, std::vector<std::string>>)
        return toml_list(value);
    else if constexpr (std::is_enum_v<T>)
        return toml_choice(field, static_cast<std::size_t>(value));
    else if constexpr (std::integral<T>)
        return std::to_string(value);
    else
        return std::to_string(value.count());
}

template <auto M>
FieldStatus assign_member(const Field& field, void* object, const FieldValue& value) {
    using P = Pointer<decltype(M)>;
    auto& member = static_cast<typename P::Object*>(object)->*M;
    if constexpr (Plain<typename P::Member>::optional) {
        typename Plain<typename P::Member>::type plain{};
        FieldStatus status = assign_plain(field, plain, value);
        if (status.ok()) member = std::move(plain);
        return status;
    } else {
        return assign_plain(field, member, value);
    }
}

template <auto M>
std::string toml_member(const Field& field, const void* object) {
    using P = Pointer<decltype(M)>;
    const auto& member = static_cast<const typename P::Object*>(object)->*M;
    if constexpr (Plain<typename P::Member>::optional) {
        return member ? toml_plain(field, *member) : std::string();
    } else {
        return toml_plain(field, member);
    }
}

}  // namespace field_detail

/// One row: `field<&JwtRealmConfig::jwks_cache_s>("jwks_cache_duration_s", {.unit = "seconds", .doc =
/// "..."})`. `object` of Field::assign must be a pointer to exactly the member's struct.
template <auto M>
constexpr Field field(std::string_view key, const FieldSpec& spec = {}) {
    using Member = typename field_detail::Pointer<decltype(M)>::Member;
    using T = typename field_detail::Plain<Member>::type;
    const FieldKind kind = spec.kind.value_or(field_detail::kind_of<T>());
    const std::string_view unit = !spec.unit.empty()                ? spec.unit
                                  : kind == FieldKind::Seconds      ? std::string_view("seconds")
                                  : kind == FieldKind::Milliseconds ? std::string_view("milliseconds")
                                                                    : std::string_view();
    return Field{key,
                 spec.xml,
                 kind,
                 spec.required,
                 field_detail::Plain<Member>::optional,
                 spec.default_text,
                 unit,
                 spec.doc,
                 spec.choices,
                 spec.min.value_or(field_detail::min_of<T>()),
                 spec.max.value_or(field_detail::max_of<T>()),
                 &field_detail::assign_member<M>,
                 &field_detail::toml_member<M>};
}

}  // namespace latchkey
