// Rights: what the parts of a shard ask the policy. Binds authorities to the shard's present policy, keeps
// those programs, judges authors and receivers again when versions moved, and makes a denial findable by its
// id.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/line_budget.h"
#include "broker/message.h"
#include "policy/bind.h"
#include "policy/decide.h"
#include "policy/decision_ring.h"

namespace latchkey::broker {

class Client;
class Session;
class Shard;

/// What a request is called in logs and reports: "publish", "will", "subscribe" and so on. @thread any
std::string_view act_name(policy::Act act, policy::Via via);

/// @thread shard
class Rights {
  public:
    Rights(Shard& shard, const HashSeed& seed, std::uint32_t process_epoch);

    /// The session's program under the shard's policy; bound again when either version moved.
    const policy::Program& program_of(Session& session);
    policy::Program bind(const policy::AuthorityRef& authority);

    /// May `session` still receive this? Granted filters cover their topics, so this is asked only for
    /// entries that were judged under another version. @param group  of the shared subscription it came by
    bool may_receive(Session& session, std::string_view topic, std::uint8_t qos,
                     std::optional<std::string_view> group = std::nullopt);
    /// May the author of `message` still have published it? Unchanged versions cost two compares.
    bool author_may(const Message& message);
    /// Allowed under a newer policy than this shard has: not to be judged yet.
    bool from_the_future(const Message& message) const noexcept;

    /// Records a denial and writes the WARN line and the audit event. A client that is denied faster than
    /// kClientLines gets the lines of its first ones; what is left out is counted and told with the next
    /// line. @return "d-..." for reason strings
    std::string denied(const Client& client, const policy::Program& program, const policy::Request& request,
                       const policy::Decision& decision);
    std::string denied_will(std::string_view client_id, std::string_view listener,
                            const policy::Program& program, const policy::Request& request,
                            const policy::Decision& decision);
    const policy::DecisionRing& ring() const noexcept { return ring_; }

    /// Beyond these no line is written: one client, and all clients of this shard.
    static constexpr LineRate kClientLines{1'000, std::chrono::milliseconds(100)};
    static constexpr LineRate kShardLines{5'000, std::chrono::milliseconds(10)};

    /// The shard has adopted another policy.
    void on_policy_changed() { authors_.clear(); }

  private:
    const policy::Denial& tell(std::string_view client_id, std::string_view listener,
                               const policy::Program& program, const policy::Request& request,
                               const policy::Decision& decision, LineBudget* budget);
    void tell_suppressed();

    Shard& shard_;
    policy::Binder binder_;
    policy::DecisionRing ring_;
    LineBudget lines_;
    std::uint64_t suppressed_ = 0;  ///< denials without a line since the last line
    /// Programs of authors by authority number; forgotten with the policy and when it grows.
    std::unordered_map<std::uint64_t, policy::Program> authors_;
};

}  // namespace latchkey::broker
