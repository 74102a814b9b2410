// Latchkey's own TOML. Strict: an unknown key is an error with its position and the nearest known key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fault.h"
#include "config/configuration.h"
#include "config/expand.h"

namespace latchkey::config {

/// @param path  gives positions; relative paths count from its folder
/// @return the configuration as far as it could be read; valid only when `faults` has no errors
Configuration read_native(const std::string& path, std::string_view text, const Surroundings& surroundings,
                          Faults& faults);

}  // namespace latchkey::config
