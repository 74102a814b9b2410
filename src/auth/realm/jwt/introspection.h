// Introspection: asks the provider whether a token, whose signature is already checked, is still active, with
// the broker's own credentials. Answers that are no clear yes or no are failures. Implements RFC 7662.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/realm.h"
#include "auth/realm/jwt/config.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "net/http_client.h"

namespace latchkey::auth {

/// What an active answer narrows.
struct Introspected {
    std::optional<WallTime> expires_at;
    std::optional<std::vector<std::string>> scopes;  ///< absent: the answer names none
};

/// Reads an answer and compares it with the token's claims. Pure.
/// @error kInactive | kIntrospectionMismatch (both: refused) | kIntrospectionDown | kIntrospectionClient
/// (failed)
Result<Introspected> read_introspection(int status, std::string_view body, const json::Value& claims);

/// The Basic credentials "id:secret", form-encoded as RFC 6749 2.3.1 demands unless raw.
Secret basic_credentials(std::string_view id, const Secret& secret, ClientAuth how);
/// application/x-www-form-urlencoded, one value.
std::string form_encode(std::string_view text);

/// @thread any (one mutex; see flights_)
class Introspection : public std::enable_shared_from_this<Introspection> {
  public:
    using Done = std::move_only_function<void(Result<Introspected>)>;
    Introspection(const JwtRealmConfig& config, const Clock& clock, net::Fetcher& fetcher, Secret cache_key);

    /// Asks, or joins a question about the same token that is under way. `done` on attempt.home.
    /// @error as read_introspection | kBusy | kDraining
    void ask(const Secret& token, std::shared_ptr<const json::Value> claims, const Attempt& attempt,
             Done done);
    void drain();
    Health health() const;

  private:
    struct Answer {
        int status = 0;
        std::string body;
        MonoTime until{};
    };
    struct Waiter {
        net::Mailbox* home;
        std::shared_ptr<const json::Value> claims;
        Done done;
    };
    struct Flight {
        MonoTime ends{};
        std::vector<Waiter> waiters;
    };
    static constexpr std::size_t kMaxFlights = 1024;
    static constexpr std::size_t kMaxWaiters = 1024;
    static constexpr std::size_t kMaxCached = 16 * 1024;
    static constexpr std::size_t kMaxBody = 64 * 1024;

    net::HttpRequest request_for(const Secret& token, MonoTime deadline) const;
    void settle(const crypto::Digest256& key, Result<net::HttpResponse> response);
    void remember(const crypto::Digest256& key, const net::HttpResponse& response);

    const std::string realm_;
    const std::string url_;
    const Secret basic_;
    const std::string ca_file_;
    const bool allow_plain_http_;
    const Duration limit_;
    const Duration keep_active_;
    const Clock& clock_;
    net::Fetcher& fetcher_;
    const crypto::HmacSha256 hmac_;

    mutable std::mutex
        mutex_;  ///< guards all below; any shard asks. Never held over a call out or a callback
    std::map<crypto::Digest256, Flight> flights_;
    std::map<crypto::Digest256, Answer> answers_;
    std::deque<crypto::Digest256> order_;  ///< of answers_, oldest first
    std::optional<Error> last_error_;
    bool draining_ = false;
};

}  // namespace latchkey::auth
