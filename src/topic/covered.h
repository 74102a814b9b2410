// The question behind every SUBSCRIBE in set mode: is each topic of a filter allowed by an ordered list of
// allow and deny filters, where the first match decides and no match denies? And if not: a topic that shows
// it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace latchkey::topic {

/// One rule, reduced to what it says about topics.
struct EffectFilter {
    bool allow;
    std::string_view filter;
};

/// Comparisons of filters one question may cost. More is answered no: a policy that needs them is an attack
/// or a mistake, and a shard asks.
inline constexpr std::uint32_t kCoverBudget = 50'000;

struct Coverage {
    bool covered = false;
    bool over_budget = false;  ///< covered is false then; the caller counts it
    std::uint32_t steps = 0;
};

/// @param filter valid filter, without `$share`
/// @thread any   @cost linear for lists without denies; memoised, bounded by `budget`
/// @spec first match decides, no match denies; decided on sets, not on spellings
Coverage covered(std::string_view filter, std::span<const EffectFilter> rules,
                 std::uint32_t budget = kCoverBudget);

/// A topic of `filter` that the rules do not allow. Nothing when covered, or when the budget was spent.
/// Levels that the filter leaves open are filled with a word that no rule uses.
std::optional<std::string> witness(std::string_view filter, std::span<const EffectFilter> rules,
                                   std::uint32_t budget = kCoverBudget);

}  // namespace latchkey::topic
