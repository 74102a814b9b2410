// Authorities: interning, counting, revoking. See authority.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/authority.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "policy/errors.h"

namespace latchkey::policy {

/// What table and records share; it outlives the table as long as a handle does.
struct Authority::Core {
    explicit Core(const HashSeed& hash_seed) : seed(hash_seed) {}

    /// Guards `live` and the birth and death of records. A lane will not do: every shard interns at login,
    /// and a handle may be dropped anywhere. Held for one lookup.
    std::mutex mutex;
    HashSeed seed;
    std::unordered_multimap<std::uint64_t, Authority*>
        live;  ///< by hash of the data; revoked ones have left it
    std::uint64_t next_number = 1;
    std::size_t records = 0;
};

namespace {

void hash_text(std::uint64_t& state, const HashSeed& seed, std::string_view text) {
    // Chained and seeded: subjects and client ids are chosen by peers.
    state = sip_hash(seed, text) ^ (state * 0x9e3779b97f4a7c15ULL + text.size() + 1);
}

void hash_blocks(std::uint64_t& state, const HashSeed& seed, const std::vector<BlockRef>& blocks) {
    for (const BlockRef& ref : blocks) {
        hash_text(state, seed, ref.realm);
        hash_text(state, seed, name(ref.kind));
        hash_text(state, seed, ref.name);
    }
}

std::uint64_t hash_of(const HashSeed& seed, const AuthorityData& data) {
    std::uint64_t state = data.principal.incarnation;
    hash_text(state, seed, data.principal.provider);
    hash_text(state, seed, name(data.principal.kind));
    hash_text(state, seed, data.principal.subject);
    hash_blocks(state, seed, data.blocks);
    for (const TemplateValue& value : data.values) {
        hash_text(state, seed, value.name);
        for (const std::string& element : value.values)
            hash_text(state, seed, element);
    }
    for (const Ceiling& ceiling : data.ceilings) {
        hash_text(state, seed, ceiling.name);
        hash_blocks(state, seed, ceiling.blocks);
    }
    for (const std::string& key : data.revocation_keys)
        hash_text(state, seed, key);
    return state;
}

void normalise(AuthorityData& data) {
    std::stable_sort(data.values.begin(), data.values.end(),
                     [](const TemplateValue& a, const TemplateValue& b) { return a.name < b.name; });
    std::sort(data.revocation_keys.begin(), data.revocation_keys.end());
    data.revocation_keys.erase(std::unique(data.revocation_keys.begin(), data.revocation_keys.end()),
                               data.revocation_keys.end());
}

bool fits(std::string_view text) {
    return text.size() <= kMaxAuthorityText;
}
bool fit(const std::vector<std::string>& texts) {
    return texts.size() <= kMaxAuthorityItems && std::all_of(texts.begin(), texts.end(), fits);
}
bool fit(const std::vector<BlockRef>& blocks) {
    return blocks.size() <= kMaxAuthorityItems &&
           std::all_of(blocks.begin(), blocks.end(),
                       [](const BlockRef& ref) { return fits(ref.realm) && fits(ref.name); });
}
/// What is interned must be storable.
bool fits(const AuthorityData& data) {
    return fits(data.principal.provider) && fits(data.principal.subject) && fit(data.blocks) &&
           fit(data.revocation_keys) && data.values.size() <= kMaxAuthorityItems &&
           data.ceilings.size() <= kMaxAuthorityItems &&
           std::all_of(data.values.begin(), data.values.end(),
                       [](const TemplateValue& v) { return fits(v.name) && fit(v.values); }) &&
           std::all_of(data.ceilings.begin(), data.ceilings.end(),
                       [](const Ceiling& c) { return fits(c.name) && fit(c.blocks); });
}

}  // namespace

std::string_view name(PrincipalKind kind) noexcept {
    switch (kind) {
        case PrincipalKind::User:
            return "user";
        case PrincipalKind::Client:
            return "client";
        case PrincipalKind::Anonymous:
            return "anonymous";
        case PrincipalKind::Broker:
            return "broker";
    }
    return "?";
}

std::string describe(const Principal& principal) {
    std::string out = principal.provider + '/' + std::string(name(principal.kind));
    if (principal.kind != PrincipalKind::Anonymous) out += '/' + principal.subject;
    return out;
}

Authority::Authority(AuthorityData data, std::uint64_t number, AuthorityState state,
                     std::shared_ptr<Core> core)
    : data_(std::move(data)), number_(number), core_(std::move(core)), state_(state) {}

void AuthorityRef::release() noexcept {
    if (record_->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::shared_ptr<Authority::Core> core = record_->core_;
    {
        const std::scoped_lock lock(core->mutex);
        const auto [begin, end] = core->live.equal_range(record_->hash_);
        const auto at = std::find_if(begin, end, [&](const auto& entry) { return entry.second == record_; });
        if (at != end) core->live.erase(at);
        --core->records;
    }
    delete record_;
}

AuthorityTable::AuthorityTable(const HashSeed& seed) : core_(std::make_shared<Authority::Core>(seed)) {
    AuthorityData data;
    data.principal = {"local", PrincipalKind::Broker, "broker", 0};
    ++core_->records;
    broker_ = AuthorityRef(new Authority(std::move(data), 0, AuthorityState::Live, core_));
}

AuthorityTable::~AuthorityTable() = default;

const AuthorityRef& AuthorityTable::broker() const noexcept {
    return broker_;
}

Result<AuthorityRef> AuthorityTable::intern(AuthorityData data) {
    if (data.principal.kind == PrincipalKind::Broker) return AuthorityRef();
    if (!fits(data)) return fail(kAuthorityTooLarge, data.principal.subject);
    normalise(data);
    const std::uint64_t hash = hash_of(core_->seed, data);
    const std::scoped_lock lock(core_->mutex);
    const auto [begin, end] = core_->live.equal_range(hash);
    for (auto at = begin; at != end; ++at) {
        Authority* record = at->second;
        if (record->data_ != data) continue;
        // A count of zero is a record on its way out: it must not come back to life.
        std::uint32_t count = record->references_.load(std::memory_order_relaxed);
        while (count != 0 &&
               !record->references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
        }
        if (count != 0) return AuthorityRef(record);
    }
    auto* record = new Authority(std::move(data), core_->next_number++, AuthorityState::Live, core_);
    record->hash_ = hash;
    core_->live.emplace(hash, record);
    ++core_->records;
    return AuthorityRef(record);
}

Result<AuthorityRef> AuthorityTable::restore(std::string_view blob) {
    LK_TRY(StoredAuthority stored, deserialize(blob));
    if (stored.data.principal.kind == PrincipalKind::Broker) return broker_;
    if (stored.state == AuthorityState::Live) return intern(std::move(stored.data));
    const std::scoped_lock lock(core_->mutex);
    ++core_->records;
    return AuthorityRef(
        new Authority(std::move(stored.data), core_->next_number++, AuthorityState::Revoked, core_));
}

bool AuthorityTable::revoke(const AuthorityRef& authority) {
    if (!authority || authority->is_broker()) return false;
    Authority* record = authority.record_;
    const std::scoped_lock lock(core_->mutex);
    if (record->state_.exchange(AuthorityState::Revoked, std::memory_order_acq_rel) ==
        AuthorityState::Revoked) {
        return false;
    }
    const auto [begin, end] = core_->live.equal_range(record->hash_);
    const auto at = std::find_if(begin, end, [&](const auto& entry) { return entry.second == record; });
    if (at != end) core_->live.erase(at);
    return true;
}

std::vector<AuthorityRef> AuthorityTable::revoke_if(const std::function<bool(const AuthorityData&)>& doomed) {
    std::vector<AuthorityRef> out;
    {
        const std::scoped_lock lock(core_->mutex);
        for (auto at = core_->live.begin(); at != core_->live.end();) {
            Authority* record = at->second;
            std::uint32_t count = record->references_.load(std::memory_order_relaxed);
            if (!doomed(record->data_)) {
                ++at;
                continue;
            }
            while (count != 0 &&
                   !record->references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
            }
            if (count != 0) {
                record->state_.store(AuthorityState::Revoked, std::memory_order_release);
                out.push_back(AuthorityRef(record));
            }
            at = core_->live.erase(at);
        }
    }
    std::sort(out.begin(), out.end(),
              [](const AuthorityRef& a, const AuthorityRef& b) { return a->number() < b->number(); });
    return out;
}

std::size_t AuthorityTable::size() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->records;
}

}  // namespace latchkey::policy
