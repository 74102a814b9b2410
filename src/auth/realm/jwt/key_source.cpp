// Fetching, refreshing, budgets.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/key_source.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "base/log.h"

namespace latchkey::auth {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// A fetch that failed is not repeated sooner; with the fetch's own limit this keeps a provider's return
/// within five seconds of the first login that works again.
constexpr Duration kRetryAfter = seconds(1);
/// An old set serves this much longer than its time while the provider is down.
constexpr Duration kMaxStale = hours(24);
constexpr Duration kRememberAbsent = seconds(60);
constexpr double kBudget = 3.0;
constexpr double kBudgetPerSecond = 0.1;

Result<std::string> read_file(const std::string& path) {
    const std::size_t limit = crypto::KeySetLimits{}.bytes;
    std::FILE* file = std::fopen(path.c_str(), "rbe");
    if (file == nullptr) return fail(kKeySetRefused, "cannot read " + path);
    std::string text(limit + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    const bool broken = std::ferror(file) != 0;
    LK_IGNORE(std::fclose(file), "nothing was written");
    if (broken) return fail(kKeySetRefused, "cannot read " + path);
    if (text.size() > limit) return fail(kKeySetRefused, path + " is too large");
    return text;
}

/// A set worth having: one without a usable key must not replace one that has some.
Result<crypto::JwkSet> parse_usable(const Result<std::string>& text) {
    if (!text) return fail(text.error());
    Result<crypto::JwkSet> set = crypto::parse_jwk_set(*text);
    if (!set) return fail(kKeySetRefused, set.error().info().name);
    if (set->usable_count() == 0) return fail(kKeySetRefused, "it holds no usable key");
    return set;
}

}  // namespace

std::chrono::seconds freshness(std::string_view cache_control, std::chrono::seconds otherwise) {
    const auto clamped = [](seconds value) { return std::clamp(value, seconds(60), seconds(hours(24))); };
    if (cache_control.find("no-cache") != std::string_view::npos ||
        cache_control.find("no-store") != std::string_view::npos)
        return clamped(seconds(0));
    constexpr std::string_view kMaxAge = "max-age=";
    const std::size_t at = cache_control.find(kMaxAge);
    // s-maxage is for shared caches, and does not contain this word.
    if (at == std::string_view::npos) return otherwise;
    const std::string_view digits = cache_control.substr(at + kMaxAge.size());
    std::int64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec == std::errc::result_out_of_range) return clamped(hours(24));
    if (read.ec != std::errc() || value < 0) return otherwise;
    return clamped(seconds(std::min<std::int64_t>(value, 86'400)));
}

KeySource::KeySource(KeySourceConfig config, const Clock& clock, net::Fetcher& fetcher,
                     net::Mailbox& background, HashSeed seed)
    : config_(std::move(config)), clock_(clock), fetcher_(fetcher), background_(background), hash_{seed} {}

Result<void> KeySource::prepare() {
    const MonoTime now = clock_.mono();
    if (config_.file.empty()) {
        std::unique_lock lock(mutex_);
        if (may_fetch(now)) start_fetch(std::move(lock), now, kNever);
        return {};
    }
    Result<crypto::JwkSet> set = parse_usable(read_file(config_.file));
    if (!set) return fail(set.error());
    settle(now, std::move(set), config_.cache);
    return {};
}

void KeySource::drain() {
    std::vector<Waiter> waiters;
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
        waiters.swap(waiters_);
    }
    for (Waiter& waiter : waiters)
        waiter.home->deliver([done = std::move(waiter.done)]() mutable { done(fail(kDraining)); });
}

void KeySource::current(const Attempt& attempt, Done done) {
    std::unique_lock lock(mutex_);
    if (draining_) {
        lock.unlock();
        return done(fail(kDraining));
    }
    const MonoTime now = clock_.mono();
    const Duration age = now - asked_at_;
    const bool fresh = keys_ != nullptr && age < fresh_for_;
    if (!fresh && (fetching_ || now >= retry_at_))
        return wait(std::move(lock), attempt, Wait::OldSetServes, std::move(done));
    Result<KeySnapshot> set = usable_set(now);
    // From 80 % of its time on, whoever comes first renews the set for the others; nobody waits.
    if (fresh && age >= fresh_for_ / 5 * 4 && may_fetch(now))
        start_fetch(std::move(lock), now, kNever);
    else
        lock.unlock();
    done(std::move(set));
}

void KeySource::refetch(std::string_view kid, const Attempt& attempt, Done done) {
    const std::uint64_t kid_hash = hash_(kid);
    std::unique_lock lock(mutex_);
    const MonoTime now = clock_.mono();
    Result<KeySnapshot> answer = fail(kDraining);
    if (!draining_) {
        if (keys_ != nullptr && asked_at_ >= attempt.started) {
            answer = KeySnapshot{keys_, asked_at_};
        } else if (known_absent(kid_hash, now)) {
            answer = fail(kUnknownKey);
        } else if (fetching_) {
            return wait(std::move(lock), attempt, Wait::NewSetOnly, std::move(done));
        } else if (now < retry_at_) {
            answer = fail(kKeysUnavailable);
        } else if (!take_budget(now)) {
            answer = fail(kFetchBudgetSpent);
        } else {
            budgeted_ = true;
            return wait(std::move(lock), attempt, Wait::NewSetOnly, std::move(done));
        }
    }
    lock.unlock();
    done(std::move(answer));
}

void KeySource::remember_unknown(std::string_view kid) {
    const std::uint64_t kid_hash = hash_(kid);
    const std::lock_guard lock(mutex_);
    remembered_[kid_hash % kRememberedKids] = {kid_hash, clock_.mono() + kRememberAbsent};
}

std::shared_ptr<const crypto::JwkSet> KeySource::peek() const {
    const std::lock_guard lock(mutex_);
    return keys_;
}

Health KeySource::health() const {
    const std::lock_guard lock(mutex_);
    Health health;
    if (keys_ == nullptr) health = {HealthState::Down, {kKeysUnavailable}};
    if (last_error_) {
        if (health.state == HealthState::Ok) health.state = HealthState::Degraded;
        health.reasons.push_back(*last_error_);
    }
    return health;
}

void KeySource::wait(std::unique_lock<std::mutex> lock, const Attempt& attempt, Wait how, Done done) {
    const MonoTime now = clock_.mono();
    // The fetch ends before the login does, so that no timer is needed to keep the login's deadline.
    if (fetching_ ? fetch_ends_ > attempt.deadline : now >= attempt.deadline) {
        lock.unlock();
        return done(fail(kDeadline));
    }
    if (waiters_.size() >= kMaxWaiters) {
        lock.unlock();
        return done(fail(kBusy));
    }
    waiters_.push_back({&attempt.home, std::move(done), how == Wait::OldSetServes});
    if (!fetching_) start_fetch(std::move(lock), now, attempt.deadline);
}

void KeySource::start_fetch(std::unique_lock<std::mutex> lock, MonoTime now, MonoTime deadline) {
    fetching_ = true;
    fetch_ends_ = std::min(now + Duration(config_.fetch_limit), deadline);
    const MonoTime ends = fetch_ends_;
    lock.unlock();
    auto self = shared_from_this();
    if (!config_.file.empty()) {
        background_.deliver(
            [self, now] { self->on_text(now, read_file(self->config_.file), self->config_.cache); });
        return;
    }
    net::HttpRequest request;
    request.url = config_.url;
    request.headers.emplace_back("Accept", "application/json, application/jwk-set+json");
    request.ca_file = config_.ca_file;
    request.deadline = ends;
    request.max_body_bytes = crypto::KeySetLimits{}.bytes;
    request.allow_plain_http = config_.allow_plain_http;
    fetcher_.fetch(std::move(request), background_, [self, now](Result<net::HttpResponse> response) {
        self->on_response(now, std::move(response));
    });
}

void KeySource::on_response(MonoTime asked_at, Result<net::HttpResponse> response) {
    if (!response) return on_text(asked_at, fail(response.error()), config_.cache);
    if (response->status != 200)
        return on_text(asked_at, fail(kKeySetRefused, "status " + std::to_string(response->status)),
                       config_.cache);
    const seconds fresh_for = freshness(response->header("cache-control"), config_.cache);
    on_text(asked_at, std::move(response->body), fresh_for);
}

void KeySource::on_text(MonoTime asked_at, Result<std::string> text, seconds fresh_for) {
    settle(asked_at, parse_usable(text), fresh_for);
}

void KeySource::settle(MonoTime asked_at, Result<crypto::JwkSet> set, seconds fresh_for) {
    std::vector<Waiter> waiters;
    Result<KeySnapshot> fresh = fail(kKeysUnavailable);
    Result<KeySnapshot> old = fail(kKeysUnavailable);
    bool was_down = false;
    {
        const std::lock_guard lock(mutex_);
        const MonoTime now = clock_.mono();
        fetching_ = false;
        was_down = last_error_.has_value();
        if (set) {
            keys_ = std::make_shared<const crypto::JwkSet>(*std::move(set));
            asked_at_ = asked_at;
            fresh_for_ = fresh_for;
            last_error_.reset();
            fresh = KeySnapshot{keys_, asked_at_};
        } else {
            last_error_ = set.error();
            retry_at_ = now + kRetryAfter;
            // The budget is for floods against a provider that answers; one that is down has the back-off.
            if (budgeted_) budget_ = std::min(kBudget, budget_ + 1.0);
            fresh = fail(kKeysUnavailable, set.error().info().name);
        }
        budgeted_ = false;
        old = fresh ? fresh : usable_set(now);
        waiters.swap(waiters_);
    }
    // Once per change: while a provider is down it is asked every second.
    const std::string& source = config_.file.empty() ? config_.url : config_.file;
    if (!set && !was_down)
        log::event(log::Level::Warn, "key_set_unavailable",
                   {log::field("realm", config_.realm), log::field("source", source),
                    log::field("cause", set.error().message())});
    if (set && was_down)
        log::event(log::Level::Info, "key_set_available",
                   {log::field("realm", config_.realm), log::field("source", source)});
    for (Waiter& waiter : waiters)
        waiter.home->deliver(
            [done = std::move(waiter.done), answer = waiter.old_set_serves ? old : fresh]() mutable {
                done(std::move(answer));
            });
}

bool KeySource::take_budget(MonoTime now) {
    const std::chrono::duration<double> passed = now - budget_at_;
    budget_ = std::min(kBudget, budget_ + std::max(0.0, passed.count()) * kBudgetPerSecond);
    budget_at_ = now;
    if (budget_ < 1.0) return false;
    budget_ -= 1.0;
    return true;
}

bool KeySource::known_absent(std::uint64_t kid_hash, MonoTime now) const {
    const Remembered& place = remembered_[kid_hash % kRememberedKids];
    return place.kid_hash == kid_hash && now < place.until;
}

Result<KeySnapshot> KeySource::usable_set(MonoTime now) const {
    if (keys_ != nullptr && now - asked_at_ <= fresh_for_ + kMaxStale) return KeySnapshot{keys_, asked_at_};
    if (last_error_) return fail(kKeysUnavailable, last_error_->info().name);
    return fail(kKeysUnavailable);
}

}  // namespace latchkey::auth
