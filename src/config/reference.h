// The reference page and the JSON Schema of native TOML, printed from the rows that the reader itself
// uses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace latchkey::config {

/// Markdown: one table per section. @thread any
std::string reference_page();
/// JSON Schema (draft 2020-12) for editors that complete and check TOML. @thread any
std::string json_schema();

}  // namespace latchkey::config
