// Filters as sets of topics: membership, inclusion, overlap, intersection. A filter that begins with a
// wildcard holds no topic that begins with `$`, whatever it is compared with. Arguments are valid names and
// filters.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace latchkey::topic {

/// Does the filter hold this topic? `a/#` holds `a`. @thread any; no allocation
/// @spec MQTT5 4.7.1.2, 4.7.1.3, 4.7.2
bool matches(std::string_view filter, std::string_view topic) noexcept;

/// The same below the first level, where `$` is an ordinary character: both arguments are what is left of a
/// filter and a topic after equal leading levels. @thread any; no allocation
bool matches_below(std::string_view filter_rest, std::string_view topic_rest) noexcept;

/// Is every topic of `inner` one of `outer`? `a/#` contains `a` and `a/+`; `a/+` never contains `a/#`.
/// @thread any; no allocation
bool contains(std::string_view outer, std::string_view inner) noexcept;

/// Is there a topic that both hold? @thread any; no allocation
bool intersects(std::string_view left, std::string_view right) noexcept;

/// The topics that both hold: one filter again, or nothing. (The filter may have more levels than either.)
std::optional<std::string> intersection(std::string_view left, std::string_view right);

/// The same set written so that inclusion and overlap can be read off level by level: `#` is `+/#`, and `/#`
/// is
/// `/+/#` because the empty topic does not exist.
inline std::string_view canonical(std::string_view filter) noexcept {
    if (filter == "#") return "+/#";
    if (filter == "/#") return "/+/#";
    return filter;
}

}  // namespace latchkey::topic
