// TOML as configuration: a small tree in file order with positions, and the strict reading of one table
// through a room's field rows. toml++ stays inside the source file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "base/field.h"
#include "config/expand.h"

namespace latchkey::config {

struct TomlEntry;

struct TomlValue {
    enum class Type : std::uint8_t { String, Integer, Boolean, Float, Time, Array, Table };
    Type type = Type::Table;
    Position at;
    std::string text;  ///< of a string, placeholders resolved
    std::int64_t integer = 0;
    bool boolean = false;
    std::vector<TomlValue> items;    ///< of an array
    std::vector<TomlEntry> entries;  ///< of a table, in file order

    const TomlEntry* entry(std::string_view key) const noexcept;
    /// "a string", "an array", ... for messages
    std::string_view type_name() const noexcept;
};

struct TomlEntry {
    std::string key;
    Position at;
    TomlValue value;
};

/// Encoding, pasted characters, syntax, tree, placeholders. Nothing when there is no tree to walk.
std::optional<TomlValue> read_toml(const std::string& file, std::string_view text, const std::string& folder,
                                   const Surroundings& surroundings, Faults& faults);

/// Reports every key of `table` that is not in `known`, with the nearest known one.
void check_keys(const TomlValue& table, std::string_view table_name, std::span<const std::string_view> known,
                Faults& faults);

/// Assigns every key of `table` that has a row, reports missing required ones and wrong types. Keys without a
/// row are not looked at: check_keys does that, with the keys that the caller reads itself.
///
/// @param object  the struct of `fields`
/// @param folder  relative Path fields count from here and become full paths
void read_fields(const TomlValue& table, std::string_view table_name, const FieldTable& fields, void* object,
                 const std::string& folder, Faults& faults);

}  // namespace latchkey::config
