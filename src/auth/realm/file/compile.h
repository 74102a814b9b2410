// From ESE permissions to rules of the policy: one allow rule each, all dimensions kept together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string_view>

#include "auth/realm/file/data.h"
#include "base/result.h"
#include "policy/policy.h"

namespace latchkey::auth {

/// A permission's topic with ESE's placeholders: `${VARIABLE}` of every text variable.
std::expected<policy::Template, policy::TemplateFault> parse_topic(std::string_view text);

/// @error of parse_topic
Result<policy::Rule> compile(const FilePermission& permission);

}  // namespace latchkey::auth
