// Authority: who a right belongs to, kept with everything it did. Interned, counted, serialisable; the record
// says which blocks speak for a principal, never what they say. Revocation marks a record for good.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "policy/policy.h"

namespace latchkey::policy {

enum class PrincipalKind : std::uint8_t { User, Client, Anonymous, Broker };
std::string_view name(PrincipalKind kind) noexcept;

/// Who: the configured name of a provider, never its URL; the subject there; and which one, if a subject was
/// deleted and created again.
struct Principal {
    std::string provider;
    PrincipalKind kind = PrincipalKind::User;
    std::string subject;
    std::uint64_t incarnation = 0;
    auto operator<=>(const Principal&) const = default;
};
/// "provider/user/subject" for people.
std::string describe(const Principal& principal);

/// A program that must allow too: the scopes of a token, an issuer, a tenant.
struct Ceiling {
    std::string name;  ///< for answers: "scope", "issuer"
    std::vector<BlockRef> blocks;
    bool operator==(const Ceiling&) const = default;
};

struct AuthorityData {
    Principal principal;
    std::vector<BlockRef> blocks;       ///< in the order in which the identity holds them
    std::vector<TemplateValue> values;  ///< sorted by name when interned
    std::vector<Ceiling> ceilings;
    std::vector<std::string>
        revocation_keys;  ///< "sid:...", "jti:...", "client-id:..."; sorted when interned
    bool operator==(const AuthorityData&) const = default;
};

enum class AuthorityState : std::uint8_t { Live, Revoked };
using AuthorityVersion = std::uint32_t;

/// A limit of the persistent form: longer parts, and more of them, are refused at login.
inline constexpr std::size_t kMaxAuthorityText = 65'535;
inline constexpr std::size_t kMaxAuthorityItems = 4'096;

class AuthorityTable;
class AuthorityRef;

/// @thread any. Data is immutable; the state moves once, from live to revoked.
class Authority {
  public:
    const AuthorityData& data() const noexcept { return data_; }
    const Principal& principal() const noexcept { return data_.principal; }
    /// Unique in this process and never used again: the key for caches and orders.
    std::uint64_t number() const noexcept { return number_; }
    AuthorityState state() const noexcept { return state_.load(std::memory_order_acquire); }
    bool revoked() const noexcept { return state() == AuthorityState::Revoked; }
    /// 1 while live, 2 once revoked: only revocation raises it, never a later login.
    AuthorityVersion version() const noexcept { return revoked() ? 2 : 1; }
    bool is_broker() const noexcept { return data_.principal.kind == PrincipalKind::Broker; }

  private:
    friend class AuthorityTable;
    friend class AuthorityRef;
    struct Core;
    Authority(AuthorityData data, std::uint64_t number, AuthorityState state, std::shared_ptr<Core> core);

    AuthorityData data_;
    std::uint64_t number_;
    std::uint64_t hash_ = 0;
    std::shared_ptr<Core> core_;
    std::atomic<std::uint32_t> references_{1};
    std::atomic<AuthorityState> state_;
};

/// A counted handle. Null is legal everywhere and denies everything. @thread any (as a shared_ptr)
class AuthorityRef {
  public:
    AuthorityRef() = default;
    AuthorityRef(const AuthorityRef& other) noexcept : record_(other.record_) {
        if (record_ != nullptr) record_->references_.fetch_add(1, std::memory_order_relaxed);
    }
    AuthorityRef(AuthorityRef&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
    AuthorityRef& operator=(AuthorityRef other) noexcept {
        std::swap(record_, other.record_);
        return *this;
    }
    ~AuthorityRef() {
        if (record_ != nullptr) release();
    }

    explicit operator bool() const noexcept { return record_ != nullptr; }
    const Authority* get() const noexcept { return record_; }
    const Authority* operator->() const noexcept { return record_; }
    const Authority& operator*() const noexcept { return *record_; }
    /// The same record.
    bool operator==(const AuthorityRef&) const = default;

  private:
    friend class AuthorityTable;
    explicit AuthorityRef(Authority* adopted) noexcept : record_(adopted) {}
    void release() noexcept;
    Authority* record_ = nullptr;
};

/// One per process. Equal data, one record, as long as it is live. @thread any: one short mutex (logins meet
/// here, messages only copy handles).
class AuthorityTable {
  public:
    explicit AuthorityTable(const HashSeed& seed);
    ~AuthorityTable();
    AuthorityTable(const AuthorityTable&) = delete;
    AuthorityTable& operator=(const AuthorityTable&) = delete;

    /// The live record with this data; never a revoked one. Null for data that claims to be the broker.
    /// @error kAuthorityTooLarge
    Result<AuthorityRef> intern(AuthorityData data);
    /// What serialize() wrote: a revoked record comes back revoked, the broker's as the broker.
    /// @error kBadBlob | kBlobVersion
    Result<AuthorityRef> restore(std::string_view blob);
    /// The broker's own: what it publishes itself is judged under this one.
    const AuthorityRef& broker() const noexcept;

    /// Marks one record for good. @return was it live? The broker cannot be revoked.
    bool revoke(const AuthorityRef& authority);
    /// Marks every live record that the predicate names and returns them, in order of number.
    /// @cost one look at each record under the mutex
    std::vector<AuthorityRef> revoke_if(const std::function<bool(const AuthorityData&)>& doomed);
    std::size_t size() const;

  private:
    std::shared_ptr<Authority::Core> core_;
    AuthorityRef broker_;
};

/// One versioned blob: data and state, for the store. Length-prefixed, no outside format.
std::string serialize(const Authority& authority);

struct StoredAuthority {
    AuthorityData data;
    AuthorityState state = AuthorityState::Live;
};
/// @error kBadBlob | kBlobVersion   @cost bounds checked before anything is allocated
Result<StoredAuthority> deserialize(std::string_view blob);

}  // namespace latchkey::policy
