// HiveMQ's Enterprise Security Extension: config.xml and the XML of its file realms, translated. What
// guards and is not understood closes the pipeline that needs it; an unknown name is an error; nothing is
// dropped silently.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "auth/realm/file/data.h"
#include "base/fault.h"
#include "config/configuration.h"
#include "config/expand.h"

namespace latchkey::config {

/// @param path  of the file: gives positions, and where relative file-path values count from (the folder
/// above
///              `conf/` when the file lies in one, else its own)
/// @return the configuration as far as it could be read; valid only when `faults` has no errors
Configuration read_ese(const std::string& path, std::string_view text, bool allow_plain_http,
                       const Surroundings& surroundings, Faults& faults);

/// A file realm's XML. Only <mqtt> is carried over; control-center and rest-api parts warn.
auth::FileRealmData read_ese_file_realm(const std::string& file, std::string_view text,
                                        const Surroundings& surroundings, Faults& faults);

/// The folder that relative paths of an ESE config count from.
std::string ese_home(std::string_view path);

}  // namespace latchkey::config
