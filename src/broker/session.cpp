// See session.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/session.h"

namespace latchkey::broker {

Subscription* Session::find_subscription(std::string_view filter) noexcept {
    const auto found = subscriptions.find(filter);
    return found == subscriptions.end() ? nullptr : found->second.get();
}

QueueEntry* Session::find_inflight(std::uint16_t packet_id, std::uint32_t* index) noexcept {
    std::uint32_t at = 0;
    if (!in_circle_order_) {
        while (at < inflight.size() && inflight[at].packet_id != packet_id)
            ++at;
    } else if (!inflight.empty()) {
        const std::uint32_t wanted = steps_from_oldest(packet_id);
        std::uint32_t end = wanted == 0 ? 0 : inflight.size();  // acknowledgements come in order as a rule
        while (at < end) {
            const std::uint32_t middle = at + (end - at) / 2;
            if (steps_from_oldest(inflight[middle].packet_id) < wanted) {
                at = middle + 1;
            } else {
                end = middle;
            }
        }
    }
    if (at >= inflight.size() || inflight[at].packet_id != packet_id) return nullptr;
    if (index) *index = at;
    return &inflight[at];
}

std::uint32_t Session::steps_from_oldest(std::uint16_t packet_id) noexcept {
    constexpr std::uint32_t kIds = 65535;
    const std::uint32_t steps = packet_id + kIds - inflight.front().packet_id;
    return steps < kIds ? steps : steps - kIds;
}

void Session::push_inflight(QueueEntry entry) {
    if (inflight.empty()) {
        in_circle_order_ = true;
    } else if (steps_from_oldest(entry.packet_id) <= steps_from_oldest(inflight.back().packet_id)) {
        in_circle_order_ = false;
    }
    inflight.push_back(std::move(entry));
}

std::uint16_t Session::take_packet_id() noexcept {
    // In flight are at most `window` entries plus parked ones; ids are handed out in a circle, so the first
    // try nearly always finds a free one.
    for (std::uint32_t tries = 0; tries < 65535; ++tries) {
        const std::uint16_t id = next_packet_id;
        next_packet_id = static_cast<std::uint16_t>(id == 65535 ? 1 : id + 1);
        if (find_inflight(id) == nullptr) return id;
    }
    return 0;
}

void Session::clear_messages() noexcept {
    waiting.clear();
    inflight.clear();
    receiving.clear();
    receiving_bytes = 0;
    id_lists.clear();
    pulls.clear();
    live_numbers.clear();
    waiting_bytes = 0;
    in_window = 0;
    send_from = 0;
}

std::string session_key(const policy::Principal& principal, std::string_view client_id) {
    // Length-prefixed, so that no choice of names makes two pairs equal.
    const auto part = [](std::string& out, std::string_view text) {
        out.append(std::to_string(text.size())).push_back(':');
        out.append(text);
    };
    std::string key;
    part(key, principal.provider);
    key.append(std::to_string(static_cast<unsigned>(principal.kind)));
    part(key, principal.subject);
    key.append(std::to_string(principal.incarnation)).push_back(':');
    return key.append(client_id);
}

}  // namespace latchkey::broker
