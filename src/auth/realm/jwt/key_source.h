// KeySource: the current key set of one trust entry, from a URL or a file. Logins read a snapshot; fetching,
// refreshing, back-off and the budget against floods of unknown key ids happen behind it. A set that worked
// is kept when the provider is down; an empty one never replaces it. Implements RFC 7517 5 as the policy page
// says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/errors.h"
#include "auth/realm.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/jwk.h"
#include "net/completion.h"
#include "net/http_client.h"

namespace latchkey::auth {

struct KeySourceConfig {
    std::string realm;  ///< for the log
    std::string url;
    std::string file;
    std::chrono::seconds cache{1800};  ///< unless the answer's Cache-Control says otherwise, within a day
    std::string ca_file;
    bool allow_plain_http = false;
    std::chrono::milliseconds fetch_limit{3000};
};

/// Seconds that an answer may be used, from its Cache-Control: between a minute and a day; `otherwise`
/// without one.
std::chrono::seconds freshness(std::string_view cache_control, std::chrono::seconds otherwise);

/// A set and when the request that brought it left.
struct KeySnapshot {
    std::shared_ptr<const crypto::JwkSet> keys;  ///< never null
    MonoTime asked_at{};
};

/// @thread any (one mutex; see state_)
class KeySource : public std::enable_shared_from_this<KeySource> {
  public:
    using Done = std::move_only_function<void(Result<KeySnapshot>)>;

    /// @param background  mailbox of a thread that is no shard: sets are parsed there, files read
    KeySource(KeySourceConfig config, const Clock& clock, net::Fetcher& fetcher, net::Mailbox& background,
              HashSeed seed);

    /// Reads the file, or asks for the set without waiting. @error kKeySetRefused (file only) @thread control
    Result<void> prepare();
    /// Answers what waits with kDraining; nothing goes out any more. @thread control
    void drain();

    /// The set to check a token with. Answers at once while it is fresh; past its time the fetch is waited
    /// for, and the old set serves when that fails. Refreshes in the background from 80 % of the time on.
    /// @error kKeysUnavailable | kBusy | kDraining (all of them: failed, not refused)
    void current(const Attempt& attempt, Done done);

    /// For a token that passed every other check and whose key id the set lacks.
    /// @return a set asked for after the attempt began: a key id absent from it is refused
    /// @error kUnknownKey: absent lately, not asked again | kFetchBudgetSpent | kKeysUnavailable | kBusy |
    /// kDraining
    void refetch(std::string_view kid, const Attempt& attempt, Done done);
    /// Remembers for a minute that the provider has no such key.
    void remember_unknown(std::string_view kid);

    /// The set as it is, without asking anybody; null before the first.
    std::shared_ptr<const crypto::JwkSet> peek() const;
    Health health() const;

  private:
    struct Waiter {
        net::Mailbox* home;
        Done done;
        bool old_set_serves;  ///< when the fetch fails
    };
    struct Remembered {
        std::uint64_t kid_hash = 0;
        MonoTime until{};
    };
    static constexpr std::size_t kMaxWaiters = 20'000;
    static constexpr std::size_t kRememberedKids = 1024;

    enum class Wait : std::uint8_t { OldSetServes, NewSetOnly };
    /// Joins the fetch under way, or starts one that ends with the attempt at the latest.
    void wait(std::unique_lock<std::mutex> lock, const Attempt& attempt, Wait how, Done done);
    void start_fetch(std::unique_lock<std::mutex> lock, MonoTime now, MonoTime deadline);
    void on_response(MonoTime asked_at, Result<net::HttpResponse> response);
    void on_text(MonoTime asked_at, Result<std::string> text, std::chrono::seconds fresh_for);
    void settle(MonoTime asked_at, Result<crypto::JwkSet> set, std::chrono::seconds fresh_for);
    bool may_fetch(MonoTime now) const { return !fetching_ && !draining_ && now >= retry_at_; }
    bool take_budget(MonoTime now);
    bool known_absent(std::uint64_t kid_hash, MonoTime now) const;
    /// The set if it is not too old to be believed.
    Result<KeySnapshot> usable_set(MonoTime now) const;

    const KeySourceConfig config_;
    const Clock& clock_;
    net::Fetcher& fetcher_;
    net::Mailbox& background_;
    const SeededHash hash_;

    // Guards all below: any shard logs in at any time, and a set is one pointer for all of them. Never held
    // over a call out or a callback.
    mutable std::mutex mutex_;
    std::shared_ptr<const crypto::JwkSet> keys_;
    MonoTime asked_at_{};
    Duration fresh_for_{};
    bool fetching_ = false;
    bool budgeted_ = false;  ///< the fetch under way was paid for by an unknown key id
    bool draining_ = false;
    MonoTime fetch_ends_{};
    MonoTime retry_at_{};  ///< no fetch before this one after a failure
    std::optional<Error> last_error_;
    double budget_ = 3.0;
    MonoTime budget_at_{};
    std::vector<Waiter> waiters_;
    std::array<Remembered, kRememberedKids> remembered_{};
};

}  // namespace latchkey::auth
