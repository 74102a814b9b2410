// Door: a shard's side of admission and of the login throttle. Asks before a transport is built, closes who
// has to give way, counts, and tells the log once an interval.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/admission.h"
#include "broker/line_budget.h"
#include "net/listener.h"

namespace latchkey::broker {

class Client;
class Shard;

/// @thread shard
class Door final : public net::AcceptGate {
  public:
    explicit Door(Shard& shard) : shard_(shard) {}

    /// Refused is counted and told here. The place is kept until enter() or the next call.
    bool admits(const net::Address& remote) override;
    /// The client of the connection that was admitted last.
    void enter(Client& client);
    /// A proxy's header may have given another address. False: that one is refused, `client` was dropped.
    bool still_admits(Client& client);

    /// False: too many logins of this address were refused lately; nothing of this one is to be looked at.
    bool may_login(const Client& client);
    void login_refused(const Client& client);
    /// Something of this client was refused because `limit` is reached.
    void tell_quota(const Client& client, std::string_view limit);

  private:
    void refuse(const net::Address& remote, Admission::Refusal refusal);
    void close_victim(const std::optional<Admission::Victim>& victim);
    void tell(std::string_view event, const net::Address& remote, std::string_view limit);

    Shard& shard_;
    Admission::Answer admitted_;
    LineBudget lines_;
    std::uint64_t untold_ = 0;
};

}  // namespace latchkey::broker
