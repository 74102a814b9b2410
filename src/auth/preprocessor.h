// Preprocessor: a step that copies between facts before authentication or authorization. It sees only what is
// there; it never calls out and never makes a claimed value proven.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "auth/facts.h"
#include "base/result.h"

namespace latchkey::json {
class Value;
}

namespace latchkey::auth {

/// @thread any (immutable)
class Preprocessor {
  public:
    virtual ~Preprocessor() = default;
    /// @param verified  claims whose signature this login has checked; null before authentication and for
    ///                  identities without a token
    /// @error any row of the table; the login is refused then
    virtual Result<void> apply(Facts& facts, const json::Value* verified) const = 0;
};

}  // namespace latchkey::auth
