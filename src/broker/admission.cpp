// See admission.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/admission.h"

#include <cstring>
#include <string_view>

namespace latchkey::broker {

AddressKey address_key(const net::Address& address) noexcept {
    AddressKey key{.bits = 0, .size = address.size};
    const std::size_t counted = address.size == 16 ? 8 : address.size;
    for (std::size_t i = 0; i < counted; ++i)
        key.bits = key.bits << 8 | std::to_integer<std::uint64_t>(address.raw[i]);
    return key;
}

std::size_t AddressHash::operator()(const AddressKey& key) const noexcept {
    char bytes[9];
    std::memcpy(bytes, &key.bits, 8);
    bytes[8] = static_cast<char>(key.size);
    return sip_hash(seed, std::string_view(bytes, sizeof bytes));
}

// Slots
// ---------------------------------------------------------------------------------------------------------

AdmissionSlot::AdmissionSlot(AdmissionSlot&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)), key_(other.key_), number_(other.number_) {}

AdmissionSlot& AdmissionSlot::operator=(AdmissionSlot&& other) noexcept {
    std::swap(admission_, other.admission_);
    std::swap(key_, other.key_);
    std::swap(number_, other.number_);
    return *this;
}

AdmissionSlot::~AdmissionSlot() {
    if (admission_ != nullptr) admission_->release(*this);
}

bool AdmissionSlot::place(std::uint32_t shard, SlotId client) {
    if (admission_ == nullptr || number_ == 0) return true;
    const std::lock_guard lock(admission_->mutex_);
    const auto found = admission_->half_open_.find(number_);
    if (found == admission_->half_open_.end()) return false;
    found->second.shard = shard;
    found->second.client = client;
    return true;
}

void AdmissionSlot::complete() {
    if (admission_ == nullptr || number_ == 0) return;
    const std::lock_guard lock(admission_->mutex_);
    admission_->leave_half_open(std::exchange(number_, 0));
}

// Counts
// --------------------------------------------------------------------------------------------------------

Admission::Answer Admission::admit(const net::Address& remote, const AdmissionLimits& limits) {
    const std::lock_guard lock(mutex_);
    return admit_locked(address_key(remote), limits);
}

Admission::Answer Admission::readmit(AdmissionSlot slot, const net::Address& real,
                                     const AdmissionLimits& limits) {
    const std::lock_guard lock(mutex_);
    release_locked(slot);
    slot.admission_ = nullptr;
    return admit_locked(address_key(real), limits);
}

Admission::Answer Admission::admit_locked(const AddressKey& key, const AdmissionLimits& limits) {
    if (connections_ >= limits.connections) return {.slot = {}, .refusal = Refusal::Connections};
    const auto address = addresses_.find(key);
    if (address != addresses_.end() && address->second.connections >= limits.connections_per_address) {
        return {.slot = {}, .refusal = Refusal::Address};
    }
    const auto prefix = prefixes_.find(key.prefix());
    if (prefix != prefixes_.end() && prefix->second >= limits.connections_per_prefix) {
        return {.slot = {}, .refusal = Refusal::Prefix};
    }
    Answer answer;
    answer.victim = make_room(key, limits);
    answer.slot.admission_ = this;
    answer.slot.key_ = key;
    answer.slot.number_ = ++last_number_;
    ++connections_;
    Count& count = addresses_[key];
    ++count.connections;
    ++count.half_open;
    ++prefixes_[key.prefix()];
    half_open_.emplace(last_number_, HalfOpen{.key = key});
    by_address_.emplace(key, last_number_);
    return answer;
}

std::optional<Admission::Victim> Admission::make_room(const AddressKey& key, const AdmissionLimits& limits) {
    std::uint64_t oldest = 0;
    const auto address = addresses_.find(key);
    if (address != addresses_.end() && address->second.half_open >= limits.half_open_per_address) {
        oldest = by_address_.lower_bound({key, 0})->second;
    } else if (half_open_.size() >= limits.half_open) {
        oldest = half_open_.begin()->first;
    }
    if (oldest == 0) return std::nullopt;
    const HalfOpen& gone = half_open_.at(oldest);
    const Victim victim{gone.shard, gone.client};
    leave_half_open(oldest);
    // One that has no place yet learns it there: see AdmissionSlot::place.
    return victim.client ? std::optional(victim) : std::nullopt;
}

void Admission::leave_half_open(std::uint64_t number) {
    const auto found = half_open_.find(number);
    if (found == half_open_.end()) return;  // its place was given away
    --addresses_.at(found->second.key).half_open;
    by_address_.erase({found->second.key, number});
    half_open_.erase(found);
}

void Admission::release(const AdmissionSlot& slot) {
    const std::lock_guard lock(mutex_);
    release_locked(slot);
}

void Admission::release_locked(const AdmissionSlot& slot) {
    if (slot.admission_ == nullptr) return;
    if (slot.number_ != 0) leave_half_open(slot.number_);
    --connections_;
    const auto address = addresses_.find(slot.key_);
    if (--address->second.connections == 0) addresses_.erase(address);
    const auto prefix = prefixes_.find(slot.key_.prefix());
    if (--prefix->second == 0) prefixes_.erase(prefix);
}

std::size_t Admission::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

std::size_t Admission::half_open() const {
    const std::lock_guard lock(mutex_);
    return half_open_.size();
}

}  // namespace latchkey::broker
