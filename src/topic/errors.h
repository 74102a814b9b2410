// Error rows of the topic room (numbers 2000 and up): what can be wrong with a topic name, filter or share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::topic {

inline constexpr ErrorInfo kEmpty{2000, "topic_empty", "a topic name or filter needs at least one character",
                                  "give a topic"};
inline constexpr ErrorInfo kTooLong{2001, "topic_too_long",
                                    "a topic name or filter holds at most 65535 bytes", "shorten it"};
inline constexpr ErrorInfo kNul{2002, "topic_nul", "a topic name or filter must not hold the NUL character",
                                ""};
inline constexpr ErrorInfo kWildcardInName{
    2003, "topic_wildcard_in_name", "a topic name must not hold + or #", "publish to one topic at a time"};
inline constexpr ErrorInfo kMisplacedWildcard{2004, "topic_misplaced_wildcard",
                                              "a wildcard stands where the standard forbids it",
                                              "+ fills a whole level, # is the whole last level"};
inline constexpr ErrorInfo kTooManyLevels{2005, "topic_too_many_levels", "the topic has too many levels",
                                          "use fewer levels or raise the limit"};
inline constexpr ErrorInfo kMalformedShare{2006, "topic_malformed_share",
                                           "a shared subscription has the form $share/GROUP/FILTER",
                                           "GROUP is not empty and holds none of / + #; FILTER is not empty"};

inline constexpr std::array<const ErrorInfo*, 7> kErrors{
    &kEmpty, &kTooLong, &kNul, &kWildcardInName, &kMisplacedWildcard, &kTooManyLevels, &kMalformedShare};

}  // namespace latchkey::topic
