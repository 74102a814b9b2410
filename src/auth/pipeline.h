// Pipeline: the way of one login through a listener's preprocessors, chain of realms and authorizers to an
// Authority. Immutable; one per listener and epoch. Nothing of a session is touched here: the broker acts on
// the result.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "auth/chain.h"
#include "auth/facts.h"
#include "auth/preprocessor.h"
#include "auth/realm.h"
#include "auth/verdict.h"
#include "base/time.h"
#include "policy/authority.h"

namespace latchkey::auth {

/// Where a challenge left the chain; the next AUTH of that connection begins there (and in the same epoch).
struct ChallengePin {
    std::size_t link = 0;
    std::string realm;
};

struct LoginRequest {
    Facts facts;
    net::Mailbox& home;
    MonoTime started;
    MonoTime deadline;
    WallTime now;
    std::optional<ChallengePin> pin;
};

/// What the audit log, the access log and explain say about a login. No secret in it.
struct LoginAudit {
    std::string listener;
    std::string pipeline;
    std::string remote_address;
    std::string issuer;
    std::vector<std::string> roles;   ///< as in authorization-role-key when rights were looked up
    std::vector<std::string> blocks;  ///< what the authorizers answered
    std::string token_fingerprint;
    bool degraded = false;  ///< granted after another realm of the chain had failed
    /// Every realm asked, in order, with its verdict and true cause.
    struct Step {
        std::string realm;
        VerdictKind verdict;
        Error cause;
    };
    std::vector<Step> steps;
};

struct LoginResult {
    Outcome outcome = Outcome::Refused;
    Error cause = kNoCause;
    std::string realm;      ///< the one that granted, refused, failed or asks; empty if none did
    std::string client_id;  ///< possibly rewritten
    policy::Principal principal;
    policy::AuthorityRef authority;   ///< null unless granted
    std::optional<WallTime> ends_at;  ///< exp + the greater of grace and leeway, capped; absent: never
    bool ends_by_expiry = false;      ///< ends_at is the token's end, not the session cap
    std::optional<WallTime> recheck_at;
    bool hold_refusal = false;        ///< send a refusal no earlier than 100 ms after CONNECT
    Secret challenge;                 ///< authentication data for the client, of Challenge or Granted
    std::optional<ChallengePin> pin;  ///< for Challenge
    Facts facts;                      ///< as they stand at the end: templates and explain read them
    LoginAudit audit;
};

struct ChainLink {
    std::string realm;
    std::shared_ptr<Authenticator> authenticator;
    LinkOptions options;
};

/// What config/ composes a pipeline from.
struct PipelineParts {
    std::string name;
    std::string listener;  ///< or "ALL"
    std::vector<std::shared_ptr<const Preprocessor>> before_authentication;
    std::vector<ChainLink> chain;
    std::vector<std::shared_ptr<const Preprocessor>> before_authorization;
    std::vector<std::pair<std::string, std::shared_ptr<Authorizer>>> authorizers;  ///< realm name, authorizer
    bool require_grants = false;
    std::chrono::seconds session_cap{24 * 3600};  ///< zero: none
};

/// @thread any (immutable; a login under way keeps what it needs alive)
class Pipeline {
  public:
    /// @param authorities  outlives the pipeline and its logins
    Pipeline(PipelineParts parts, policy::AuthorityTable& authorities);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Runs one login. `done` is called exactly once, on the thread of request.home, possibly before return.
    void login(LoginRequest request, std::move_only_function<void(LoginResult)> done) const;

    /// Adds the blocks of its authorizers to an epoch's policy, but for realms that stand in `contributed`
    /// already.
    /// @thread control
    Result<void> contribute(policy::PolicyBuilder& policy, std::set<std::string>& contributed) const;
    const std::string& name() const;
    const std::string& listener() const;
    /// Whether any realm of the chain speaks this Authentication Method.
    bool takes_method(std::string_view method) const;

  private:
    struct Shared;
    struct Login;
    std::shared_ptr<const Shared> shared_;
};

/// All pipelines of an epoch. @thread any (immutable after the last add)
class Pipelines {
  public:
    static constexpr std::string_view kAll = "ALL";
    /// False: another pipeline has the listener already.
    [[nodiscard]] bool add(std::unique_ptr<Pipeline> pipeline);
    /// The listener's own, else the one for ALL, else null.
    const Pipeline* find(std::string_view listener) const;
    /// As Pipeline::login; without a pipeline the login is refused (kNoPipeline).
    void login(LoginRequest request, std::move_only_function<void(LoginResult)> done) const;
    /// The blocks of every authorizing realm, each realm once. @thread control
    Result<void> contribute(policy::PolicyBuilder& policy) const;
    const std::map<std::string, std::unique_ptr<Pipeline>, std::less<>>& all() const { return by_listener_; }

  private:
    std::map<std::string, std::unique_ptr<Pipeline>, std::less<>> by_listener_;
};

}  // namespace latchkey::auth
