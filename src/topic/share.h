// Shared subscriptions: takes `$share/GROUP/FILTER` apart. MQTT5 4.8.2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "topic/name.h"

namespace latchkey::topic {

/// Views into the parsed text.
struct Share {
    std::string_view group;
    std::string_view filter;
};

/// Checks what a SUBSCRIBE or UNSUBSCRIBE names. Nothing inside: a plain filter. Both kinds are validated as
/// filters (the share without its first two levels). `$share` alone is an ordinary, useless filter.
/// @error kMalformedShare or those of validate_filter   @thread any; no allocation
/// @spec [MQTT-4.8.2-1] [MQTT-4.8.2-2]
Result<std::optional<Share>> parse_share(std::string_view text, std::size_t max_levels = kDefaultMaxLevels);

}  // namespace latchkey::topic
