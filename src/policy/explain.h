// Explaining a decision: the trace of every rule that was asked, and for a denial the nearest rule that would
// have allowed. For WARN lines, `explain` and the page; never on the hot path of what is allowed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decide.h"

namespace latchkey::policy {

/// One line of a trace. Rule and block live as long as the program.
struct TraceStep {
    std::string list;  ///< empty: the identity's own rules; else the ceiling's name
    const Rule* rule;
    const Block* block;
    std::string filter;
    Miss miss;
    std::size_t level;
};

/// Keeps what decide says, up to a limit of steps. @thread one owner
class TraceSink final : public Sink {
  public:
    static constexpr std::size_t kMaxSteps = 10'000;

    void list(const RuleList& list) override;
    void considered(const Rule& rule, const Block& block, std::string_view filter, Miss miss,
                    std::size_t level) override;
    void uncovered(std::string_view topic) override;

    const std::vector<TraceStep>& steps() const noexcept { return steps_; }
    bool cut() const noexcept { return cut_; }
    /// Empty: none was needed.
    const std::string& uncovered_topic() const noexcept { return uncovered_; }

  private:
    std::string list_;
    std::vector<TraceStep> steps_;
    std::string uncovered_;
    bool cut_ = false;
};

/// "topic differs at level 2", "asked QoS 1, rule allows 0": what a step says to people.
std::string describe(const TraceStep& step);

/// What one would have to change for a denied request to pass.
struct NearMiss {
    enum class Kind : std::uint8_t {
        Scalar,      ///< a rule of the identity names the topic, but another QoS, retain, ...
        Unusable,    ///< a rule of the identity would, if its placeholder had a usable value
        OtherBlock,  ///< the rule of a block that the identity does not hold
        Filter,      ///< a rule of the identity comes closest by its topic
    };
    Kind kind;
    const Rule* rule;  ///< lives as long as the program
    const Block* block;
    Miss miss;
    std::string filter;
};
/// Only for denied requests; nothing when no allow rule has anything to do with it. Looks at no more than
/// kNearestScan rules of other blocks, so that a client cannot make denials expensive.
inline constexpr std::size_t kNearestScan = 2'000;
std::optional<NearMiss> nearest_allow(const Program& program, const Request& request);
/// One line: `role writer allows publish plant/+ (roles.xml:7:3), but only QoS 0`.
std::string describe(const NearMiss& near);

}  // namespace latchkey::policy
