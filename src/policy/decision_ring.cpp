// Decision ids and the ring of denials. See decision_ring.h.
// SPDX-License-Identifier: Apache-2.0
#include "policy/decision_ring.h"

#include <algorithm>

#include "policy/explain.h"

namespace latchkey::policy {
namespace {

/// Base 32 without letters that look like digits or each other.
constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kIdDigits = 13;  // 65 bits: the first digit is 0 to 15
constexpr std::size_t kMaxClientId = 256;

}  // namespace

std::string to_text(DecisionId id) {
    std::string out = "d-";
    for (std::size_t i = kIdDigits; i-- > 0;)
        out += kDigits[id.value >> (5 * i) & 31U];
    return out;
}

std::optional<DecisionId> parse_decision_id(std::string_view text) {
    if (text.size() != kIdDigits + 2 || (text[0] != 'd' && text[0] != 'D') || text[1] != '-')
        return std::nullopt;
    DecisionId id;
    for (const char c : text.substr(2)) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const std::size_t digit = kDigits.find(lower);
        if (digit == std::string_view::npos || id.value >> 59 != 0) return std::nullopt;
        id.value = id.value << 5 | digit;
    }
    return id;
}

Request Denial::request() const {
    Request out;
    out.act = act;
    out.topic = topic;
    out.qos = qos;
    out.retain = retain;
    out.via = via;
    if (group) out.group = *group;
    out.wild = wild;
    return out;
}

std::string Denial::nearest() const {
    if (topic_cut) return {};
    const auto near = nearest_allow(program, request());
    return near ? describe(*near) : std::string();
}

DecisionRing::DecisionRing(std::uint32_t shard, std::uint32_t process_epoch, std::size_t capacity)
    : base_(std::uint64_t{shard & 0x3FFU} << 54 | std::uint64_t{process_epoch & 0x3F'FFFFU} << 32),
      capacity_(std::max<std::size_t>(1, capacity)) {}

const Denial& DecisionRing::record(const Program& program, const Request& request, const Decision& decision,
                                   std::string_view client_id, std::string_view listener, WallTime at) {
    if (ring_.size() < capacity_) ring_.emplace_back();
    Denial& entry = ring_[count_ % capacity_];
    ++count_;
    entry.id.value = base_ | (count_ & 0xFFFF'FFFFU);
    entry.at = at;
    entry.client_id = client_id.substr(0, kMaxClientId);
    entry.listener = listener;
    entry.program = program;
    entry.decision = decision;
    entry.act = request.act;
    entry.topic = request.topic.substr(0, Denial::kMaxTopic);
    entry.topic_cut = request.topic.size() > Denial::kMaxTopic;
    entry.qos = request.qos;
    entry.retain = request.retain;
    entry.via = request.via;
    entry.group.reset();
    if (request.group) entry.group = request.group->substr(0, Denial::kMaxTopic);
    entry.wild =
        request.act == Act::Receive ? request.wild : entry.topic.find_first_of("+#") != std::string::npos;
    return entry;
}

const Denial* DecisionRing::find(DecisionId id) const noexcept {
    const auto at =
        std::find_if(ring_.begin(), ring_.end(), [&](const Denial& entry) { return entry.id == id; });
    return at == ring_.end() ? nullptr : &*at;
}

std::vector<const Denial*> DecisionRing::recent(std::size_t limit) const {
    std::vector<const Denial*> out;
    for (std::size_t i = 0; i < std::min(limit, ring_.size()); ++i)
        out.push_back(&ring_[(count_ - 1 - i) % capacity_]);
    return out;
}

}  // namespace latchkey::policy
