// Decoding, statement by statement: what is malformed, what is a protocol error, and what is neither.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/decoder.h"

#include <gtest/gtest.h>

#include "support/mqtt_build.h"
#include "support/mqtt_recorder.h"

namespace latchkey::mqtt {
namespace {

using namespace probe;

constexpr Limits kLimits{
    .max_packet_bytes = 2048, .max_connect_bytes = 1024, .topic_alias_maximum = 4, .max_user_properties = 8};

struct Outcome {
    std::optional<Reason> error;
    std::string log;
    std::size_t events = 0;
    Connection::ErrorAnswer answer = Connection::ErrorAnswer::None;
};

Outcome run(const std::string& wire) {
    Connection connection(kLimits);
    Recorder recorder(connection);
    feed(connection, recorder, bytes_of(wire), kLimits.max_packet_bytes, [&] { return wire.size(); });
    return {recorder.error, recorder.log, recorder.events, recorder.answer};
}

/// One packet on an accepted connection of `level`, and a PINGREQ behind it that must not be seen after an
/// error.
struct Row {
    const char* claim;
    unsigned level;
    std::string wire;
    std::optional<Reason> expected;
};

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        SCOPED_TRACE(row.claim);
        const Outcome outcome = run(connect_level(row.level) + row.wire + b({0xC0, 0x00}));
        EXPECT_EQ(outcome.error, row.expected);
        EXPECT_EQ(outcome.events, row.expected ? 2u : 3u) << outcome.log;
        EXPECT_EQ(outcome.log.ends_with("PINGREQ\n"), !row.expected.has_value());
        if (row.expected) {
            EXPECT_EQ(outcome.answer,
                      row.level == 5 ? Connection::ErrorAnswer::Disconnect : Connection::ErrorAnswer::None);
        }
    }
}

const std::optional<Reason> kFine;
constexpr auto kMalformed = Reason::MalformedPacket;
constexpr auto kProtocol = Reason::ProtocolError;

std::string publish(unsigned first, const std::string& topic, const std::string& rest) {
    return packet(first, s(topic) + rest);
}

TEST(Decoder, MQTT_1_5_4_1_SurrogatesAreMalformed) {
    const std::string surrogate = "\xED\xA0\x80";
    check({
        {"topic name", 5, publish(0x30, "a" + surrogate, block()), kMalformed},
        {"topic name 3.1.1", 4, publish(0x30, surrogate, ""), kMalformed},
        {"topic filter", 5, packet(0x82, u16(1) + block() + s(surrogate) + b({0})), kMalformed},
        {"filter to leave", 5, packet(0xA2, u16(1) + block() + s(surrogate)), kMalformed},
        {"user property of PUBLISH", 5, publish(0x30, "a", block(b({0x26}) + s(surrogate) + s("v"))),
         kMalformed},
        {"user property's value", 5, publish(0x30, "a", block(b({0x26}) + s("n") + s(surrogate))),
         kMalformed},
        {"reason string of PUBACK", 5, packet(0x40, u16(1) + b({0}) + block(b({0x1F}) + s(surrogate))),
         kMalformed},
        {"overlong", 5, publish(0x30, "\xC0\xAF", block()), kMalformed},
        {"beyond U+10FFFF", 5, publish(0x30, "\xF4\x90\x80\x80", block()), kMalformed},
        {"cut short", 5, publish(0x30, "abcdefgh\xE2\x82", block()), kMalformed},
    });
}

TEST(Decoder, MQTT_1_5_4_2_NullCharacterIsMalformed) {
    const std::string null("a\0b", 3);
    check({
        {"topic name", 5, publish(0x30, null, block()), kMalformed},
        {"long topic name", 4, publish(0x30, "0123456789" + null, ""), kMalformed},
        {"topic filter", 4, packet(0x82, u16(1) + s(null) + b({0})), kMalformed},
        {"content type", 5, publish(0x30, "a", block(b({0x03}) + s(null))), kMalformed},
        {"reason string of DISCONNECT", 5, packet(0xE0, b({0}) + block(b({0x1F}) + s(null))), kMalformed},
        {"payload may hold it", 5, publish(0x30, "a", block() + null), kFine},
        {"correlation data may hold it", 5, publish(0x30, "a", block(b({0x09}) + s(null))), kFine},
    });
}

TEST(Decoder, MQTT_1_5_4_3_ByteOrderMarkIsKept) {
    const Outcome outcome = run(connect_v5() + publish(0x30, "\xEF\xBB\xBFt", block()));
    EXPECT_FALSE(outcome.error);
    EXPECT_NE(outcome.log.find("topic=\xEF\xBB\xBFt"), std::string::npos);
}

TEST(Decoder, MQTT_1_5_5_1_NonMinimalAndOverlongLengthsAreMalformed) {
    check({
        {"remaining length 80 00", 5, b({0xC0, 0x80, 0x00}), kMalformed},
        {"remaining length 80 00 in 3.1.1", 4, b({0xC0, 0x80, 0x00}), kMalformed},
        {"remaining length 83 80 00", 4, b({0x30, 0x83, 0x80, 0x00}) + s("a"), kMalformed},
        {"five bytes of remaining length", 5, b({0x30, 0x80, 0x80, 0x80, 0x80, 0x01}), kMalformed},
        {"four bytes and still going, no more sent", 4, b({0x30, 0xFF, 0xFF, 0xFF, 0xFF}), kMalformed},
        {"property length 80 00", 5, publish(0x30, "a", b({0x80, 0x00})), kMalformed},
        {"property length of five bytes", 5, publish(0x30, "a", b({0x80, 0x80, 0x80, 0x80, 0x01})),
         kMalformed},
        {"subscription identifier 81 00", 5,
         packet(0x82, u16(1) + block(b({0x0B, 0x81, 0x00})) + s("a") + b({0})), kMalformed},
        {"subscription identifier of five bytes", 5,
         packet(0x82, u16(1) + block(b({0x0B, 0x80, 0x80, 0x80, 0x80, 0x01})) + s("a") + b({0})), kMalformed},
        {"property identifier A6 00", 5, publish(0x30, "a", block(b({0xA6, 0x00}) + s("n") + s("v"))),
         kMalformed},
    });
}

TEST(Decoder, MQTT_2_1_3_1_ReservedFlagsAreMalformedForEveryPacketType) {
    for (const unsigned level : {4u, 5u}) {
        for (unsigned type = 0; type < 16; ++type) {
            for (unsigned flags = 0; flags < 16; ++flags) {
                const bool two = type == 6 || type == 8 || type == 10;
                const bool reserved = type == 0 || (type == 15 && level == 4);
                bool fine = !reserved && flags == (two ? 2u : 0u);
                if (type == 3) fine = (flags & 6) != 6 && (flags & 0xE) != 8;
                const auto checked = check_first_byte(static_cast<std::uint8_t>(type * 16 + flags),
                                                      level == 5 ? Level::V5 : Level::V311);
                EXPECT_EQ(checked.has_value(), fine) << level << " " << type << " " << flags;
                if (!checked) {
                    EXPECT_EQ(checked.error().reason, kMalformed);
                }
            }
        }
    }
}

TEST(Decoder, Level3AllowsDupOnRepeatedReleaseSubscribeUnsubscribe) {
    check({
        {"PUBREL with DUP", 3, packet(0x6A, u16(7)), kFine},
        {"SUBSCRIBE with DUP", 3, packet(0x8A, u16(7) + s("a") + b({1})), kFine},
        {"UNSUBSCRIBE with DUP", 3, packet(0xAA, u16(7) + s("a")), kFine},
        {"PUBREL with DUP in 3.1.1", 4, packet(0x6A, u16(7)), kMalformed},
        {"PUBACK with DUP", 3, packet(0x48, u16(7)), kMalformed},
        {"PUBREL with retain", 3, packet(0x63, u16(7)), kMalformed},
    });
}

TEST(Decoder, E_05_RemainingLengthSmallerThanTheVariableHeader) {
    check({
        {"PUBLISH of nothing", 5, packet(0x30, ""), kMalformed},
        {"PUBLISH of one byte", 4, packet(0x30, b({0})), kMalformed},
        {"QoS 1 without packet identifier", 4, packet(0x32, s("a")), kMalformed},
        {"QoS 1 with half of one", 4, packet(0x32, s("a") + b({0})), kMalformed},
        {"PUBLISH without property length", 5, packet(0x30, s("a")), kMalformed},
        {"PUBACK of nothing", 5, packet(0x40, ""), kMalformed},
        {"PUBREC of one byte", 4, packet(0x50, b({1})), kMalformed},
        {"PUBREL of one byte", 5, packet(0x62, b({1})), kMalformed},
        {"PUBCOMP of nothing", 4, packet(0x70, ""), kMalformed},
        {"SUBSCRIBE of nothing", 5, packet(0x82, ""), kMalformed},
        {"SUBSCRIBE without property length", 5, packet(0x82, u16(1)), kMalformed},
        {"filter without options", 4, packet(0x82, u16(1) + s("a")), kMalformed},
        {"UNSUBSCRIBE of one byte", 4, packet(0xA2, b({0})), kMalformed},
        {"DISCONNECT whose property length is missing a byte", 5, packet(0xE0, b({0x00, 0x80})), kMalformed},
    });
}

TEST(Decoder, E_06_InnerLengthsBeyondThePacket) {
    check({
        {"topic", 5, packet(0x30, u16(9) + "abc"), kMalformed},
        {"topic of 65535", 4, packet(0x30, u16(65535) + "abc"), kMalformed},
        {"property block", 5, publish(0x30, "a", varint(40) + b({0x01, 0x00})), kMalformed},
        {"property's text", 5,
         publish(0x30, "a", block(b({0x03}) + u16(40) + "x") + "long payload behind it"), kMalformed},
        {"correlation data", 5, publish(0x30, "a", block(b({0x09}) + u16(2) + "x") + "payload"), kMalformed},
        {"user property's value", 5, publish(0x30, "a", block(b({0x26}) + s("n") + u16(9)) + "0123456789"),
         kMalformed},
        {"filter", 4, packet(0x82, u16(1) + u16(9) + "abc"), kMalformed},
        {"second filter", 4, packet(0xA2, u16(1) + s("a") + u16(9) + "abc"), kMalformed},
    });
}

TEST(Decoder, NothingMayStandBehindAPacketsEnd) {
    check({
        {"PUBACK 3.1.1", 4, packet(0x40, u16(1) + b({0})), kMalformed},
        {"PUBACK behind its properties", 5, packet(0x40, u16(1) + b({0}) + block() + b({0})), kMalformed},
        {"PINGREQ", 5, packet(0xC0, b({0})), kMalformed},
        {"DISCONNECT 3.1.1", 4, packet(0xE0, b({0})), kMalformed},
        {"DISCONNECT behind its properties", 5, packet(0xE0, b({0}) + block() + b({1})), kMalformed},
    });
}

TEST(Decoder, MQTT_3_3_1_4_And_3_3_1_2_QosBits) {
    check({
        {"QoS 3", 5, packet(0x36, s("a") + u16(1) + block()), kMalformed},
        {"QoS 3 in 3.1.1", 4, packet(0x36, s("a") + u16(1)), kMalformed},
        {"DUP with QoS 0", 5, packet(0x38, s("a") + block()), kMalformed},
        {"DUP with QoS 1", 5, packet(0x3A, s("a") + u16(1) + block()), kFine},
        {"retain with QoS 2", 4, packet(0x35, s("a") + u16(1)), kFine},
    });
}

TEST(Decoder, MQTT_2_2_1_3_PacketIdentifierZero) {
    check({
        {"PUBLISH QoS 1", 5, packet(0x32, s("a") + u16(0) + block()), kProtocol},
        {"PUBLISH QoS 2 in 3.1.1", 4, packet(0x34, s("a") + u16(0)), kProtocol},
        {"SUBSCRIBE", 5, packet(0x82, u16(0) + block() + s("a") + b({0})), kProtocol},
        {"UNSUBSCRIBE", 4, packet(0xA2, u16(0) + s("a")), kProtocol},
        {"PUBACK", 5, packet(0x40, u16(0)), kProtocol},
        {"PUBREC", 4, packet(0x50, u16(0)), kProtocol},
        {"PUBREL", 5, packet(0x62, u16(0)), kProtocol},
        {"PUBCOMP", 4, packet(0x70, u16(0)), kProtocol},
    });
}

TEST(Decoder, MQTT_3_3_2_1_And_3_3_2_2_TopicNames) {
    check({
        {"empty", 5, publish(0x30, "", block()), kProtocol},
        {"empty in 3.1.1", 4, publish(0x30, "", ""), kProtocol},
        {"plus", 5, publish(0x30, "a/+", block()), Reason::TopicNameInvalid},
        {"hash far in", 5, publish(0x30, "0123456789abcdef/#", block()), Reason::TopicNameInvalid},
        {"plus in the first eight", 4, publish(0x30, "abc+efgh", ""), Reason::TopicNameInvalid},
        {"hash behind other scripts", 5, publish(0x30, "\xC3\xA4/#", block()), Reason::TopicNameInvalid},
        {"spaces, empty levels, dollar", 5, publish(0x30, "$x// y", block()), kFine},
    });
}

TEST(Decoder, AcknowledgementsCarryTheirOwnReasonCodesOnly) {
    for (unsigned type : {4u, 5u, 6u, 7u}) {
        for (unsigned code = 0; code < 256; ++code) {
            const bool first =
                type <= 5 && (code == 0 || code == 0x10 || code == 0x80 || code == 0x83 || code == 0x87 ||
                              code == 0x90 || code == 0x91 || code == 0x97 || code == 0x99);
            const bool second = type > 5 && (code == 0 || code == 0x92);
            Ack ack;
            const std::string body = u16(1) + b({code});
            const auto checked = decode_ack(static_cast<PacketType>(type), bytes_of(body), Rules{}, ack);
            EXPECT_EQ(checked.has_value(), first || second) << type << " " << code;
            if (!checked) {
                EXPECT_EQ(checked.error().reason, kProtocol);
            }
        }
    }
}

TEST(Decoder, MQTT_3_8_3_SubscribePayload) {
    const auto subscribe = [](unsigned level, const std::string& payload) {
        return packet(0x82, u16(1) + (level == 5 ? block() : "") + payload);
    };
    check({
        {"no filter", 5, subscribe(5, ""), kProtocol},
        {"no filter in 3.1.1", 4, subscribe(4, ""), kProtocol},
        {"empty filter", 5, subscribe(5, s("") + b({0})), kMalformed},
        {"reserved option 0x40", 5, subscribe(5, s("a") + b({0x40})), kMalformed},
        {"reserved option 0x80", 5, subscribe(5, s("a") + b({0x80})), kMalformed},
        {"no-local in 3.1.1", 4, subscribe(4, s("a") + b({0x04})), kMalformed},
        {"QoS 3", 5, subscribe(5, s("a") + b({0x03})), kProtocol},
        {"QoS 3 in 3.1.1", 4, subscribe(4, s("a") + b({0x03})), kMalformed},
        {"retain handling 3", 5, subscribe(5, s("a") + b({0x30})), kProtocol},
        {"no-local on a shared subscription", 5, subscribe(5, s("$share/g/a") + b({0x04})), kProtocol},
        {"all options", 5, subscribe(5, s("a") + b({0x2E})), kFine},
        {"malformed second filter", 5, subscribe(5, s("a") + b({0}) + s("b") + b({0xFF})), kMalformed},
        {"UNSUBSCRIBE without filter", 5, packet(0xA2, u16(1) + block()), kProtocol},
        {"UNSUBSCRIBE with an empty filter", 4, packet(0xA2, u16(1) + s("")), kMalformed},
    });
}

TEST(Decoder, SubscribeOptionsAreReadPerFilter) {
    const auto outcome = run(connect_v5() + packet(0x82, u16(9) + block(b({0x0B}) + varint(268'435'455)) +
                                                             s("a/+") + b({0x2E}) + s("b/#") + b({0x01})));
    EXPECT_FALSE(outcome.error);
    EXPECT_NE(outcome.log.find("SUBSCRIBE id=9 subscription=268435455\n"
                               "  filter=a/+ qos=2 no_local=1 as_published=1 handling=2\n"
                               "  filter=b/# qos=1 no_local=0 as_published=0 handling=0\n"),
              std::string::npos)
        << outcome.log;
}

TEST(Decoder, DisconnectReasonsOfAClient) {
    for (unsigned code = 0; code < 256; ++code) {
        const bool fine = code == 0 || code == 4 || (code >= 0x80 && code <= 0x83) || code == 0x90 ||
                          (code >= 0x93 && code <= 0x99);
        Disconnect packet_out;
        const std::string body = b({code});
        EXPECT_EQ(decode_disconnect(bytes_of(body), Rules{}, packet_out).has_value(), fine) << code;
    }
}

TEST(Decoder, E_13_UserPropertiesAreCapped) {
    std::string eight;
    for (int i = 0; i < 8; ++i)
        eight += b({0x26}) + s("n") + s("v");
    const std::string nine = eight + b({0x26}) + s("n") + s("v");
    check({
        {"eight in PUBLISH", 5, publish(0x30, "a", block(eight)), kFine},
        {"nine in PUBLISH", 5, publish(0x30, "a", block(nine)), Reason::QuotaExceeded},
        {"nine in SUBSCRIBE", 5, packet(0x82, u16(1) + block(nine) + s("a") + b({0})), Reason::QuotaExceeded},
        {"nine in DISCONNECT", 5, packet(0xE0, b({0}) + block(nine)), Reason::QuotaExceeded},
        {"nine in PUBACK", 5, packet(0x40, u16(1) + b({0}) + block(nine)), Reason::QuotaExceeded},
    });
    EXPECT_EQ(run(connect_v5(nine)).error, Reason::QuotaExceeded);
}

TEST(Decoder, MQTT_3_1_2_24_TooLargeIsSaidBeforeTheBodyArrives) {
    const auto outcome = run(connect_v5() + b({0x30, 0xFF, 0xFF, 0xFF, 0x7F}));
    EXPECT_EQ(outcome.error, Reason::PacketTooLarge);
    EXPECT_EQ(outcome.answer, Connection::ErrorAnswer::Disconnect);
    const auto whole = [](std::size_t body) {
        return b({0x30}) + varint(body) + s("a") + block() + std::string(body - 4, 'x');
    };
    EXPECT_FALSE(run(connect_v5() + whole(2048 - 3)).error) << "exactly the limit passes";
    EXPECT_EQ(run(connect_v5() + whole(2048 - 2)).error, Reason::PacketTooLarge) << "one byte more does not";
}

TEST(Decoder, ForwardPropertiesLeaveOutWhatEndsHere) {
    const std::string kept = b({0x01, 0x01}) + b({0x03}) + s("text") + b({0x26}) + s("a") + s("1");
    const std::string more = b({0x08}) + s("answer") + b({0x09}) + s("id") + b({0x26}) + s("a") + s("2");
    const std::string wire =
        connect_v5() + publish(0x30, "t", block(kept + b({0x23}) + u16(1) + b({0x02}) + u32(9) + more));
    const auto outcome = run(wire);
    EXPECT_FALSE(outcome.error);
    EXPECT_NE(outcome.log.find("expiry=9"), std::string::npos);
    EXPECT_TRUE(outcome.log.ends_with(" forward=" + kept + more + "\n"));
    EXPECT_TRUE(run(connect_v5() + publish(0x30, "t", block(kept + more)))
                    .log.ends_with(" forward=" + kept + more + "\n"));
}

}  // namespace
}  // namespace latchkey::mqtt
