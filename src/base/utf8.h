// UTF-8 as MQTT and the logs need it: strict validation (RFC 3629) and escaping that keeps a hostile client
// id, topic or claim on one line, between its quotes and in reading order.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace latchkey {

/// One decoded character. `size` 0 means that the bytes there are not UTF-8.
struct Utf8Char {
    char32_t code_point = 0;
    std::uint8_t size = 0;
};

/// Decodes the character that starts at `position` (which must be inside `text`).
/// @thread any @spec RFC 3629 4: no overlong forms, no surrogates, nothing above U+10FFFF
Utf8Char decode_utf8(std::string_view text, std::size_t position) noexcept;

/// Appends `code_point` as UTF-8; it must be a scalar value (no surrogate, at most U+10FFFF).
void append_utf8(std::string& out, char32_t code_point);

/// @thread any; no allocation @spec RFC 3629
bool is_valid_utf8(std::string_view text) noexcept;

/// Valid UTF-8 without U+0000. The length limit (65,535 bytes) is the decoder's: it is the field's width.
/// @spec MQTT5 1.5.4 [MQTT-1.5.4-1], [MQTT-1.5.4-2]
bool is_mqtt_string(std::string_view text) noexcept;

/// True when `text` holds a C0 control (U+0000..U+001F), DEL or a C1 control (U+0080..U+009F). Valid UTF-8
/// assumed: in anything else a C1 control is looked for as its two bytes.
bool has_control_characters(std::string_view text) noexcept;

/// `text` as it may stand between double quotes in a text or JSON log line. Controls, the quote, the
/// backslash, line separators and characters that reorder or hide text (U+200E, U+200F, U+2028..U+202E,
/// U+2066..U+2069, U+FEFF) become \uXXXX; a byte that is not UTF-8 becomes \ufffd. The result is valid UTF-8
/// and one line.
/// @thread any @cost ASCII without anything to escape: eight bytes a step and one copy
std::string escape_for_log(std::string_view text);
/// The same, appended.
void escape_for_log(std::string_view text, std::string& out);

/// As escape_for_log, but quotes and backslashes stay: for messages that people read in a terminal.
std::string escape_for_terminal(std::string_view text);

}  // namespace latchkey
