// The tree, built from toml++'s, and the reading of field rows.
// SPDX-License-Identifier: Apache-2.0
#include "config/toml_reader.h"

#include <algorithm>
#include <iterator>

#include <fmt/core.h>

#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts what its own next lines report as a fault of the file (a line break behind `[`); with
// NDEBUG it even assumes it. Neither may end the process or become undefined: the checks behind decide.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_MAX_NESTED_VALUES 32
#include <toml++/toml.h>

#include "base/utf8.h"
#include "config/pasted.h"
#include "config/xml_reader.h"
#include "config/xml_scan.h"

namespace latchkey::config {
namespace {

// toml++ 3.3 has undefined behaviour (a wrong "unreachable" in its white space test) at most characters
// between U+00A1 and U+FEFF that it meets outside a string, and a broken value makes it look there inside
// quotes too. It never does above U+FEFF: so each character of the BMP travels through it as one of private
// plane 15.
constexpr char32_t kPlane = 0xF0000;

std::string shift(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t offset = 0; offset < text.size();) {
        const Utf8Char c = decode_utf8(text, offset);
        append_utf8(out,
                    c.code_point >= 0x80 && c.code_point < 0x10000 ? c.code_point + kPlane : c.code_point);
        offset += std::max<std::size_t>(c.size, 1);
    }
    return out;
}

std::string unshift(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t offset = 0; offset < text.size();) {
        const Utf8Char c = decode_utf8(text, offset);
        append_utf8(out, (c.code_point >> 16) == 0xF ? c.code_point - kPlane : c.code_point);
        offset += std::max<std::size_t>(c.size, 1);
    }
    return out;
}

/// Characters of plane 15 itself would come back as others. They have no meaning outside fonts.
bool check_plane(const std::string& file, std::string_view text, Faults& faults) {
    const auto refuse = [&](std::size_t offset) {
        faults.error(position_at(file, text, offset), "a private use character of plane 15 stands here",
                     "delete it");
        return false;
    };
    for (std::size_t offset = 0; offset < text.size();) {
        const Utf8Char c = decode_utf8(text, offset);
        const std::string_view rest = text.substr(offset);
        if ((c.code_point >> 16) == 0xF || rest.starts_with("\\U000F") || rest.starts_with("\\U000f"))
            return refuse(offset);
        offset += std::max<std::size_t>(c.size, 1);
    }
    return true;
}

class Builder {
  public:
    Builder(const std::string& file, const std::string& folder, const Surroundings& surroundings,
            Faults& faults)
        : file_(file), folder_(folder), surroundings_(surroundings), faults_(faults) {}

    TomlValue build(const toml::node& node) {
        TomlValue value;
        value.at = place(node.source());
        switch (node.type()) {
            case toml::node_type::table:
                table(*node.as_table(), value);
                break;
            case toml::node_type::array:
                value.type = TomlValue::Type::Array;
                for (const toml::node& item : *node.as_array())
                    value.items.push_back(build(item));
                break;
            case toml::node_type::string:
                value.type = TomlValue::Type::String;
                value.text = expand(unshift(node.as_string()->get()), value.at, folder_,
                                    Placeholders::EnvironmentAndFile, surroundings_, faults_);
                break;
            case toml::node_type::integer:
                value.type = TomlValue::Type::Integer;
                value.integer = node.as_integer()->get();
                break;
            case toml::node_type::boolean:
                value.type = TomlValue::Type::Boolean;
                value.boolean = node.as_boolean()->get();
                break;
            case toml::node_type::floating_point:
                value.type = TomlValue::Type::Float;
                break;
            case toml::node_type::date:
            case toml::node_type::time:
            case toml::node_type::date_time:
                value.type = TomlValue::Type::Time;
                break;
            case toml::node_type::none:
                break;
        }
        return value;
    }

  private:
    Position place(const toml::source_region& region) const {
        return {file_, std::max<std::uint32_t>(region.begin.line, 1),
                std::max<std::uint32_t>(region.begin.column, 1)};
    }
    void table(const toml::table& from, TomlValue& value) {
        value.type = TomlValue::Type::Table;
        for (const auto& [key, node] : from)
            value.entries.push_back({unshift(key.str()), place(key.source()), build(node)});
        // toml++ sorts by name; a file has its own order, and realms and roles keep it.
        std::sort(value.entries.begin(), value.entries.end(), [](const TomlEntry& a, const TomlEntry& b) {
            return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
        });
    }

    const std::string& file_;
    const std::string& folder_;
    const Surroundings& surroundings_;
    Faults& faults_;
};

/// "a.b" for messages, or the bare key at the top.
std::string full_key(std::string_view table_name, std::string_view key) {
    return table_name.empty() ? std::string(key) : fmt::format("{}.{}", table_name, key);
}

FieldStatus assign(const Field& field, const TomlValue& value, void* object, const std::string& folder) {
    switch (value.type) {
        case TomlValue::Type::String:
            if (field.kind == FieldKind::Path) {
                const std::string path = join_path(folder, value.text);
                return field.assign(field, object, FieldValue::of_string(path));
            }
            if (field.kind == FieldKind::TextList) {  // one value needs no brackets
                const std::vector<std::string> one{value.text};
                return field.assign(field, object, FieldValue::of_list(one));
            }
            return field.assign(field, object, FieldValue::of_string(value.text));
        case TomlValue::Type::Integer:
            return field.assign(field, object, FieldValue::of_integer(value.integer));
        case TomlValue::Type::Boolean:
            return field.assign(field, object, FieldValue::of_boolean(value.boolean));
        case TomlValue::Type::Array: {
            std::vector<std::string> list;
            for (const TomlValue& item : value.items) {
                if (item.type != TomlValue::Type::String)
                    return {fmt::format("holds {}", item.type_name()), "write a list of strings"};
                list.push_back(item.text);
            }
            return field.assign(field, object, FieldValue::of_list(list));
        }
        case TomlValue::Type::Float:
        case TomlValue::Type::Time:
        case TomlValue::Type::Table:
            break;
    }
    return {fmt::format("must not be {}", value.type_name()), fmt::format("write {}", describe_type(field))};
}

}  // namespace

const TomlEntry* TomlValue::entry(std::string_view key) const noexcept {
    for (const TomlEntry& candidate : entries)
        if (candidate.key == key) return &candidate;
    return nullptr;
}

std::string_view TomlValue::type_name() const noexcept {
    switch (type) {
        case Type::String:
            return "a string";
        case Type::Integer:
            return "an integer";
        case Type::Boolean:
            return "a boolean";
        case Type::Float:
            return "a number with a fraction";
        case Type::Time:
            return "a date or time";
        case Type::Array:
            return "an array";
        case Type::Table:
            return "a table";
    }
    return "nothing";
}

std::optional<TomlValue> read_toml(const std::string& file, std::string_view text, const std::string& folder,
                                   const Surroundings& surroundings, Faults& faults) {
    if (text.size() > kMaxFileBytes) {
        faults.error({file, 1, 1}, "the file is larger than 1 MiB",
                     "a configuration is smaller; is this the right file?");
        return std::nullopt;
    }
    if (!check_encoding(file, text, faults)) return std::nullopt;
    const std::string clean = check_pasted(file, text, Markup::Toml, faults);
    if (!check_toml_ascii(file, clean, faults) || !check_plane(file, clean, faults)) return std::nullopt;
    const std::string shifted = shift(clean);
    const toml::parse_result parsed = toml::parse(std::string_view(shifted), std::string_view(file));
    if (!parsed) {
        const toml::parse_error& error = parsed.error();
        const toml::source_position at = error.source().begin;
        faults.error({file, std::max<std::uint32_t>(at.line, 1), std::max<std::uint32_t>(at.column, 1)},
                     fmt::format("this is no TOML: {}", unshift(error.description())));
        return std::nullopt;
    }
    return Builder(file, folder, surroundings, faults).build(parsed.table());
}

void check_keys(const TomlValue& table, std::string_view table_name, std::span<const std::string_view> known,
                Faults& faults) {
    for (const TomlEntry& entry : table.entries) {
        if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
        faults.error(entry.at, fmt::format("unknown key {}", full_key(table_name, entry.key)),
                     unknown_name_hint(entry.key, known));
    }
}

void read_fields(const TomlValue& table, std::string_view table_name, const FieldTable& fields, void* object,
                 const std::string& folder, Faults& faults) {
    for (const Field& field : fields.fields) {
        const TomlEntry* entry = table.entry(field.key);
        if (entry == nullptr) {
            if (field.required)
                faults.error(table.at, fmt::format("{} is missing", full_key(table_name, field.key)),
                             fmt::format("add {} = ... ({})", field.key, field.doc));
            continue;
        }
        FieldStatus status = assign(field, entry->value, object, folder);
        if (!status.ok())
            faults.error(entry->value.at,
                         fmt::format("{} {}", full_key(table_name, field.key), status.problem),
                         std::move(status.hint));
    }
}

}  // namespace latchkey::config
