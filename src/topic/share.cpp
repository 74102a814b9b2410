// Shared subscriptions: the parser. See share.h.
// SPDX-License-Identifier: Apache-2.0
#include "topic/share.h"

#include "topic/errors.h"

namespace latchkey::topic {

Result<std::optional<Share>> parse_share(std::string_view text, std::size_t max_levels) {
    constexpr std::string_view kPrefix = "$share/";
    if (text.size() > kMaxBytes) return fail(kTooLong);
    if (!text.starts_with(kPrefix)) {
        LK_CHECK(validate_filter(text, max_levels));
        return std::nullopt;
    }
    const std::string_view rest = text.substr(kPrefix.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return fail(kMalformedShare, "no filter");
    const Share share{rest.substr(0, slash), rest.substr(slash + 1)};
    if (share.group.empty()) return fail(kMalformedShare, "empty group");
    if (has_wildcard(share.group)) return fail(kMalformedShare, "wildcard in group");
    if (share.group.find('\0') != std::string_view::npos) return fail(kNul);
    if (share.filter.empty()) return fail(kMalformedShare, "no filter");
    LK_CHECK(validate_filter(share.filter, max_levels));
    return share;
}

}  // namespace latchkey::topic
