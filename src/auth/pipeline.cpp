// One login as a state machine: preprocessors, chain, preprocessors, authorizers, Authority. Realms may
// answer before they return; a loop takes those answers, so that a long chain of quick realms does not deepen
// the stack.
// SPDX-License-Identifier: Apache-2.0
#include "auth/pipeline.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace latchkey::auth {

struct Pipeline::Shared {
    PipelineParts parts;
    policy::AuthorityTable& authorities;
    bool hides_timing = false;
};

namespace {

/// The text variables that rules may name, with how sure they are.
std::vector<policy::TemplateValue> template_values(const Facts& facts) {
    std::vector<policy::TemplateValue> values;
    for (const Facts::Variable& variable : facts.variables()) {
        const auto* text = std::get_if<std::string>(&variable.value);
        if (text == nullptr) continue;
        values.push_back({variable.name, {*text}, variable.standing == Standing::Proven});
    }
    return values;
}

/// When the connection must end: the token's end, or the cap on sessions if that comes first.
void set_end(LoginResult& result, const Identity& who, WallTime now, std::chrono::seconds cap) {
    if (who.expires_at && who.disconnect_at_expiry) {
        result.ends_at = *who.expires_at + who.grace;
        result.ends_by_expiry = true;
    }
    if (cap.count() == 0) return;
    const WallTime capped = now + cap;
    if (result.ends_at && *result.ends_at <= capped) return;
    result.ends_at = capped;
    result.ends_by_expiry = false;
}

}  // namespace

/// The state of one login; kept alive by the closures that realms hold.
struct Pipeline::Login : std::enable_shared_from_this<Pipeline::Login> {
    Login(std::shared_ptr<const Shared> pipeline, LoginRequest wanted,
          std::move_only_function<void(LoginResult)> answer)
        : shared(std::move(pipeline)),
          request(std::move(wanted)),
          done(std::move(answer)),
          attempt{request.facts,    request.home, request.started,
                  request.deadline, request.now,  request.pin.has_value()},
          fold(request.pin.has_value(), !request.facts.auth_method.empty()) {}

    std::shared_ptr<const Shared> shared;
    LoginRequest request;
    std::move_only_function<void(LoginResult)> done;
    Attempt attempt;
    ChainFold fold;
    LoginResult result;
    std::optional<Identity> who;
    Grants grants;
    std::size_t link = 0;
    std::size_t authorizer = 0;
    bool running = false;  ///< inside run(); an answer then only marks `again`
    bool again = false;

    void start();
    void run();
    bool step();
    void answered();
    void on_verdict(Verdict verdict);
    void on_grants(Result<Grants> answer);
    void ask_realm();
    void ask_authorizer();
    void adopt(Identity identity);
    bool apply(const std::vector<std::shared_ptr<const Preprocessor>>& steps);
    void grant();
    void finish(Outcome outcome, Error cause);
    void finish_unclaimed();
    const LoginAudit::Step* first_step(VerdictKind kind) const;
};

void Pipeline::Login::start() {
    result.audit.listener = request.facts.listener;
    result.audit.pipeline = shared->parts.name;
    result.audit.remote_address = request.facts.remote_address;
    result.hold_refusal = shared->hides_timing;
    if (request.pin) {
        link = request.pin->link;
        const auto& chain = shared->parts.chain;
        if (link >= chain.size() || chain[link].realm != request.pin->realm)
            return finish(Outcome::Refused, kNotPinned);
    }
    if (!apply(shared->parts.before_authentication)) return;
    run();
}

void Pipeline::Login::run() {
    running = true;
    do {
        again = false;
        if (done && !step()) break;
    } while (again && done);
    running = false;
}

/// Asks whoever is next. False: nobody is left to ask.
bool Pipeline::Login::step() {
    if (!who) {
        if (link < shared->parts.chain.size()) {
            ask_realm();
            return true;
        }
        finish_unclaimed();
        return false;
    }
    if (authorizer < shared->parts.authorizers.size()) {
        ask_authorizer();
        return true;
    }
    grant();
    return false;
}

void Pipeline::Login::answered() {
    if (running)
        again = true;
    else
        run();
}

void Pipeline::Login::ask_realm() {
    const ChainLink& next = shared->parts.chain[link];
    const std::string& method = request.facts.auth_method;
    if (!method.empty() && !next.authenticator->takes_method(method))
        return on_verdict(Verdict::not_mine(kOtherMethod));
    next.authenticator->authenticate(
        attempt, [self = shared_from_this()](Verdict verdict) { self->on_verdict(std::move(verdict)); });
}

void Pipeline::Login::on_verdict(Verdict verdict) {
    const ChainLink& asked = shared->parts.chain[link];
    if (verdict.kind == VerdictKind::Granted && !verdict.identity)
        verdict = Verdict::failed(kNobodysIdentity);  // a realm's bug must not let anybody in
    if (verdict.kind == VerdictKind::Challenge && request.facts.auth_method.empty())
        verdict.cause = kBadChallenge;
    result.audit.steps.push_back({asked.realm, verdict.kind, verdict.cause});
    result.realm = asked.realm;
    const std::optional<Outcome> end = fold.feed(verdict.kind, asked.options);
    if (!end) {
        attempt.pinned = false;
        link += 1;
        return answered();
    }
    switch (*end) {
        case Outcome::Granted:
            if (!request.facts.auth_method.empty()) result.challenge = std::move(verdict.challenge);
            adopt(*std::move(verdict.identity));
            if (apply(shared->parts.before_authorization)) answered();
            return;
        case Outcome::Challenge:
            result.challenge = std::move(verdict.challenge);
            result.pin = ChallengePin{link, asked.realm};
            return finish(Outcome::Challenge, kNoCause);
        case Outcome::Refused:
            return finish(Outcome::Refused, verdict.cause);
        case Outcome::Failed:
            // A failure remembered from an earlier realm outranks this refusal, and is the cause to name.
            if (const auto* step = first_step(VerdictKind::Failed)) {
                result.realm = step->realm;
                verdict.cause = step->cause;
            }
            return finish(Outcome::Failed, verdict.cause);
    }
}

void Pipeline::Login::adopt(Identity identity) {
    result.audit.issuer = identity.issuer;
    result.audit.token_fingerprint = identity.token_fingerprint;
    result.audit.degraded = fold.degraded();
    result.principal = identity.principal;
    if (identity.authorization_key)
        LK_IGNORE(request.facts.set_text(kAuthorizationKey, *identity.authorization_key, Standing::Proven),
                  "the name is a known text variable");
    if (!identity.roles.empty()) request.facts.set_roles(identity.roles, Standing::Proven);
    who = std::move(identity);
}

bool Pipeline::Login::apply(const std::vector<std::shared_ptr<const Preprocessor>>& steps) {
    const json::Value* verified = who ? who->claims.get() : nullptr;
    for (const auto& preprocessor : steps) {
        const Result<void> applied = preprocessor->apply(request.facts, verified);
        if (applied) continue;
        finish(Outcome::Refused, applied.error());
        return false;
    }
    return true;
}

void Pipeline::Login::ask_authorizer() {
    shared->parts.authorizers[authorizer].second->resolve(
        attempt, *who,
        [self = shared_from_this()](Result<Grants> answer) { self->on_grants(std::move(answer)); });
}

void Pipeline::Login::on_grants(Result<Grants> answer) {
    const std::string& realm = shared->parts.authorizers[authorizer].first;
    if (!answer) {
        // Never empty rights in place of an answer: the whole login fails.
        result.realm = realm;
        result.audit.steps.push_back({realm, VerdictKind::Failed, answer.error()});
        return finish(Outcome::Failed, Error(kAuthorizerFailed, answer.error().info().name));
    }
    if (authorizer == 0) grants.uses_values = false;
    grants.uses_values = grants.uses_values || answer->uses_values;
    for (policy::BlockRef& block : answer->blocks)
        grants.blocks.push_back(std::move(block));
    if (answer->recheck_at && (!grants.recheck_at || *answer->recheck_at < *grants.recheck_at))
        grants.recheck_at = answer->recheck_at;
    authorizer += 1;
    answered();
}

void Pipeline::Login::grant() {
    if (const auto* roles = request.facts.roles()) result.audit.roles = *roles;
    for (const policy::BlockRef& block : grants.blocks)
        result.audit.blocks.push_back(policy::describe(block));
    if (grants.blocks.empty() && shared->parts.require_grants) return finish(Outcome::Refused, kNoGrants);

    policy::AuthorityData data;
    data.principal = who->principal;
    data.blocks = std::move(grants.blocks);
    if (grants.uses_values) data.values = template_values(request.facts);
    data.ceilings = std::move(who->ceilings);
    data.revocation_keys = std::move(who->revocation_keys);
    Result<policy::AuthorityRef> authority = shared->authorities.intern(std::move(data));
    if (!authority) return finish(Outcome::Refused, authority.error());
    if (!*authority) return finish(Outcome::Refused, kNobodysIdentity);
    result.authority = *std::move(authority);
    result.recheck_at = grants.recheck_at;
    set_end(result, *who, request.now, shared->parts.session_cap);
    finish(Outcome::Granted, kNoCause);
}

/// The chain is at its end and nobody ended it: name the realm and cause that explain the outcome best.
void Pipeline::Login::finish_unclaimed() {
    const Outcome outcome = fold.finish();
    const bool failed = outcome == Outcome::Failed;
    if (const auto* step = first_step(failed ? VerdictKind::Failed : VerdictKind::Refused)) {
        result.realm = step->realm;
        return finish(outcome, step->cause);
    }
    result.realm.clear();
    // Where every realm said "not mine" the first one's reason helps most: no token, foreign issuer.
    const auto* passed = first_step(VerdictKind::NotMine);
    finish(outcome, passed != nullptr ? passed->cause : Error(kNobodysIdentity));
}

const LoginAudit::Step* Pipeline::Login::first_step(VerdictKind kind) const {
    const auto at = std::ranges::find(result.audit.steps, kind, &LoginAudit::Step::verdict);
    return at == result.audit.steps.end() ? nullptr : &*at;
}

void Pipeline::Login::finish(Outcome outcome, Error cause) {
    if (!done) return;
    result.outcome = outcome;
    result.cause = cause;
    result.client_id = request.facts.client_id();
    result.facts = std::move(request.facts);
    auto answer = std::exchange(done, nullptr);
    answer(std::move(result));
}

Pipeline::Pipeline(PipelineParts parts, policy::AuthorityTable& authorities) {
    const bool hides = std::ranges::any_of(
        parts.chain, [](const ChainLink& link) { return link.authenticator->hides_timing(); });
    shared_ = std::make_shared<const Shared>(Shared{std::move(parts), authorities, hides});
}

Pipeline::~Pipeline() = default;

void Pipeline::login(LoginRequest request, std::move_only_function<void(LoginResult)> done) const {
    std::make_shared<Login>(shared_, std::move(request), std::move(done))->start();
}

Result<void> Pipeline::contribute(policy::PolicyBuilder& policy, std::set<std::string>& contributed) const {
    for (const auto& [realm, authorizer] : shared_->parts.authorizers)
        if (contributed.insert(realm).second) LK_CHECK(authorizer->contribute(policy));
    return {};
}

const std::string& Pipeline::name() const {
    return shared_->parts.name;
}

bool Pipeline::takes_method(std::string_view method) const {
    return std::ranges::any_of(shared_->parts.chain, [method](const ChainLink& link) {
        return link.authenticator->takes_method(method);
    });
}

const std::string& Pipeline::listener() const {
    return shared_->parts.listener;
}

Result<void> Pipelines::contribute(policy::PolicyBuilder& policy) const {
    std::set<std::string> contributed;
    for (const auto& [listener, pipeline] : by_listener_)
        LK_CHECK(pipeline->contribute(policy, contributed));
    return {};
}

bool Pipelines::add(std::unique_ptr<Pipeline> pipeline) {
    const std::string listener = pipeline->listener();
    return by_listener_.emplace(listener, std::move(pipeline)).second;
}

const Pipeline* Pipelines::find(std::string_view listener) const {
    const auto own = by_listener_.find(listener);
    if (own != by_listener_.end()) return own->second.get();
    const auto all = by_listener_.find(kAll);
    return all == by_listener_.end() ? nullptr : all->second.get();
}

void Pipelines::login(LoginRequest request, std::move_only_function<void(LoginResult)> done) const {
    if (const Pipeline* pipeline = find(request.facts.listener))
        return pipeline->login(std::move(request), std::move(done));
    log::event(
        log::Level::Warn, "login_without_pipeline",
        {log::field("listener", request.facts.listener), log::field("client", request.facts.client_id())});
    LoginResult result;
    result.outcome = Outcome::Refused;
    result.cause = kNoPipeline;
    result.client_id = request.facts.client_id();
    result.audit.listener = request.facts.listener;
    result.audit.remote_address = request.facts.remote_address;
    result.facts = std::move(request.facts);
    done(std::move(result));
}

}  // namespace latchkey::auth
