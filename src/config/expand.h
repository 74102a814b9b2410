// ${ENV:NAME} and ${FILE:path} inside configured text, resolved once at load: secrets stay out of the
// file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/fault.h"

namespace latchkey::config {

/// Where placeholders get their values from; tests give their own.
struct Surroundings {
    std::function<std::optional<std::string>(const std::string& name)> environment;
    /// Whole content of a file, at most 1 MiB; empty when it cannot be read.
    std::function<std::optional<std::string>(const std::string& path)> read_file;
};
/// getenv and the file system. @thread control, at load
Surroundings process_surroundings();

/// `path` as seen from `folder`: as it is when it is absolute, empty or there is no folder.
std::string join_path(const std::string& folder, const std::string& path);

enum class Placeholders : unsigned char { EnvironmentOnly, EnvironmentAndFile };

/// Replaces placeholders; what came out of one is not searched again. Any other `${...}` stays: templates
/// have their own meaning. A missing variable or file is an error that names it, and leaves the placeholder
/// in place.
///
/// @param folder   relative ${FILE:} paths count from here
/// @param allowed  ESE files know only ${ENV:}
std::string expand(std::string_view text, const Position& at, const std::string& folder, Placeholders allowed,
                   const Surroundings& surroundings, Faults& faults);

}  // namespace latchkey::config
