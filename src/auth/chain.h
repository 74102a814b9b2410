// The chain rule: a pure left fold over the verdicts of a pipeline's realms. All that decides whether a login
// goes on to the next realm is here, apart from the machinery that asks them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "auth/verdict.h"

namespace latchkey::auth {

enum class OnRefused : std::uint8_t { Stop, Next };
enum class OnFailure : std::uint8_t { Stop, Next };

/// How one realm stands in its chain.
struct LinkOptions {
    OnRefused on_refused = OnRefused::Stop;
    OnFailure on_failure = OnFailure::Stop;
};

/// What the chain has come to. NotMine never is an end.
enum class Outcome : std::uint8_t { Granted, Refused, Challenge, Failed };
std::string_view name_of(Outcome outcome);

/// The fold. Feed it the verdicts in order until it gives an end. @thread any (value)
class ChainFold {
  public:
    /// @param resumed  the first verdict fed answers a pinned challenge: not mine means refused then
    /// @param has_method  the client sent an Authentication Method; a challenge without one is a failure
    ChainFold(bool resumed, bool has_method) : pinned_(resumed), has_method_(has_method) {}

    /// The end, or nothing: ask the next realm.
    std::optional<Outcome> feed(VerdictKind verdict, LinkOptions link);
    /// The end of a chain that nobody ended: failed if any realm failed, else refused.
    Outcome finish() const { return failed_ ? Outcome::Failed : Outcome::Refused; }

    /// A realm failed before another granted: the grant is audited as degraded.
    bool degraded() const { return failed_; }

  private:
    bool pinned_;
    bool has_method_;
    bool failed_ = false;
};

}  // namespace latchkey::auth
