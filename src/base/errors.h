// The error table of base: what the JSON reader refuses. Numbers 1000 to 1999; they never change meaning.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey {

inline constexpr ErrorInfo kJsonTooLarge{1001, "json_too_large", "JSON text is larger than allowed here", ""};
inline constexpr ErrorInfo kJsonTooDeep{1002, "json_too_deep", "JSON text is nested too deeply", ""};
inline constexpr ErrorInfo kJsonTooMany{1003, "json_too_many", "JSON text has too many values", ""};
inline constexpr ErrorInfo kJsonDuplicate{
    1004, "json_duplicate_member", "a member name occurs twice in one JSON object",
    "Readers disagree about which one counts, so it is refused; remove one of them"};
inline constexpr ErrorInfo kJsonEncoding{1005, "json_encoding", "JSON text is not plain UTF-8",
                                         "Save it as UTF-8 without a byte order mark"};
inline constexpr ErrorInfo kJsonMalformed{1006, "json_malformed", "not valid JSON", ""};

/// All rows, for the reference page. (Base has no namespace of its own, hence the longer name.)
inline constexpr std::array<const ErrorInfo*, 6> kBaseErrors{
    &kJsonTooLarge, &kJsonTooDeep, &kJsonTooMany, &kJsonDuplicate, &kJsonEncoding, &kJsonMalformed};

}  // namespace latchkey
