// decide: house rules AND the program's first match AND every ceiling; no match is a no. Pure and repeatable;
// the sink is null on the hot path and a trace for explain: same code, same answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/program.h"

namespace latchkey::policy {

/// What somebody wants to do. Names and filters are valid ones (topic/name.h); views live for the call.
struct Request {
    Act act = Act::Publish;
    std::string_view
        topic;  ///< publish, receive: a name; subscribe, unsubscribe: a filter, without `$share/GROUP/`
    std::uint8_t qos = 0;  ///< 0 to 2; subscribe: as asked for; receive: as its subscription asked for
    bool retain = false;   ///< publish
    Via via = Via::Live;   ///< publish
    std::optional<std::string_view> group;  ///< subscribe, receive: the share group
    bool wild =
        false;  ///< receive: has the subscription's filter a wildcard? (subscribe: read off the filter)
};

/// Rules that no policy can lift.
enum class HouseRule : std::uint8_t {
    None,
    PublishSys,    ///< nobody publishes to `$SYS/...`
    PublishShare,  ///< nor to `$share/...`
    DollarWill,    ///< no will under `$`
    NestedShare,   ///< no `$share/...` where a plain filter is expected
    BadQos,        ///< QoS above 2 does not exist
};
/// Stable name ("publish-sys") and one sentence.
std::string_view name(HouseRule rule) noexcept;
std::string_view text(HouseRule rule) noexcept;

enum class Reason : std::uint8_t {
    NoAuthority,  ///< nobody: denied
    Revoked,      ///< denied
    House,        ///< denied by a house rule
    NoMatch,      ///< denied: no rule speaks for it
    Rule,         ///< the rule decided
    Ceiling,      ///< denied: the identity may, a ceiling does not let it (`rule` may be the ceiling's deny)
    Budget,       ///< denied: the filter costs too much to decide; counted by the caller
    Broker,       ///< allowed: the broker itself
    Unasked,      ///< allowed: UNSUBSCRIBE needs no right in set programs
};
std::string_view name(Reason reason) noexcept;

struct [[nodiscard]] Decision {
    Effect effect = Effect::Deny;
    Reason reason = Reason::NoAuthority;
    HouseRule house = HouseRule::None;
    const Rule* rule = nullptr;         ///< lives as long as the program
    const Block* block = nullptr;       ///< the rule's
    const RuleList* ceiling = nullptr;  ///< for Reason::Ceiling
    PolicyVersion policy_version = 0;
    AuthorityVersion authority_version = 0;

    bool allowed() const noexcept { return effect == Effect::Allow; }
};

/// Why a rule did not decide; Matched: it did, or would have.
/// Part: some topics of a requested filter are the rule's, others are not.
enum class Miss : std::uint8_t { Matched, Act, Qos, Retain, Via, Wild, Share, Group, Topic, Part, Unusable };
std::string_view name(Miss miss) noexcept;

/// Listens to a decision. Calls come on the calling thread, before decide returns.
class Sink {
  public:
    virtual ~Sink() = default;
    /// The list that is asked next: the identity's own (empty name), then each ceiling.
    virtual void list(const RuleList& list) = 0;
    /// `level` counts from 1 and says where the topics part (Miss::Topic); `filter` is the template filled
    /// in, or the guilty placeholder (Miss::Unusable).
    virtual void considered(const Rule& rule, const Block& block, std::string_view filter, Miss miss,
                            std::size_t level) = 0;
    /// A topic of the requested filter that the list does not allow.
    virtual void uncovered(std::string_view topic) = 0;
};

/// @param sink may be nullptr
/// @thread any   @cost publish, receive: no allocation; measured about 15 ns for the first rule and 75 ns for
/// the last of 21 that begin alike. Subscribe with wildcards: see topic/covered.h
Decision decide(const Program& program, const Request& request, Sink* sink = nullptr);

/// Bit qos + 3 * retain: may a live publish with these go to the topic? All six in one walk, for the cache of
/// routes and decisions. Equal to six times decide().allowed().
using PublishMask = std::uint8_t;
PublishMask publish_mask(const Program& program, std::string_view topic);
constexpr bool mask_allows(PublishMask mask, unsigned qos, bool retain) noexcept {
    return (mask >> (qos + (retain ? 3U : 0U)) & 1U) != 0;
}

}  // namespace latchkey::policy
