// Well-formedness of XML told in an operator's words: which element is open where, second roots, glued
// fragments, mistyped references. Also what keeps the parser behind it safe: no DOCTYPE, bounded depth.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/fault.h"

namespace latchkey::config {

inline constexpr std::size_t kMaxFileBytes = 1024 * 1024;
inline constexpr std::size_t kMaxXmlDepth = 32;

/// Checks the markup of `text` (valid UTF-8). @return false when a tree must not be built from it.
/// @cost linear; stops at the first broken tag, because what follows would be guesses
bool scan_xml(std::string_view file, std::string_view text, Faults& faults);

}  // namespace latchkey::config
