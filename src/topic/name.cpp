// Topic names and filters: the checks. See name.h.
// SPDX-License-Identifier: Apache-2.0
#include "topic/name.h"

#include <algorithm>

#include "topic/errors.h"

namespace latchkey::topic {
namespace {

Result<void> validate_common(std::string_view text, std::size_t max_levels) {
    if (text.empty()) return fail(kEmpty);
    if (text.size() > kMaxBytes) return fail(kTooLong);
    if (text.find('\0') != std::string_view::npos) return fail(kNul);
    if (level_count(text) > max_levels) return fail(kTooManyLevels);
    return {};
}

}  // namespace

std::size_t level_count(std::string_view topic) noexcept {
    return 1 + static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/'));
}

Result<void> validate_name(std::string_view name, std::size_t max_levels) {
    LK_CHECK(validate_common(name, max_levels));
    if (has_wildcard(name)) return fail(kWildcardInName);
    return {};
}

Result<void> validate_filter(std::string_view filter, std::size_t max_levels) {
    LK_CHECK(validate_common(filter, max_levels));
    for (Levels l(filter); !l.done(); l.next()) {
        const std::string_view level = l.level();
        if (!has_wildcard(level)) continue;
        if (level.size() != 1) return fail(kMisplacedWildcard, level);
        if (level == "#" && !l.last()) return fail(kMisplacedWildcard, "# before the end");
    }
    return {};
}

}  // namespace latchkey::topic
