// A policy: an immutable, numbered set of blocks, each the rules of one subject. Which blocks speak for a
// client, and in which order, is the identity's business (authority.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/rule.h"

namespace latchkey::policy {

/// Durable counter, raised at every start and every epoch; never reused.
using PolicyVersion = std::uint64_t;

enum class BlockKind : std::uint8_t { Role, User, Group, Everyone, Default };
std::string_view name(BlockKind kind) noexcept;

/// The name of a block: which realm says so, what kind of subject, which one.
struct BlockRef {
    std::string realm;
    BlockKind kind = BlockKind::Role;
    std::string name;
    auto operator<=>(const BlockRef&) const = default;
};
/// "role niagara4"; the realm is left to the reader's context.
std::string describe(const BlockRef& ref);

struct Block {
    BlockRef ref;
    std::vector<Rule> rules;             ///< file order
    std::vector<std::string> variables;  ///< distinct placeholders of all its rules, sorted
};

/// @thread any (immutable)
class Policy {
  public:
    PolicyVersion version() const noexcept { return version_; }
    /// nullptr: the policy does not know this subject, which therefore contributes nothing.
    const Block* find(const BlockRef& ref) const;
    const std::vector<Block>& blocks() const noexcept { return blocks_; }
    std::size_t rule_count() const noexcept { return rule_count_; }

  private:
    friend class PolicyBuilder;
    PolicyVersion version_ = 0;
    std::vector<Block> blocks_;  ///< in order of first mention
    std::map<BlockRef, std::size_t> index_;
    std::size_t rule_count_ = 0;
};

/// Versions live as long as something refers to them.
using PolicyRef = std::shared_ptr<const Policy>;

/// What loaders use. @thread control
class PolicyBuilder {
  public:
    static constexpr std::size_t kMaxRules = 1'000'000;

    /// Makes the subject known, rules or none.
    void add(BlockRef block);
    /// Appends a rule to a block. In set programs subscribe and receive are one right, so either act gives
    /// both.
    /// @error kDeadRule | kNotInSetMode | kBadGroup | kTooManyRules
    Result<void> add(BlockRef block, Rule rule);
    /// Consumes the builder. @error kDuplicateRule (explicit ids only)
    Result<PolicyRef> build(PolicyVersion version);

  private:
    Block& block(BlockRef ref);
    Policy draft_;
};

}  // namespace latchkey::policy
