// Error rows of the policy room (numbers 5000 and up): faults of rules and templates at load, of stored
// authorities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/result.h"

namespace latchkey::policy {

inline constexpr ErrorInfo kUnknownPlaceholder{5000, "policy_unknown_placeholder",
                                               "the topic names a placeholder that does not exist here",
                                               "use one of the names that the reference page lists"};
inline constexpr ErrorInfo kUnclosedPlaceholder{
    5001, "policy_unclosed_placeholder", "a placeholder begins with ${ and never ends", "add the missing }"};
inline constexpr ErrorInfo kBadTemplate{5002, "policy_bad_template",
                                        "the topic of a rule is not a legal filter",
                                        "+ fills a whole level, # is the whole last level"};
inline constexpr ErrorInfo kDollarPlaceholder{
    5003, "policy_dollar_placeholder",
    "a first level that begins with $ must be written out, without placeholder",
    "name the $-topic literally"};
inline constexpr ErrorInfo kDeadRule{
    5004, "policy_dead_rule", "a rule with an empty dimension can never match",
    "give at least one activity, QoS, retain and source, or leave the rule out"};
inline constexpr ErrorInfo kNotInSetMode{
    5005, "policy_not_in_set_mode", "rules that compare filters as written do not mix with set rules", ""};
inline constexpr ErrorInfo kBadGroup{5006, "policy_bad_group",
                                     "a share group is not empty and holds none of / + #",
                                     "name one group, or allow any"};
inline constexpr ErrorInfo kDuplicateRule{5007, "policy_duplicate_rule", "two rules have one id", ""};
inline constexpr ErrorInfo kTooManyRules{5008, "policy_too_many_rules", "the policy has too many rules", ""};
inline constexpr ErrorInfo kBadBlob{5010, "policy_bad_blob", "a stored authority cannot be read",
                                    "the data folder is damaged: restore it from a backup"};
inline constexpr ErrorInfo kBlobVersion{5011, "policy_blob_version",
                                        "a stored authority has an unknown format",
                                        "the data folder was written by a newer version"};
inline constexpr ErrorInfo kAuthorityTooLarge{5012, "policy_authority_too_large",
                                              "an identity carries too many or too long facts",
                                              "map fewer claims into topics and roles"};

inline constexpr std::array<const ErrorInfo*, 12> kErrors{&kUnknownPlaceholder, &kUnclosedPlaceholder,
                                                          &kBadTemplate,        &kDollarPlaceholder,
                                                          &kDeadRule,           &kNotInSetMode,
                                                          &kBadGroup,           &kDuplicateRule,
                                                          &kTooManyRules,       &kBadBlob,
                                                          &kBlobVersion,        &kAuthorityTooLarge};

}  // namespace latchkey::policy
