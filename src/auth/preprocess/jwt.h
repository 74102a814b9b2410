// ESE's jwt-preprocessor: copies claims into variables. It reads only claims whose signature this very login
// has checked; placed before authentication, where there are none, all its targets become absent.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "auth/preprocessor.h"
#include "base/fault.h"

namespace latchkey::auth {

/// One claim to copy. A name that starts with `/` is a JSON Pointer in native TOML; in ESE dots descend.
struct JwtExtraction {
    std::string claim;
    std::string variable;
    Position at;
};

struct JwtPreprocessorConfig {
    std::string prefix;
    std::string postfix;
    std::string source = "authentication-byte-secret";
    bool json_pointers = false;  ///< native naming of claims
    std::vector<JwtExtraction> extractions;
    Position at;
};
void validate(const JwtPreprocessorConfig& config, bool before_authentication, Faults& faults);

/// The claim a name means; null when absent. With dots the whole name is tried first, as one member.
const json::Value* find_claim(const json::Value& claims, std::string_view name, bool json_pointers);

/// @thread any (immutable)
class JwtPreprocessor final : public Preprocessor {
  public:
    explicit JwtPreprocessor(JwtPreprocessorConfig config) : config_(std::move(config)) {}
    /// Missing or null claim: absent. Lists join their wrapped members; into authorization-role-key they stay
    /// a list of roles. Objects and nested lists: kClaimType.
    Result<void> apply(Facts& facts, const json::Value* verified) const override;

  private:
    JwtPreprocessorConfig config_;
};

}  // namespace latchkey::auth
