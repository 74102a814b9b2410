// Questions about tokens, and what their answers mean.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/introspection.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "auth/realm/jwt/validator.h"
#include "base/log.h"

namespace latchkey::auth {
namespace {

/// An inactive token may become active only by the operator's hand: a short memory spares the provider.
constexpr Duration kKeepInactive = std::chrono::seconds(10);

Result<std::set<std::string>> audience_set(const json::Value& value) {
    std::set<std::string> names;
    if (const std::string* text = value.string()) {
        names.insert(*text);
        return names;
    }
    const json::Array* list = value.array();
    if (list == nullptr) return fail(kIntrospectionMismatch, "aud");
    for (const json::Value& item : *list) {
        if (item.string() == nullptr) return fail(kIntrospectionMismatch, "aud");
        names.insert(*item.string());
    }
    return names;
}

Result<void> same_client(const json::Value& answer, const json::Value& claims) {
    const std::string* told = answer.find_string("client_id");
    if (told == nullptr) return {};
    for (const std::string_view name : {"client_id", "azp", "cid", "appid"}) {
        const std::string* ours = claims.find_string(name);
        if (ours == nullptr) continue;
        if (*ours != *told) return fail(kIntrospectionMismatch, "client_id");
        return {};
    }
    return {};
}

/// The answer must be about this token: what both say must be the same.
Result<void> same_token(const json::Value& answer, const json::Value& claims) {
    for (const std::string_view name : {"iss", "sub", "jti"}) {
        const json::Value* told = answer.find(name);
        const json::Value* ours = claims.find(name);
        if (told != nullptr && ours != nullptr && !(*told == *ours))
            return fail(kIntrospectionMismatch, name);
    }
    const json::Value* told = answer.find("aud");
    const json::Value* ours = claims.find("aud");
    if (told != nullptr && ours != nullptr) {
        LK_TRY(const std::set<std::string> theirs, audience_set(*told));
        LK_TRY(const std::set<std::string> mine, audience_set(*ours));
        if (theirs != mine) return fail(kIntrospectionMismatch, "aud");
    }
    // A key that the token is bound to and that only the answer names could not be checked.
    const json::Value* bound = answer.find("cnf");
    const json::Value* known = claims.find("cnf");
    if (bound != nullptr && (known == nullptr || !(*bound == *known)))
        return fail(kIntrospectionMismatch, "cnf");
    return same_client(answer, claims);
}

}  // namespace

Result<Introspected> read_introspection(int status, std::string_view body, const json::Value& claims) {
    if (status == 401 || status == 403) return fail(kIntrospectionClient, "status " + std::to_string(status));
    if (status != 200) return fail(kIntrospectionDown, "status " + std::to_string(status));
    const Result<json::Value> answer = json::parse(body, {.max_bytes = 64 * 1024, .max_depth = 16});
    if (!answer || !answer->is_object()) return fail(kIntrospectionDown, "no JSON object");
    const json::Value* active = answer->find("active");
    // RFC 7662 2.2: a boolean. Nothing that merely looks true will do.
    if (active == nullptr || !active->boolean()) return fail(kIntrospectionDown, "no boolean active");
    if (!*active->boolean()) return fail(kInactive);
    LK_CHECK(same_token(*answer, claims));
    Introspected result;
    if (const json::Value* exp = answer->find("exp")) {
        const Result<WallTime> at = time_claim(*exp, "exp");
        if (!at) return fail(kIntrospectionMismatch, "exp");
        result.expires_at = *at;
    }
    if (const json::Value* scope = answer->find("scope")) result.scopes = scope_words(scope);
    return result;
}

std::string form_encode(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '.' || c == '_' || c == '*';
        const auto byte = static_cast<unsigned char>(c);
        if (plain)
            out.push_back(c);
        else if (c == ' ')
            out.push_back('+');
        else
            out.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
    }
    return out;
}

Secret basic_credentials(std::string_view id, const Secret& secret, ClientAuth how) {
    switch (how) {
        case ClientAuth::Basic:
            return Secret(form_encode(id) + ":" + form_encode(secret.expose()));
        case ClientAuth::BasicRaw:
            break;
    }
    return Secret(std::string(id) + ":" + std::string(secret.expose()));
}

Introspection::Introspection(const JwtRealmConfig& config, const Clock& clock, net::Fetcher& fetcher,
                             Secret cache_key)
    : realm_(config.name),
      url_(config.introspection_url),
      basic_(basic_credentials(config.client_id, config.client_secret, config.client_auth)),
      ca_file_(config.ca_file),
      allow_plain_http_(config.allow_plain_http),
      limit_(config.fetch_limit),
      keep_active_(std::min(config.introspection_cache, std::chrono::seconds(60))),
      clock_(clock),
      fetcher_(fetcher),
      hmac_(cache_key) {}

void Introspection::ask(const Secret& token, std::shared_ptr<const json::Value> claims,
                        const Attempt& attempt, Done done) {
    const crypto::Digest256 key = hmac_.of({url_, realm_, token.expose()});
    const MonoTime now = clock_.mono();
    std::unique_lock lock(mutex_);
    const auto refuse = [&](const ErrorInfo& why) {
        lock.unlock();
        done(fail(why));
    };
    if (draining_) return refuse(kDraining);
    const auto known = answers_.find(key);
    if (known != answers_.end() && now < known->second.until) {
        const Answer answer = known->second;
        lock.unlock();
        return done(read_introspection(answer.status, answer.body, *claims));
    }
    if (now >= attempt.deadline) return refuse(kDeadline);
    const auto [flight, first] = flights_.try_emplace(key);
    if (first && flights_.size() > kMaxFlights) {
        flights_.erase(flight);
        return refuse(kBusy);
    }
    if (first) flight->second.ends = std::min(now + limit_, attempt.deadline);
    // A question ends before the logins that wait for it, so that no timer is needed to keep their deadlines.
    if (flight->second.ends > attempt.deadline) return refuse(kDeadline);
    if (flight->second.waiters.size() >= kMaxWaiters) return refuse(kBusy);
    flight->second.waiters.push_back({&attempt.home, std::move(claims), std::move(done)});
    const MonoTime ends = flight->second.ends;
    lock.unlock();
    if (!first) return;
    fetcher_.fetch(request_for(token, ends), attempt.home,
                   [self = shared_from_this(), key](Result<net::HttpResponse> response) {
                       self->settle(key, std::move(response));
                   });
}

void Introspection::drain() {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    for (auto& [key, flight] : flights_)
        for (Waiter& waiter : flight.waiters)
            waiter.home->deliver([done = std::move(waiter.done)]() mutable { done(fail(kDraining)); });
    flights_.clear();
}

Health Introspection::health() const {
    const std::lock_guard lock(mutex_);
    if (last_error_) return {HealthState::Degraded, {*last_error_}};
    return {};
}

net::HttpRequest Introspection::request_for(const Secret& token, MonoTime deadline) const {
    net::HttpRequest request;
    request.method = net::HttpMethod::Post;
    request.url = url_;
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.headers.emplace_back("Accept", "application/json");
    request.body = Secret("token=" + form_encode(token.expose()) + "&token_type_hint=access_token");
    request.basic = basic_;
    request.ca_file = ca_file_;
    request.deadline = deadline;
    request.max_body_bytes = kMaxBody;
    request.allow_plain_http = allow_plain_http_;
    return request;
}

void Introspection::settle(const crypto::Digest256& key, Result<net::HttpResponse> response) {
    const Error error =
        response ? Error(kIntrospectionDown) : Error(kIntrospectionDown, response.error().info().name);
    std::vector<Waiter> waiters;
    std::optional<Error> failure;
    {
        const std::lock_guard lock(mutex_);
        const auto flight = flights_.find(key);
        if (flight != flights_.end()) {
            waiters = std::move(flight->second.waiters);
            flights_.erase(flight);
        }
        if (response)
            remember(key, *response);
        else
            failure = error;
        if (response && response->status != 200)
            failure = Error(kIntrospectionDown, "status " + std::to_string(response->status));
        std::swap(failure, last_error_);
        // Now `failure` is the state before; only a change is worth a line.
        if (last_error_ && !failure)
            log::event(log::Level::Warn, "introspection_unavailable",
                       {log::field("realm", realm_), log::field("endpoint", url_),
                        log::field("cause", last_error_->message())});
    }
    for (Waiter& waiter : waiters) {
        Result<Introspected> answer = fail(error);
        if (response) answer = read_introspection(response->status, response->body, *waiter.claims);
        waiter.home->deliver([done = std::move(waiter.done), answer = std::move(answer)]() mutable {
            done(std::move(answer));
        });
    }
}

/// Keeps clear answers only: active for as long as configured, inactive for a moment. Under the mutex.
void Introspection::remember(const crypto::Digest256& key, const net::HttpResponse& response) {
    const Result<Introspected> meant =
        read_introspection(response.status, response.body, json::Value(json::Object{}));
    Duration keep{};
    if (meant)
        keep = keep_active_;
    else if (meant.error().is(kInactive))
        keep = kKeepInactive;
    if (keep.count() == 0) return;
    if (answers_.insert_or_assign(key, Answer{response.status, response.body, clock_.mono() + keep}).second)
        order_.push_back(key);
    while (answers_.size() > kMaxCached) {
        answers_.erase(order_.front());
        order_.pop_front();
    }
}

}  // namespace latchkey::auth
