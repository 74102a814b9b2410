// Fuzzes the decoding of single packets, both senders and all levels: the first byte of the input picks them,
// the rest is a packet. What decodes is described field by field, so that a view beyond the packet is touched
// and seen. fuzz_replay_test.cpp in src/mqtt replays the corpus through this file.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "../tests/support/mqtt_recorder.h"
#include "mqtt/decoder.h"

namespace latchkey::mqtt::probe {
namespace {

void require_that(bool promise) {
    if (!promise) std::abort();
}

/// A refusal has a code of an error and a word for the log.
void judge(const Checked& checked, const std::string& described) {
    require_that(!described.empty());
    if (checked) return;
    require_that(is_error(checked.error().reason) && !checked.error().detail.empty());
}

template <class Packet, class Decode>
void decode_one(Decode&& decode) {
    Packet packet;
    const Checked checked = decode(packet);
    judge(checked, checked ? describe(packet) : std::string("refused"));
}

void decode_body(PacketType type, std::uint8_t flags, Bytes body, const Rules& rules) {
    switch (type) {
        case PacketType::Connect:
            decode_one<Connect>([&](Connect& packet) {
                ConnectVersion version;
                const Checked checked = decode_connect(body, rules, packet, version);
                require_that(!checked || (version.known && version.level == packet.level));
                return checked;
            });
            return;
        case PacketType::Publish:
            decode_one<Publish>([&](Publish& packet) { return decode_publish(flags, body, rules, packet); });
            return;
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp:
            decode_one<Ack>([&](Ack& packet) { return decode_ack(type, body, rules, packet); });
            return;
        case PacketType::Subscribe:
            decode_one<Subscribe>([&](Subscribe& packet) { return decode_subscribe(body, rules, packet); });
            return;
        case PacketType::Unsubscribe:
            decode_one<Unsubscribe>(
                [&](Unsubscribe& packet) { return decode_unsubscribe(body, rules, packet); });
            return;
        case PacketType::Disconnect:
            decode_one<Disconnect>(
                [&](Disconnect& packet) { return decode_disconnect(body, rules, packet); });
            return;
        case PacketType::Auth:
            decode_one<Auth>([&](Auth& packet) { return decode_auth(body, rules, packet); });
            return;
        case PacketType::Connack:
            decode_one<Connack>([&](Connack& packet) { return decode_connack(body, rules, packet); });
            return;
        case PacketType::Suback:
        case PacketType::Unsuback:
            decode_one<Suback>([&](Suback& packet) { return decode_suback(type, body, rules, packet); });
            return;
        case PacketType::Pingreq:
        case PacketType::Pingresp:
            require_that(decode_ping(body).has_value() == body.empty());
            return;
        case PacketType::Reserved:
            require_that(false);
            return;
    }
}

void fuzz_packet(std::uint8_t choice, Bytes packet) {
    const Level levels[] = {Level::V31, Level::V311, Level::V5, Level::V5};
    const Rules rules{levels[choice & 3], (choice & 4) != 0 ? Sender::Server : Sender::Client, 16};
    const auto first = std::to_integer<std::uint8_t>(packet[0]);
    if (!check_first_byte(first, rules.level)) return;
    const auto frame = read_frame(packet, 4096);
    if (!frame) return;
    require_that(frame->total_bytes <= 4096 &&
                 frame->complete == (frame->header_bytes != 0 && frame->total_bytes <= packet.size()));
    if (!frame->complete) {
        require_that(frame->total_bytes > packet.size());
        return;
    }
    decode_body(frame->type, frame->flags,
                packet.subspan(frame->header_bytes, frame->total_bytes - frame->header_bytes), rules);
}

}  // namespace
}  // namespace latchkey::mqtt::probe

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace latchkey::mqtt;
    if (size < 2) return 0;
    // Exactly the packet on the heap: one byte beyond it is a finding.
    const std::vector<std::byte> packet(reinterpret_cast<const std::byte*>(data) + 1,
                                        reinterpret_cast<const std::byte*>(data) + size);
    probe::fuzz_packet(data[0], packet);
    return 0;
}
