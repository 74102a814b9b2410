// Realm: the seam to a source of identities or rights (an OAuth provider, a file, later a directory or a
// database). A realm gives an Authenticator (who is it), an Authorizer (which blocks of the policy are its),
// or both. Implementations never block the caller; each passes tests/support/realm_contract.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/facts.h"
#include "auth/verdict.h"
#include "base/result.h"
#include "base/time.h"
#include "net/completion.h"
#include "policy/policy.h"

namespace latchkey::auth {

/// One try to log in. Lives until its `done` has been called; realms may keep a reference until then.
struct Attempt {
    const Facts& facts;
    net::Mailbox& home;  ///< where `done` runs
    MonoTime started;
    MonoTime deadline;    ///< `done` is called by then, with Failed if nothing else is known
    WallTime now;         ///< the instant that tokens are judged at
    bool pinned = false;  ///< continues an exchange that this realm began with a challenge
};

using VerdictDone = std::move_only_function<void(Verdict)>;

/// @thread any (internally safe)
class Authenticator {
  public:
    virtual ~Authenticator() = default;
    /// Calls `done` exactly once, on the thread of attempt.home, possibly before return. Never throws, never
    /// waits, never grants when something it needs did not answer.
    virtual void authenticate(const Attempt& attempt, VerdictDone done) = 0;
    /// Whether it speaks this Authentication Method (MQTT5 4.12); who names one is shown to no other realm.
    virtual bool takes_method(std::string_view) const { return false; }
    /// A realm of passwords: its refusals leave on a timer so that they all take equally long.
    virtual bool hides_timing() const { return false; }
};

/// The rights of an identity: references, never compiled rules, so that a reload needs no new login.
struct Grants {
    std::vector<policy::BlockRef> blocks;  ///< in the order that belongs to the identity
    std::optional<WallTime> recheck_at;    ///< ask again then
    bool uses_values = true;               ///< false: no rule of these blocks has a placeholder
};
using GrantsDone = std::move_only_function<void(Result<Grants>)>;

/// @thread any (internally safe)
class Authorizer {
  public:
    virtual ~Authorizer() = default;
    /// As authenticate(): once, on home, possibly before return. No rights is an answer; an error is a
    /// failure.
    virtual void resolve(const Attempt& attempt, const Identity& who, GrantsDone done) = 0;
    /// Adds the blocks that resolve() may name to an epoch's policy. @thread control, before any resolve
    virtual Result<void> contribute(policy::PolicyBuilder& policy) const = 0;
};

enum class HealthState : std::uint8_t { Ok, Degraded, Down };
struct Health {
    HealthState state = HealthState::Ok;
    std::vector<Error> reasons;
};

/// @thread prepare and drain: control; the rest: any
class Realm {
  public:
    virtual ~Realm() = default;
    virtual std::string_view name() const = 0;
    /// Opens what it needs and starts fetching; does not wait. A source that is down at start is no error.
    virtual Result<void> prepare() = 0;
    /// No further calls out; what waits is answered Failed, and so is every later login.
    virtual void drain() = 0;
    virtual Health health() const = 0;
    /// Null when the realm does not do this. With the realm's own settings; a realm's concrete type may offer
    /// more of them for pipelines with different ones.
    virtual std::shared_ptr<Authenticator> authenticator() = 0;
    virtual std::shared_ptr<Authorizer> authorizer() = 0;
};

}  // namespace latchkey::auth
