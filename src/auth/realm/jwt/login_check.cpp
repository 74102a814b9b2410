// The steps of a token login. Each either ends it or starts the next; a step that waits is called back on the
// attempt's home.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/login_check.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "crypto/base64.h"
#include "crypto/errors.h"
#include "crypto/jws.h"

namespace latchkey::auth {
namespace {

/// Entra ID writes into a key who may sign with it, with a hole where the key is every tenant's.
bool issuer_may_use_key(const std::string& key_issuer, const json::Value& claims) {
    if (key_issuer.empty()) return true;
    const std::string* iss = claims.find_string("iss");
    if (iss == nullptr) return false;
    constexpr std::string_view kHole = "{tenantid}";
    std::string allowed = key_issuer;
    if (const std::size_t hole = allowed.find(kHole); hole != std::string::npos) {
        const std::string* tid = claims.find_string("tid");
        if (tid == nullptr || tid->empty()) return false;
        allowed.replace(hole, kHole.size(), *tid);
    }
    if (*iss == allowed) return true;
    // The same tenant's older spelling of itself.
    constexpr std::string_view kHost = "https://login.microsoftonline.com/";
    if (!allowed.starts_with(kHost)) return false;
    const std::string_view tail = std::string_view(allowed).substr(kHost.size());
    const std::vector<std::string> both = entra_issuers(tail.substr(0, tail.find('/')));
    return std::ranges::find(both, *iss) != both.end();
}

/// RFC 8705 3.1: a token bound to a certificate is good only on a connection that proved it. Other bindings
/// cannot be proven over MQTT passwords: refused.
bool binding_holds(const json::Value& claims, const Facts& facts) {
    const json::Value* bound = claims.find("cnf");
    if (bound == nullptr) return true;
    const json::Object* members = bound->object();
    if (members == nullptr || members->size() != 1 || !facts.certificate) return false;
    const std::string* hash = bound->find_string("x5t#S256");
    if (hash == nullptr) return false;
    const Result<std::string> raw = crypto::base64url_decode(*hash);
    if (!raw) return false;
    return crypto::to_hex(std::as_bytes(std::span(*raw))) == facts.certificate->sha256_hex;
}

/// What an unparsable password means: no token at all is nobody's refusal yet.
Verdict parse_verdict(const Error& error) {
    if (error.is(crypto::kNotCompactJws) || error.is(crypto::kEncryptedToken))
        return Verdict::not_mine(kNotAToken);
    if (error.is(crypto::kTokenTooLarge)) return Verdict::refused(kTokenTooLong);
    if (error.is(crypto::kAlgorithmRefused))
        return Verdict::refused(Error(kAlgorithmRefused, error.detail()));
    return Verdict::refused(Error(kTokenMalformed, error.info().name));
}

Verdict owner_verdict(const Error& error) {
    return error.is(kForeignIssuer) ? Verdict::not_mine(error) : Verdict::refused(error);
}

class LoginCheck : public std::enable_shared_from_this<LoginCheck> {
  public:
    LoginCheck(std::shared_ptr<JwtTrust> trust, std::shared_ptr<const JwtPolicy> policy,
               const Attempt& attempt, VerdictDone done)
        : trust_(std::move(trust)), policy_(std::move(policy)), attempt_(attempt), done_(std::move(done)) {}

    void start();

  private:
    void ask_keys();
    void on_keys(Result<KeySnapshot> answer);
    void on_refetched(Result<KeySnapshot> answer);
    void look_up(const KeySnapshot& keys);
    void unknown_key(const KeySnapshot& keys);
    void check_signature(const KeySnapshot& keys, const crypto::KeyMatch& match);
    void verify_here();
    void on_signature(std::shared_ptr<const VerifiedToken> verified);
    void on_introspected(Result<Introspected> answer);
    void grant();
    bool parse();
    bool judge_claims();
    void end(Verdict verdict) { std::exchange(done_, nullptr)(std::move(verdict)); }
    const json::Value& claims() const { return verified_ ? verified_->claims : parsed_->payload; }

    std::shared_ptr<JwtTrust> trust_;
    std::shared_ptr<const JwtPolicy> policy_;
    const Attempt& attempt_;
    VerdictDone done_;
    const Secret* token_ = nullptr;
    crypto::Digest256 digest_{};
    std::optional<crypto::ParsedJws> parsed_;
    std::shared_ptr<const VerifiedToken> verified_;
    std::optional<JudgedToken> judged_;
    std::shared_ptr<const crypto::JwkSet> set_;  ///< keeps the candidate keys alive
    crypto::KeyMatch match_;
    const crypto::Key* signer_ = nullptr;
    WallTime ends_at_{};
};

void LoginCheck::start() {
    if (trust_->draining) return end(Verdict::failed(kDraining));
    token_ = attempt_.facts.bytes(kAuthenticationByteSecret);
    if (token_ == nullptr || token_->empty()) return end(Verdict::not_mine(kNoToken));
    if (token_->size() > policy_->max_token_bytes) return end(Verdict::refused(kTokenTooLong));
    digest_ = crypto::sha256(token_->expose());
    if (const auto keys = trust_->keys->peek())
        if (const auto hit = trust_->signatures.find(digest_, *keys)) verified_ = hit->token;
    if (!verified_ && !parse()) return;
    if (!judge_claims()) return;
    ask_keys();
}

bool LoginCheck::parse() {
    Result<crypto::ParsedJws> parsed = crypto::parse_compact(token_->expose(), policy_->max_token_bytes);
    if (!parsed) {
        end(parse_verdict(parsed.error()));
        return false;
    }
    parsed_ = *std::move(parsed);
    return true;
}

/// Before anything is asked for: only a token that passes may cost the provider a request.
bool LoginCheck::judge_claims() {
    if (const Result<void> owner = check_owner(claims(), *policy_); !owner) {
        end(owner_verdict(owner.error()));
        return false;
    }
    const std::optional<std::string>& typ = verified_ ? verified_->typ : parsed_->typ;
    const crypto::Algorithm algorithm = verified_ ? verified_->algorithm : parsed_->algorithm;
    Result<JudgedToken> judged = judge(claims(), typ, algorithm, *policy_, attempt_.now);
    if (!judged) {
        end(Verdict::refused(judged.error()));
        return false;
    }
    judged_ = *std::move(judged);
    ends_at_ = judged_->expires_at + std::max(policy_->leeway, policy_->exp_grace);
    return true;
}

void LoginCheck::ask_keys() {
    trust_->keys->current(attempt_, [self = shared_from_this()](Result<KeySnapshot> answer) {
        self->on_keys(std::move(answer));
    });
}

void LoginCheck::on_keys(Result<KeySnapshot> answer) {
    if (!answer) return end(Verdict::failed(answer.error()));
    if (const auto hit = trust_->signatures.find(digest_, *answer->keys)) {
        if (hit->token == nullptr) return end(Verdict::refused(kBadSignature));
        return on_signature(hit->token);
    }
    // The key that signed a remembered token is gone from the set: from the beginning.
    verified_.reset();
    if (!parsed_ && !parse()) return;
    look_up(*answer);
}

void LoginCheck::look_up(const KeySnapshot& keys) {
    const crypto::KeyMatch match = keys.keys->find(parsed_->kid, parsed_->algorithm);
    switch (match.outcome) {
        case crypto::KeyLookup::Found:
            return check_signature(keys, match);
        case crypto::KeyLookup::UnknownKid:
            return unknown_key(keys);
        case crypto::KeyLookup::Unusable:
            return end(Verdict::refused(Error(kUnusableKey, match.reason)));
        case crypto::KeyLookup::Ambiguous:
            return end(Verdict::refused(Error(kUnusableKey, "no kid, and several keys fit")));
    }
}

void LoginCheck::unknown_key(const KeySnapshot& keys) {
    const std::string kid = parsed_->kid.value_or("");
    if (keys.asked_at >= attempt_.started) {
        // The provider was asked after this token came, and does not have the key.
        trust_->keys->remember_unknown(kid);
        return end(Verdict::refused(kUnknownKey));
    }
    trust_->keys->refetch(kid, attempt_, [self = shared_from_this()](Result<KeySnapshot> answer) {
        self->on_refetched(std::move(answer));
    });
}

void LoginCheck::on_refetched(Result<KeySnapshot> answer) {
    if (answer) return look_up(*answer);
    if (answer.error().is(kUnknownKey)) return end(Verdict::refused(answer.error()));
    end(Verdict::failed(answer.error()));
}

void LoginCheck::check_signature(const KeySnapshot& keys, const crypto::KeyMatch& match) {
    set_ = keys.keys;
    match_ = match;
    if (trust_->pool == nullptr) {
        verify_here();
        return on_signature(nullptr);
    }
    net::PoolJob job;
    job.deadline = attempt_.deadline;
    job.work = [self = shared_from_this()]() -> net::Deliver {
        self->verify_here();
        return [self] { self->on_signature(nullptr); };
    };
    job.late = [self = shared_from_this()] { self->end(Verdict::failed(kDeadline)); };
    if (!trust_->pool->try_submit(std::move(job), attempt_.home)) end(Verdict::failed(kBusy));
}

/// Finds the key whose signature it is; runs on a pool thread if there is a pool, and touches only this
/// check.
void LoginCheck::verify_here() {
    for (const crypto::Key* key : match_.keys())
        if (crypto::verify_signature(*parsed_, *key)) {
            signer_ = key;
            return;
        }
}

/// @param verified  from the cache; null after a check of our own
void LoginCheck::on_signature(std::shared_ptr<const VerifiedToken> verified) {
    if (verified == nullptr) {
        if (signer_ == nullptr) {
            // Remembered only where one key, which is there, says so.
            if (match_.count == 1) trust_->signatures.put_wrong(digest_, match_.found[0]->thumbprint());
            return end(Verdict::refused(kBadSignature));
        }
        VerifiedToken token{parsed_->payload, parsed_->typ, parsed_->algorithm, signer_->issuer(),
                            crypto::sha256(parsed_->signing_input)};
        verified = std::make_shared<const VerifiedToken>(std::move(token));
        trust_->signatures.put(digest_, signer_->thumbprint(), verified);
    }
    verified_ = std::move(verified);
    if (!issuer_may_use_key(verified_->key_issuer, claims()))
        return end(Verdict::refused(Error(kForeignIssuer, "not the issuer that the key is for")));
    if (!binding_holds(claims(), attempt_.facts)) return end(Verdict::refused(kBoundToKey));
    if (trust_->introspection == nullptr) return grant();
    const std::shared_ptr<const json::Value> shared(verified_, &verified_->claims);
    trust_->introspection->ask(*token_, shared, attempt_,
                               [self = shared_from_this()](Result<Introspected> answer) {
                                   self->on_introspected(std::move(answer));
                               });
}

void LoginCheck::on_introspected(Result<Introspected> answer) {
    if (!answer) {
        const bool clear_no = answer.error().is(kInactive) || answer.error().is(kIntrospectionMismatch);
        return end(clear_no ? Verdict::refused(answer.error()) : Verdict::failed(answer.error()));
    }
    if (answer->scopes)
        for (const std::string& scope : policy_->scopes)
            if (std::ranges::find(*answer->scopes, scope) == answer->scopes->end())
                return end(Verdict::refused(Error(kScopeMissing, scope)));
    if (answer->expires_at) {
        // Grace is for the token's own exp alone.
        const WallTime end_by_answer = *answer->expires_at + policy_->leeway;
        if (attempt_.now >= end_by_answer) return end(Verdict::refused(kExpired));
        ends_at_ = std::min(ends_at_, end_by_answer);
        judged_->expires_at = std::min(judged_->expires_at, *answer->expires_at);
    }
    grant();
}

void LoginCheck::grant() {
    if (!judged_->has_evidence && !trust_->evidence_warned.exchange(true))
        log::event(log::Level::Warn, "token_without_evidence",
                   {log::field("realm", policy_->realm), log::field("meaning", kNoEvidence.text)});
    Identity who;
    who.principal = {policy_->realm,
                     judged_->is_client ? policy::PrincipalKind::Client : policy::PrincipalKind::User,
                     judged_->subject, 0};
    who.realm = policy_->realm;
    who.issuer = judged_->issuer;
    who.claims = std::shared_ptr<const json::Value>(verified_, &verified_->claims);
    who.expires_at = judged_->expires_at;
    who.grace = std::chrono::duration_cast<std::chrono::seconds>(ends_at_ - judged_->expires_at);
    who.disconnect_at_expiry = policy_->disconnect_after_expiry;
    for (const std::string_view name : {"jti", "sid"})
        if (const std::string* value = claims().find_string(name))
            who.revocation_keys.push_back(std::string(name) + ":" + policy_->realm + ":" + *value);
    if (!judged_->client.empty())
        who.revocation_keys.push_back("oauth-client:" + policy_->realm + ":" + judged_->client);
    who.token_fingerprint = crypto::to_hex(std::span(verified_->signing_input).first(16));
    end(Verdict::granted(std::move(who)));
}

}  // namespace

void start_login_check(std::shared_ptr<JwtTrust> trust, std::shared_ptr<const JwtPolicy> policy,
                       const Attempt& attempt, VerdictDone done) {
    std::make_shared<LoginCheck>(std::move(trust), std::move(policy), attempt, std::move(done))->start();
}

}  // namespace latchkey::auth
