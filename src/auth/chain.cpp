// The table of chain rules as one switch.
// SPDX-License-Identifier: Apache-2.0
#include "auth/chain.h"

#include <utility>

namespace latchkey::auth {

std::string_view name_of(VerdictKind kind) {
    switch (kind) {
        case VerdictKind::Granted:
            return "granted";
        case VerdictKind::Refused:
            return "refused";
        case VerdictKind::Challenge:
            return "challenge";
        case VerdictKind::NotMine:
            return "not mine";
        case VerdictKind::Failed:
            return "failed";
    }
    return "failed";
}

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Granted:
            return "granted";
        case Outcome::Refused:
            return "refused";
        case Outcome::Challenge:
            return "challenge";
        case Outcome::Failed:
            return "failed";
    }
    return "failed";
}

Verdict Verdict::granted(Identity who) {
    return {VerdictKind::Granted, kNoCause, std::move(who), {}};
}

std::optional<Outcome> ChainFold::feed(VerdictKind verdict, LinkOptions link) {
    const bool pinned = std::exchange(pinned_, false);
    switch (verdict) {
        case VerdictKind::NotMine:
            // An exchange that this realm began is its own: nobody else may take it over.
            if (pinned) return finish();
            return std::nullopt;
        case VerdictKind::Granted:
            return Outcome::Granted;
        case VerdictKind::Refused:
            if (link.on_refused == OnRefused::Next) return std::nullopt;
            return finish();
        case VerdictKind::Challenge:
            if (!has_method_) return Outcome::Failed;
            return Outcome::Challenge;
        case VerdictKind::Failed:
            failed_ = true;
            if (link.on_failure == OnFailure::Next) return std::nullopt;
            return Outcome::Failed;
    }
    return Outcome::Failed;
}

}  // namespace latchkey::auth
