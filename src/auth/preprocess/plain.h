// ESE's plain-preprocessor: copies variables. An absent source clears the target; what is copied keeps its
// standing, so that a claimed value does not become proven on the way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "auth/preprocessor.h"
#include "base/fault.h"

namespace latchkey::auth {

struct PlainTransformation {
    std::string from;
    std::string to;
    bool utf8 = false;  ///< encoding="UTF8": text and bytes may be converted
    Position at;
};
struct PlainPreprocessorConfig {
    std::vector<PlainTransformation> transformations;
    Position at;
};
void validate(const PlainPreprocessorConfig& config, Faults& faults);

/// @thread any (immutable)
class PlainPreprocessor final : public Preprocessor {
  public:
    explicit PlainPreprocessor(PlainPreprocessorConfig config) : config_(std::move(config)) {}
    /// @error kVariableType: bytes and text without an encoding | kBadText: bytes that are no UTF-8
    Result<void> apply(Facts& facts, const json::Value* verified) const override;

  private:
    PlainPreprocessorConfig config_;
};

}  // namespace latchkey::auth
