// Admission: who may come in, before anything is known of them but an address. One for the process, asked
// when a connection is accepted, when its CONNECT is complete and when it closes; never on the data path.
// IPv6 is counted by /64, because one host has as many addresses as it likes there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "base/ticket.h"
#include "base/time.h"
#include "net/address.h"

namespace latchkey::broker {

/// Budgets of what has not logged in. Loopback and proxies are counted like everybody.
struct AdmissionLimits {
    std::uint32_t connections = 200'000;
    std::uint32_t connections_per_address = 60'000;  ///< IPv4 address, IPv6 /64; a site behind NAT is one
    std::uint32_t connections_per_prefix = 120'000;  ///< IPv4 /24, IPv6 /48
    std::uint32_t half_open = 16'384;                ///< accepted, CONNECT not complete
    std::uint32_t half_open_per_address = 4'096;
};

/// What is counted as one address. @thread any (value type)
struct AddressKey {
    std::uint64_t bits = 0;
    std::uint8_t size = 0;  ///< 4, 16, or 0 for none
    auto operator<=>(const AddressKey&) const = default;
    AddressKey prefix() const noexcept { return {bits >> (size == 4 ? 8 : 16), size}; }
};
AddressKey address_key(const net::Address& address) noexcept;

/// Hash that a peer cannot aim at.
struct AddressHash {
    HashSeed seed{};
    std::size_t operator()(const AddressKey& key) const noexcept;
};

class Admission;

/// One admitted connection; gives its place back when it goes. Moves with the connection.
/// @thread whoever owns the connection
class AdmissionSlot {
  public:
    AdmissionSlot() = default;
    AdmissionSlot(AdmissionSlot&& other) noexcept;
    AdmissionSlot& operator=(AdmissionSlot&& other) noexcept;
    ~AdmissionSlot();

    explicit operator bool() const noexcept { return admission_ != nullptr; }
    const AddressKey& key() const noexcept { return key_; }
    /// Who it is on which shard, so that it can be closed for somebody else. False: its place was given away
    /// meanwhile.
    bool place(std::uint32_t shard, SlotId client);
    /// CONNECT is complete: no longer half-open.
    void complete();

  private:
    friend class Admission;
    Admission* admission_ = nullptr;
    AddressKey key_;
    std::uint64_t number_ = 0;  ///< in order of admission; 0: not half-open
};

/// @thread any: one short mutex, since shards share the counts and none may wait for another's answer
class Admission {
  public:
    enum class Refusal : std::uint8_t { Connections, Address, Prefix };
    /// A half-open connection whose place is given to a newcomer: to be closed by its shard.
    struct Victim {
        std::uint32_t shard = 0;
        SlotId client;
    };
    struct Answer {
        AdmissionSlot slot;  ///< empty: refused
        Refusal refusal = Refusal::Connections;
        std::optional<Victim> victim{};
    };

    explicit Admission(const HashSeed& seed)
        : addresses_(0, AddressHash{seed}), prefixes_(0, AddressHash{seed}) {}

    /// Counts a newcomer in. Where only the half-open are too many, the oldest of them gives way (of the same
    /// address if that is full): who completes a CONNECT in good time gets in through any flood, and a flood
    /// from one address displaces itself.
    Answer admit(const net::Address& remote, const AdmissionLimits& limits);
    /// The address behind a proxy is known now: `slot` is counted there instead.
    /// @return what admit() would say; a refusal leaves `slot` empty
    Answer readmit(AdmissionSlot slot, const net::Address& real, const AdmissionLimits& limits);

    std::size_t connections() const;
    std::size_t half_open() const;

  private:
    friend class AdmissionSlot;
    struct Count {
        std::uint32_t connections = 0;
        std::uint32_t half_open = 0;
    };
    struct HalfOpen {
        AddressKey key;
        std::uint32_t shard = 0;
        SlotId client;
    };
    Answer admit_locked(const AddressKey& key, const AdmissionLimits& limits);
    std::optional<Victim> make_room(const AddressKey& key, const AdmissionLimits& limits);
    void release_locked(const AdmissionSlot& slot);
    void leave_half_open(std::uint64_t number);
    void release(const AdmissionSlot& slot);

    mutable std::mutex mutex_;  ///< guards all below
    std::size_t connections_ = 0;
    std::uint64_t last_number_ = 0;
    std::unordered_map<AddressKey, Count, AddressHash> addresses_;
    std::unordered_map<AddressKey, std::uint32_t, AddressHash> prefixes_;
    std::map<std::uint64_t, HalfOpen> half_open_;  ///< by number: the oldest first
    std::set<std::pair<AddressKey, std::uint64_t>> by_address_;
};

}  // namespace latchkey::broker
