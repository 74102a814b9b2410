// A program: the rules that speak for one identity, in the order in which they are asked, topics filled in.
// The rule lists are shared between identities that hold the same blocks; a Program is three words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/authority.h"
#include "policy/policy.h"

namespace latchkey::policy {

/// One bit for each combination of act and scalars; a request is one bit, a rule the set of those it is
/// about. publish: qos + 3 retain + 6 via at 0; subscribe and receive: qos + 3 wild + 6 shared at 12 and 24;
/// unsubscribe: wild at 36.
using ScalarSet = std::uint64_t;
ScalarSet scalars_of(const Rule& rule) noexcept;

/// What a decision reads per rule: laid out so that a rule that does not match costs a few nanoseconds.
struct HotRule {
    enum class Kind : std::uint8_t { Exact, Below, General };
    ScalarSet scalars = 0;
    std::uint64_t probe = 0;       ///< the last 8 literal bytes, or all of them padded with NUL
    std::uint64_t probe_mask = 0;  ///< fewer than 8: which of the topic's first bytes count
    const char* text = nullptr;    ///< the whole filter
    std::uint16_t size = 0;
    std::uint16_t literal = 0;  ///< leading bytes without wildcard (Below: without the `/#`)
    Kind kind = Kind::General;
    Effect effect = Effect::Deny;
    bool one_group = false;  ///< the rule names a share group: compare it

    std::string_view filter() const noexcept { return {text, size}; }
};

/// A rule with its place of origin; one for each HotRule, same index.
struct BoundRule {
    const Rule* rule;
    const Block* block;
};
/// A rule that cannot match for this identity, and the placeholder that is to blame.
struct VoidRule {
    const Rule* rule;
    const Block* block;
    std::string variable;
};

struct RuleList {
    std::string name;  ///< empty for the identity's own, else the ceiling's
    std::vector<HotRule> hot;
    std::vector<BoundRule> bound;
    std::vector<VoidRule> voided;
};

/// Everything that does not depend on who asks. Keeps its policy alive. @thread any (immutable)
struct Rights {
    PolicyRef policy;
    RuleList own;
    std::vector<RuleList> ceilings;
    std::deque<std::string> filters;  ///< those that substitution made
};

/// @thread any (immutable; copies share). A default one denies everything.
class Program {
  public:
    Program() = default;
    Program(AuthorityRef authority, std::shared_ptr<const Rights> rights)
        : authority_(std::move(authority)), rights_(std::move(rights)) {}

    const AuthorityRef& authority() const noexcept { return authority_; }
    /// nullptr: nobody's program.
    const Rights* rights() const noexcept { return rights_.get(); }
    PolicyVersion policy_version() const noexcept { return rights_ ? rights_->policy->version() : 0; }
    AuthorityVersion authority_version() const noexcept { return authority_ ? authority_->version() : 0; }
    std::size_t rule_count() const noexcept { return rights_ ? rights_->own.hot.size() : 0; }

  private:
    AuthorityRef authority_;
    std::shared_ptr<const Rights> rights_;
};

}  // namespace latchkey::policy
