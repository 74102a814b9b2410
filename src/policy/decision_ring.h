// The last denials of one shard, each under an id that clients and logs carry. An entry keeps the program it
// was decided by, so that the id explains itself on the policy of its time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "policy/decide.h"

namespace latchkey::policy {

/// 64 bits: shard 10, process epoch 22, counter 32. Unique as long as epochs are.
struct DecisionId {
    std::uint64_t value = 0;
    auto operator<=>(const DecisionId&) const = default;
    std::uint32_t shard() const noexcept { return static_cast<std::uint32_t>(value >> 54); }
};
/// "d-" and 13 characters of lower case base 32 without i, l, o, u.
std::string to_text(DecisionId id);
/// Reads what to_text wrote, upper case too; nothing else.
std::optional<DecisionId> parse_decision_id(std::string_view text);

/// A denial, complete enough to be decided again.
struct Denial {
    DecisionId id;
    WallTime at{};
    std::string client_id;
    std::string listener;
    Program program;  ///< keeps authority, policy and rules alive
    Decision decision;

    Act act = Act::Publish;
    std::string topic;
    bool topic_cut =
        false;  ///< longer than kMaxTopic: the id still names the rule, but cannot be decided again
    std::uint8_t qos = 0;
    bool retain = false;
    Via via = Via::Live;
    std::optional<std::string> group;
    bool wild = false;

    static constexpr std::size_t kMaxTopic = 4'096;
    /// The request again; borrows from this.
    Request request() const;
    /// The line about the nearest rule that would have allowed; empty when there is none, or the topic was
    /// cut.
    /// @cost a walk through the program: for somebody who reads it, not for every denial
    std::string nearest() const;
};

/// @thread shard (one owner)
class DecisionRing {
  public:
    /// @param process_epoch grows with each start (22 bits are used)
    DecisionRing(std::uint32_t shard, std::uint32_t process_epoch, std::size_t capacity);

    /// Keeps a denial, forgets the oldest. The reference is good until the next record().
    const Denial& record(const Program& program, const Request& request, const Decision& decision,
                         std::string_view client_id, std::string_view listener, WallTime at);
    /// nullptr: never was, or was forgotten.
    const Denial* find(DecisionId id) const noexcept;
    /// Newest first, at most `limit`.
    std::vector<const Denial*> recent(std::size_t limit) const;
    std::uint64_t recorded() const noexcept { return count_; }

  private:
    std::uint64_t base_;
    std::size_t capacity_;
    std::uint64_t count_ = 0;
    std::vector<Denial> ring_;
};

}  // namespace latchkey::policy
