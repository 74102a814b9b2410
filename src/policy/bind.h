// bind: policy and identity to program. Pure. All blocks of an identity become one list: priority descending,
// deny before allow, block name, file order; so no order of claims lets an allow beat a deny of its own
// priority.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "policy/program.h"

namespace latchkey::policy {

/// Call it as policy::bind: an unqualified call finds std::bind too, by its shared_ptr.
/// @param policy not null; a null authority gives a program that denies everything
/// @thread any   @cost a sort over the rules of the identity's blocks
Program bind(const PolicyRef& policy, const AuthorityRef& authority);

/// bind with memory: identities with the same blocks and the same used values share their rule lists, so that
/// 100,000 clients with one role cost one list. Forgets everything when the policy changes.
/// @thread shard (one owner)
class Binder {
  public:
    explicit Binder(const HashSeed& seed) : shared_(16, SeededHash{seed}) {}
    /// Equal to policy::bind in everything it decides.
    Program bind(const PolicyRef& policy, const AuthorityRef& authority);
    std::size_t list_count() const noexcept { return shared_.size(); }

  private:
    void drop_unused();

    PolicyRef policy_;
    std::unordered_map<std::string, std::shared_ptr<const Rights>, SeededHash> shared_;
    std::size_t sweep_at_ = 1'024;
};

}  // namespace latchkey::policy
