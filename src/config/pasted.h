// Text that went through a web page: no-break spaces, curly quotes, arrows, invisible characters. They
// look right in an editor and break the file, so each is named with its place before anything is parsed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fault.h"

namespace latchkey::config {

/// What separates comments from content, which alone is searched.
enum class Markup : unsigned char { Xml, Toml };

/// Refuses text that is no plain UTF-8 (other encodings, bad bytes, NUL, control characters): one error that
/// says where. @return false when parsing would make no sense.
bool check_encoding(std::string_view file, std::string_view text, Faults& faults);

/// Reports every character outside comments that a web page or word processor put there, runs of one
/// character together, at most five places per character and then a count.
///
/// A value that really needs one writes it as a character reference (XML `&#xA0;`, TOML `"\u00A0"`).
/// @return the text with those characters made ordinary, so that one pass can report what else is wrong; the
/// load has
///         failed already. Columns stay true except after invisible characters.
std::string check_pasted(std::string_view file, std::string_view text, Markup markup, Faults& faults);

/// TOML outside strings and comments is ASCII. Reports the first character that is not.
/// @return whether there was none
bool check_toml_ascii(std::string_view file, std::string_view text, Faults& faults);

}  // namespace latchkey::config
