// Reason strings and user properties give way to the receiver's Maximum Packet Size, in every packet that may
// carry them: MQTT 5.0 3.2.2.3.9 and its kin.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <gtest/gtest.h>

#include "conformance/wire_client.h"
#include "mqtt/encoder.h"

namespace latchkey::conformance {
namespace {

using mqtt::Buffer;
using mqtt::Peer;
using mqtt::Reason;

constexpr std::string_view kWords = "a reason of thirty-one letters.";
const std::array kUser = {mqtt::UserProperty{"name", "a value of some length"}};

std::string encoded(unsigned type, const Peer& peer, std::string_view reason, bool user) {
    Buffer buffer;
    std::span<const mqtt::UserProperty> pairs;
    if (user) pairs = kUser;
    const Reason denied = Reason::NotAuthorized;
    const auto packet_type = static_cast<mqtt::PacketType>(type);
    std::size_t size = 0;
    switch (type) {
        case 2:
            size = mqtt::encode_connack(buffer, peer,
                                        {.reason = denied, .reason_string = reason, .user = pairs});
            break;
        case 4:
        case 5:
            size = mqtt::encode_ack(buffer, peer,
                                    {.type = packet_type,
                                     .packet_id = 7,
                                     .reason = denied,
                                     .reason_string = reason,
                                     .user = pairs});
            break;
        case 6:
        case 7:
            size = mqtt::encode_ack(buffer, peer,
                                    {.type = packet_type,
                                     .packet_id = 7,
                                     .reason = Reason::PacketIdentifierNotFound,
                                     .reason_string = reason,
                                     .user = pairs});
            break;
        case 9:
        case 11:
            size = mqtt::encode_suback(buffer, peer,
                                       {.type = packet_type,
                                        .packet_id = 7,
                                        .reasons = std::span(&denied, 1),
                                        .reason_string = reason,
                                        .user = pairs});
            break;
        case 14:
            size = mqtt::encode_disconnect(buffer, peer,
                                           {.reason = denied, .reason_string = reason, .user = pairs});
            break;
        default:
            size = mqtt::encode_auth(buffer, peer,
                                     {.reason = Reason::ContinueAuthentication,
                                      .method = "m",
                                      .reason_string = reason,
                                      .user = pairs});
            break;
    }
    EXPECT_EQ(size, buffer.size());
    return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

TEST(ExplanationConformance, TheyGiveWayToTheReceiversLimitInEveryPacket) {
    for (const unsigned type : {2U, 4U, 5U, 6U, 7U, 9U, 11U, 14U, 15U}) {
        const std::string bare = encoded(type, {}, "", false);
        const std::string full = encoded(type, {}, kWords, true);
        ASSERT_GT(full.size(), bare.size() + kWords.size()) << type;
        for (std::size_t most = bare.size(); most <= full.size(); ++most) {
            const Peer peer{.max_packet_bytes = static_cast<std::uint32_t>(most)};
            const std::string sent = encoded(type, peer, kWords, true);
            EXPECT_LE(sent.size(), most) << type;
            EXPECT_GE(sent.size(), bare.size()) << type << ": the packet itself is sent";
            if (most == bare.size()) {
                EXPECT_EQ(hex(sent), hex(bare)) << type;
            }
            if (most == full.size()) {
                EXPECT_EQ(hex(sent), hex(full)) << type;
            }
        }
    }
}

TEST(ExplanationConformance, WhoAsksForNoneGetsThemOnlyWhereTheStandardLetsThem) {
    const Peer peer{.problem_information = false};
    for (const unsigned type : {2U, 4U, 5U, 6U, 7U, 9U, 11U, 14U, 15U}) {
        const std::string sent = encoded(type, peer, kWords, true);
        const bool may = type == 2 || type == 14;
        EXPECT_EQ(sent.find(kWords) != std::string::npos, may) << type;
        EXPECT_EQ(sent.find("name") != std::string::npos, may) << type;
    }
}

}  // namespace
}  // namespace latchkey::conformance
