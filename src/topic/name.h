// Topic names and filters as strings: what is legal, how they fall into levels. `a//b`, `/a`, `a/` and `a`
// are four topics; nothing is ever trimmed. MQTT5 4.7. UTF-8 itself is the packet decoder's business.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace latchkey::topic {

inline constexpr std::size_t kMaxBytes = 65'535;
inline constexpr std::size_t kDefaultMaxLevels = 128;

/// May a message carry this topic?
/// @error kEmpty | kTooLong | kNul | kWildcardInName | kTooManyLevels   @thread any; no allocation
/// @spec [MQTT-4.7.1-1] [MQTT-4.7.3-1..3] [MQTT-3.3.2-2]
Result<void> validate_name(std::string_view name, std::size_t max_levels = kDefaultMaxLevels);

/// May a subscription ask for this filter? Knows nothing of `$share`: see share.h.
/// @error kEmpty | kTooLong | kNul | kMisplacedWildcard | kTooManyLevels   @thread any; no allocation
/// @spec [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.1-3]
Result<void> validate_filter(std::string_view filter, std::size_t max_levels = kDefaultMaxLevels);

/// Topics that begin with `$`: leading wildcards never meet them [MQTT-4.7.2-1].
inline bool is_dollar(std::string_view topic) noexcept {
    return !topic.empty() && topic.front() == '$';
}

/// Does the filter ask for more than one topic?
inline bool has_wildcard(std::string_view filter) noexcept {
    return filter.find_first_of("+#") != std::string_view::npos;
}

/// The first level: `$SYS` of `$SYS/broker`, the empty string of `/a`.
inline std::string_view first_level(std::string_view topic) noexcept {
    return topic.substr(0, topic.find('/'));
}

/// Number of levels, empty ones included; at least 1.
std::size_t level_count(std::string_view topic) noexcept;

/// Walks the levels of a name or filter: `for (Levels l(text); !l.done(); l.next()) use(l.level());`.
/// Cheap to copy; borrows the text. @thread any
class Levels {
  public:
    explicit Levels(std::string_view text) noexcept : rest_(text) { cut(); }

    bool done() const noexcept { return done_; }
    /// The present level; only while !done().
    std::string_view level() const noexcept { return level_; }
    /// Is this the last one?
    bool last() const noexcept { return last_; }
    void next() noexcept {
        if (last_) {
            done_ = true;
            return;
        }
        cut();
    }

  private:
    void cut() noexcept {
        const std::size_t slash = rest_.find('/');
        last_ = slash == std::string_view::npos;
        level_ = rest_.substr(0, slash);
        if (!last_) rest_.remove_prefix(slash + 1);
    }

    std::string_view rest_;
    std::string_view level_;
    bool last_ = false;
    bool done_ = false;
};

}  // namespace latchkey::topic
