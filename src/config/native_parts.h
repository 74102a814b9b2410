// Inside of the native reader: what its files share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "config/configuration.h"
#include "config/expand.h"
#include "config/native_keys.h"
#include "config/toml_reader.h"

namespace latchkey::config::native {

struct Context {
    std::string folder;  ///< relative paths count from here
    const Surroundings& surroundings;
    Faults& faults;
};

/// The key's string; reports a missing one when it is needed, and another type always.
std::string string_of(const Context& context, const TomlValue& table, std::string_view table_name,
                      std::string_view key, bool needed = false);
bool boolean_of(const Context& context, const TomlValue& table, std::string_view table_name,
                std::string_view key, bool otherwise);
std::optional<bool> optional_boolean(const Context& context, const TomlValue& table,
                                     std::string_view table_name, std::string_view key);
/// The tables of a list; anything else is reported.
std::vector<const TomlValue*> tables_of(const Context& context, const TomlValue& table,
                                        std::string_view table_name, std::string_view key);
/// Index of the key's word among `words`; reports others with the nearest.
std::size_t word_of(const Context& context, const TomlValue& table, std::string_view table_name,
                    std::string_view key, std::span<const std::string_view> words, std::size_t otherwise);

RealmEntry read_realm(const Context& context, const TomlEntry& entry, std::string& roles_claim);
void read_file_realm(const Context& context, const TomlValue& table, const std::string& table_name,
                     RealmEntry& realm);
PipelineConfig read_pipeline(const Context& context, const TomlValue& table,
                             const Configuration& configuration);

}  // namespace latchkey::config::native
