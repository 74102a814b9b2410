// See session.h.
// SPDX-License-Identifier: Apache-2.0
#include "broker/session.h"

namespace latchkey::broker {

Subscription* Session::find_subscription(std::string_view filter) noexcept {
    const auto found = subscriptions.find(filter);
    return found == subscriptions.end() ? nullptr : found->second.get();
}

QueueEntry* Session::find_inflight(std::uint16_t packet_id, std::uint32_t* index) noexcept {
    // Acknowledgements come in order as a rule, so the one looked for stands at the front.
    for (std::uint32_t i = 0; i < inflight.size(); ++i) {
        if (inflight[i].packet_id != packet_id) continue;
        if (index) *index = i;
        return &inflight[i];
    }
    return nullptr;
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
