// The order of packets, CONNECT in all versions, aliases, authentication exchange, stopping and cutting.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/connection.h"

#include <gtest/gtest.h>

#include "support/mqtt_build.h"
#include "support/mqtt_recorder.h"

namespace latchkey::mqtt {
namespace {

using namespace probe;
using Answer = Connection::ErrorAnswer;

constexpr Limits kLimits{
    .max_packet_bytes = 4096, .max_connect_bytes = 1024, .topic_alias_maximum = 4, .max_user_properties = 8};
const std::string kPing = b({0xC0, 0x00});

struct Fed {
    explicit Fed(const std::string& wire, const Limits& limits = kLimits)
        : connection(limits), recorder(connection) {
        send(wire);
    }
    void send(const std::string& wire) { consumed = connection.on_bytes(bytes_of(wire), recorder); }
    Connection connection;
    Recorder recorder;
    Consumed consumed;
};

void expect_error(const Fed& run, Reason reason, Answer answer, std::size_t events = 1) {
    EXPECT_EQ(run.recorder.error, reason);
    EXPECT_EQ(run.recorder.answer, answer);
    EXPECT_EQ(run.recorder.events, events) << run.recorder.log;
    EXPECT_EQ(run.consumed.state, Consumed::State::Closed);
    EXPECT_EQ(run.connection.state(), Connection::State::Closed);
}

TEST(Connection, IsSmall) {
    EXPECT_LE(sizeof(Connection), 48u);
}

TEST(Connection, E_07_OnlyConnectMayBeFirst) {
    for (unsigned type = 0; type < 16; ++type) {
        if (type == 1) continue;
        const unsigned flags = type == 6 || type == 8 || type == 10 ? 2 : 0;
        SCOPED_TRACE(type);
        Fed one_byte(b({type * 16 + flags}));
        expect_error(one_byte, type == 0 ? Reason::MalformedPacket : Reason::ProtocolError, Answer::None);
        one_byte.send(connect_v5());
        EXPECT_EQ(one_byte.recorder.events, 1u) << "nothing is parsed behind an error";
        EXPECT_EQ(one_byte.consumed.bytes, 0u);
    }
    Fed puback(b({0x40, 0x02, 0x00, 0x01}));
    expect_error(puback, Reason::ProtocolError, Answer::None);
}

TEST(Connection, ForeignProtocolsAreNamed) {
    EXPECT_EQ(Fed(b({0x16, 0x03, 0x01, 0x02, 0x00})).recorder.error_detail, "TLS on a plain listener");
    EXPECT_EQ(Fed("GET /mqtt HTTP/1.1\r\n").recorder.error_detail, "HTTP on an MQTT listener");
    EXPECT_EQ(Fed("POST / HTTP/1.1\r\n").recorder.error_detail, "HTTP on an MQTT listener");
    EXPECT_EQ(Fed("PROXY TCP4 127.0.0.1").recorder.error_detail, "PROXY protocol where none is expected");
}

TEST(Connection, E_08_PacketsOfAServerAreRefused) {
    for (unsigned type : {2u, 9u, 11u, 13u}) {
        for (unsigned level : {4u, 5u}) {
            Fed run(connect_level(level) + b({type * 16}));
            expect_error(run, Reason::ProtocolError, level == 5 ? Answer::Disconnect : Answer::None, 2);
        }
    }
}

TEST(Connection, E_09_MQTT_3_1_0_2_SecondConnect) {
    expect_error(Fed(connect_v5() + connect_v5()), Reason::ProtocolError, Answer::Disconnect, 2);
    expect_error(Fed(connect_level(4) + connect_level(4)), Reason::ProtocolError, Answer::None, 2);
}

TEST(Connection, E_11_ConnectVariants) {
    struct Row {
        const char* claim;
        ConnectBytes connect;
        std::optional<Reason> expected;
        Answer answer = Answer::None;
        Level level = Level::V5;
    };
    const auto kVersion = Reason::UnsupportedProtocolVersion;
    const auto kMalformed = Reason::MalformedPacket;
    const auto kId = Reason::ClientIdentifierNotValid;
    const auto none = std::nullopt;
    const auto connack = Answer::Connack;
    const std::string will5 = s("c") + block() + s("w") + s("p");
    const std::vector<Row> rows = {
        {"5.0", {}, none},
        {"3.1.1", {.level = 4}, none, Answer::None, Level::V311},
        {"3.1", {.name = "MQIsdp", .level = 3}, none, Answer::None, Level::V31},
        {"unknown name", {.name = "MQTX"}, kVersion},
        {"lower case", {.name = "mqtt"}, kVersion},
        {"empty name", {.name = ""}, kVersion},
        {"level 6", {.level = 6, .payload = block() + s("c")}, kVersion, connack, Level::V5},
        {"level 3 under the new name", {.level = 3}, kVersion, connack, Level::V311},
        {"level 4 under the old name", {.name = "MQIsdp", .level = 4}, kVersion, connack, Level::V31},
        {"level 0", {.level = 0}, kVersion, connack, Level::V311},
        {"a bridge's level", {.level = 0x84}, kVersion, connack, Level::V311},
        {"reserved flag", {.flags = 0x03}, kMalformed, connack},
        {"reserved flag in 3.1.1", {.level = 4, .flags = 0x03}, kMalformed, Answer::None, Level::V311},
        {"will QoS without will", {.flags = 0x0A}, kMalformed, connack},
        {"will retain without will", {.flags = 0x22}, kMalformed, connack},
        {"will QoS 3", {.flags = 0x1E, .payload = will5}, kMalformed, connack},
        {"will", {.flags = 0x2E, .payload = will5}, none},
        {"will topic empty",
         {.flags = 0x06, .payload = s("c") + block() + s("") + s("p")},
         Reason::TopicNameInvalid,
         connack},
        {"will topic with wildcard",
         {.flags = 0x06, .payload = s("c") + block() + s("a/#") + s("p")},
         Reason::TopicNameInvalid,
         connack},
        {"will topic with U+0000",
         {.flags = 0x06, .payload = s("c") + block() + s(std::string("a\0", 2)) + s("p")},
         kMalformed,
         connack},
        {"will payload missing", {.flags = 0x06, .payload = s("c") + block() + s("w")}, kMalformed, connack},
        {"will property of CONNECT",
         {.flags = 0x06, .payload = s("c") + block(b({0x21}) + u16(1)) + s("w") + s("p")},
         kMalformed,
         connack},
        {"will property twice",
         {.flags = 0x06, .payload = s("c") + block(b({1, 0, 1, 0})) + s("w") + s("p")},
         Reason::ProtocolError,
         connack},
        {"password alone in 5.0", {.flags = 0x42, .payload = s("c") + s("p")}, none},
        {"password alone in 3.1.1",
         {.level = 4, .flags = 0x42, .payload = s("c") + s("p")},
         kMalformed,
         Answer::None,
         Level::V311},
        {"user and password", {.flags = 0xC2, .payload = s("c") + s("u") + s("\xFF")}, none},
        {"user name not UTF-8", {.flags = 0x82, .payload = s("c") + s("\xFF")}, kMalformed, connack},
        {"promised user name missing", {.flags = 0x82}, kMalformed, connack},
        {"promised user name missing in 3.1",
         {.name = "MQIsdp", .level = 3, .flags = 0xC2},
         none,
         Answer::None,
         Level::V31},
        {"client id with a surrogate", {.payload = s("\xED\xA0\x80")}, kMalformed, connack},
        {"client id beyond the packet", {.payload = u16(20) + "abc"}, kMalformed, connack},
        {"no client id in 5.0", {.flags = 0, .payload = s("")}, none},
        {"no client id, clean, 3.1.1", {.level = 4, .payload = s("")}, none, Answer::None, Level::V311},
        {"no client id, kept, 3.1.1", {.level = 4, .flags = 0, .payload = s("")}, kId, connack, Level::V311},
        {"no client id in 3.1", {.name = "MQIsdp", .level = 3, .payload = s("")}, kId, connack, Level::V31},
        {"bytes behind the end", {.payload = s("c") + "x"}, kMalformed, connack},
        {"bytes behind the end in 3.1",
         {.name = "MQIsdp", .level = 3, .payload = s("c") + "x"},
         kMalformed,
         Answer::None,
         Level::V31},
        {"authentication data without method",
         {.properties = b({0x16}) + s("d")},
         Reason::ProtocolError,
         connack},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.claim);
        Fed run(row.connect.str());
        EXPECT_EQ(run.recorder.error, row.expected);
        EXPECT_EQ(run.recorder.answer, row.answer);
        EXPECT_EQ(run.recorder.events, 1u);
        if (!row.expected || row.answer != Answer::None) {
            EXPECT_EQ(run.connection.level(), row.level);
        }
    }
}

TEST(Connection, E_05_ConnectCutShortAtEveryByteIsMalformed) {
    ConnectBytes full;
    full.flags = 0xEE;
    full.properties = b({0x11}) + u32(5) + b({0x26}) + s("n") + s("v");
    full.payload =
        s("client") + block(b({0x18}) + u32(1)) + s("will") + s("payload") + s("user") + s("password");
    const std::string whole = full.str();
    ASSERT_FALSE(Fed(whole).recorder.error);
    const std::string body = whole.substr(2);
    for (std::size_t size = 0; size < body.size(); ++size) {
        Fed run(packet(0x10, body.substr(0, size)));
        EXPECT_EQ(run.recorder.error, Reason::MalformedPacket) << size;
    }
}

TEST(Connection, ConnectFieldsOf311MeanWhatTheirAbsenceMeans) {
    ConnectBytes kept;
    kept.level = 4;
    kept.flags = 0;
    EXPECT_NE(Fed(kept.str()).recorder.log.find("expiry=4294967295"), std::string::npos);
    EXPECT_NE(Fed(connect_level(4)).recorder.log.find("expiry=0 "), std::string::npos);
}

TEST(Connection, E_03_BeforeConnectTheSmallerLimitHolds) {
    expect_error(Fed(b({0x10, 0xFF, 0xFF, 0xFF, 0x7F})), Reason::PacketTooLarge, Answer::None);
    ConnectBytes large;
    large.flags = 0x42;
    large.payload = s("c") + s(std::string(1024, 'p'));
    expect_error(Fed(large.str()), Reason::PacketTooLarge, Answer::None);
    Fed run(connect_v5());
    run.send(packet(0x30, s("t") + block() + std::string(2000, 'x')));
    EXPECT_FALSE(run.recorder.error);
}

TEST(Connection, TheAnswerToConnectIsAwaited) {
    class Pending final : public Handler {
      public:
        Flow on_connect(const Connect&) override { return Flow::Stop; }
        Flow on_publish(const Publish&) override { return fail(); }
        Flow on_ack(const Ack&) override { return fail(); }
        Flow on_subscribe(const Subscribe&) override { return fail(); }
        Flow on_unsubscribe(const Unsubscribe&) override { return fail(); }
        Flow on_pingreq() override {
            ++pings;
            return Flow::Stop;
        }
        Flow on_disconnect(const Disconnect&) override { return fail(); }
        Flow on_auth(const Auth&) override { return fail(); }
        void on_protocol_error(Reason, std::string_view) override { fail(); }
        int pings = 0;
        int failures = 0;

      private:
        Flow fail() {
            ++failures;
            return Flow::Stop;
        }
    } handler;
    Connection connection(kLimits);
    const std::string wire = connect_v5() + kPing + kPing;
    const Consumed first = connection.on_bytes(bytes_of(wire), handler);
    EXPECT_EQ(first.state, Consumed::State::Stopped);
    EXPECT_EQ(first.bytes, connect_v5().size());
    EXPECT_EQ(connection.on_bytes(bytes_of(kPing), handler).state, Consumed::State::Waiting);
    EXPECT_EQ(connection.on_bytes(bytes_of(kPing), handler).bytes, 0u);
    Connection moved(std::move(connection));  // to its home shard
    moved.accepted();
    const Consumed second = moved.on_bytes(bytes_of(kPing + kPing), handler);
    EXPECT_EQ(second.state, Consumed::State::Stopped);
    EXPECT_EQ(second.bytes, 2u);
    EXPECT_EQ(handler.pings, 1);
    EXPECT_EQ(handler.failures, 0);
}

TEST(Connection, TellsHowManyBytesAPacketNeeds) {
    Fed run(b({0x10}));
    EXPECT_EQ(run.consumed.need, 2u);
    run.send(b({0x10, 0x80}));
    EXPECT_EQ(run.consumed.need, 3u);
    run.send(connect_v5().substr(0, 5));
    EXPECT_EQ(run.consumed.need, connect_v5().size());
    EXPECT_EQ(run.consumed.bytes, 0u);
    run.send(connect_v5() + b({0x30, 0xE8, 0x07, 0x00}));
    EXPECT_EQ(run.consumed.bytes, connect_v5().size());
    EXPECT_EQ(run.consumed.need, 1003u);
    run.send("");
    EXPECT_EQ(run.consumed.need, 0u);
}

std::string aliased(unsigned alias, const std::string& topic) {
    return packet(0x30, s(topic) + block(b({0x23}) + u16(alias)) + "x");
}

TEST(Connection, MQTT_3_3_2_12_AliasesAreSetUsedAndReset) {
    Fed run(connect_v5() + aliased(1, "one") + aliased(4, "four") + aliased(1, "") + aliased(1, "uno") +
            aliased(1, "") + aliased(4, ""));
    EXPECT_FALSE(run.recorder.error);
    std::string topics;
    for (std::size_t at = 0; (at = run.recorder.log.find("topic=", at)) != std::string::npos; ++at) {
        topics += run.recorder.log.substr(at + 6, run.recorder.log.find(' ', at) - at - 6) + ",";
    }
    EXPECT_EQ(topics, "one,four,one,uno,uno,four,");
    Connection moved(std::move(run.connection));
    Recorder recorder(moved);
    moved.on_bytes(bytes_of(aliased(4, "")), recorder);
    EXPECT_NE(recorder.log.find("topic=four"), std::string::npos) << "the table moves with the connection";
}

TEST(Connection, MQTT_3_3_2_8_And_9_BadAliases) {
    expect_error(Fed(connect_v5() + aliased(0, "t")), Reason::TopicAliasInvalid, Answer::Disconnect, 2);
    expect_error(Fed(connect_v5() + aliased(5, "t")), Reason::TopicAliasInvalid, Answer::Disconnect, 2);
    expect_error(Fed(connect_v5() + aliased(65535, "t")), Reason::TopicAliasInvalid, Answer::Disconnect, 2);
    expect_error(Fed(connect_v5() + aliased(1, "")), Reason::ProtocolError, Answer::Disconnect, 2);
    expect_error(Fed(connect_v5() + aliased(2, "t") + aliased(1, "")), Reason::ProtocolError,
                 Answer::Disconnect, 3);
    Limits none = kLimits;
    none.topic_alias_maximum = 0;
    expect_error(Fed(connect_v5() + aliased(1, "t"), none), Reason::TopicAliasInvalid, Answer::Disconnect, 2);
}

TEST(Connection, MQTT_3_3_4_6_SubscriptionIdentifierFromAClient) {
    expect_error(Fed(connect_v5() + packet(0x30, s("t") + block(b({0x0B, 1})))), Reason::ProtocolError,
                 Answer::Disconnect, 2);
}

TEST(Connection, OutboundAliasesRespectBothSides) {
    Fed run(connect_v5(b({0x22}) + u16(2)));
    Connection& c = run.connection;
    EXPECT_EQ(c.outbound_alias("a", 0).alias, 0);
    EXPECT_EQ(c.heap_bytes(), 0u) << "no table before the first alias";
    OutboundAlias a = c.outbound_alias("a", 10);
    EXPECT_EQ(a.alias, 1);
    EXPECT_FALSE(a.known);
    a = c.outbound_alias("a", 10);
    EXPECT_EQ(a.alias, 1);
    EXPECT_TRUE(a.known);
    EXPECT_EQ(c.outbound_alias("b", 1).alias, 0) << "our own cap";
    EXPECT_EQ(c.outbound_alias("b", 10).alias, 2);
    EXPECT_EQ(c.outbound_alias("c", 10).alias, 0) << "the peer's maximum";
    c.forget_outbound_alias(1);
    const OutboundAlias again = c.outbound_alias("c", 10);
    EXPECT_EQ(again.alias, 1);
    EXPECT_FALSE(again.known);
    Fed plain(connect_v5());
    EXPECT_EQ(plain.connection.outbound_alias("a", 10).alias, 0) << "not announced, not used";
    Fed wide(connect_v5(b({0x22}) + u16(65'535)));
    const std::size_t before = wide.connection.heap_bytes();
    EXPECT_EQ(wide.connection.outbound_alias(std::string(65'535, 't'), 32).alias, 0)
        << "long topics are not kept";
    EXPECT_EQ(wide.connection.heap_bytes(), before);
    EXPECT_EQ(wide.connection.outbound_alias(std::string(1024, 't'), 32).alias, 1);
}

std::string auth(unsigned reason, const std::string& method, const std::string& data = "d") {
    return packet(0xF0, b({reason}) + block(b({0x15}) + s(method) + b({0x16}) + s(data)));
}

TEST(Connection, MQTT_4_12_AuthenticationExchange) {
    const std::string connect = connect_v5(b({0x15}) + s("m") + b({0x16}) + s("hello"));
    Fed good(connect + auth(0x18, "m") + kPing + auth(0x19, "m") + kPing + auth(0x18, "m") + auth(0x19, "m"));
    EXPECT_FALSE(good.recorder.error) << good.recorder.log;
    EXPECT_EQ(good.recorder.events, 7u);

    struct Row {
        const char* claim;
        std::string wire;
        std::size_t events;
        Answer answer;
    };
    const std::vector<Row> rows = {
        {"AUTH without a method in CONNECT", connect_v5() + auth(0x19, "m"), 2, Answer::Disconnect},
        {"another method", connect + auth(0x18, "x"), 2, Answer::Connack},
        {"re-authentication before the first has ended", connect + auth(0x19, "m"), 2, Answer::Connack},
        {"packet during authentication [MQTT-3.1.2-30]", connect + kPing, 2, Answer::Connack},
        {"continue while nothing is under way", connect + auth(0x18, "m") + auth(0x18, "m"), 3,
         Answer::Disconnect},
        {"re-authentication twice", connect + auth(0x18, "m") + auth(0x19, "m") + auth(0x19, "m"), 4,
         Answer::Disconnect},
        {"success is the server's word", connect + auth(0x00, "m"), 2, Answer::Connack},
        {"no method", connect + packet(0xF0, b({0x18}) + block(b({0x16}) + s("d"))), 2, Answer::Connack},
        {"nothing at all", connect + packet(0xF0, ""), 2, Answer::Connack},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.claim);
        expect_error(Fed(row.wire), Reason::ProtocolError, row.answer, row.events);
    }
    expect_error(Fed(connect_level(4) + auth(0x19, "m")), Reason::MalformedPacket, Answer::None, 2);
    Fed leaving(connect + packet(0xE0, ""));
    EXPECT_FALSE(leaving.recorder.error) << "DISCONNECT may come during authentication";
}

TEST(Connection, MQTT_3_14_4_1_NothingIsParsedBehindDisconnect) {
    for (unsigned level : {3u, 4u, 5u}) {
        Fed run(connect_level(level) + packet(0xE0, "") + kPing);
        EXPECT_FALSE(run.recorder.error);
        EXPECT_EQ(run.recorder.events, 2u);
        EXPECT_EQ(run.consumed.state, Consumed::State::Closed);
        EXPECT_EQ(run.consumed.bytes, connect_level(level).size() + 2);
    }
}

TEST(Connection, SessionExpiryCannotBeRaisedFromZero) {
    const std::string raise = packet(0xE0, b({0}) + block(b({0x11}) + u32(9)));
    const std::string keep = packet(0xE0, b({0}) + block(b({0x11}) + u32(0)));
    expect_error(Fed(connect_v5() + raise), Reason::ProtocolError, Answer::Disconnect, 2);
    EXPECT_FALSE(Fed(connect_v5() + keep).recorder.error);
    EXPECT_FALSE(Fed(connect_v5(b({0x11}) + u32(1)) + raise).recorder.error);
}

TEST(Connection, ErrorAnswersIn3xAreReturnCodesOrSilence) {
    ConnectBytes old;
    old.level = 4;
    old.flags = 0;
    old.payload = s("");
    Fed run(old.str());
    EXPECT_EQ(run.recorder.answer, Answer::Connack);
    EXPECT_EQ(run.connection.error_answer(Reason::MalformedPacket), Answer::None);
    EXPECT_EQ(run.connection.error_answer(Reason::NotAuthorized), Answer::Connack);
}

TEST(Connection, HowTheBytesAreCutMakesNoDifference) {
    ConnectBytes full;
    full.flags = 0xEE;
    full.properties = b({0x15}) + s("m") + b({0x21}) + u16(3);
    full.payload = s("client") + block(b({0x18}) + u32(1)) + s("will") + s("p") + s("user") + s("password");
    const std::string wires[] = {
        full.str() + auth(0x18, "m") + aliased(1, "one") + aliased(1, "") + packet(0x62, u16(5)) + kPing +
            packet(0x82, u16(1) + block() + s("a") + b({0})) +
            packet(0x30, s("t") + block() + std::string(300, 'x')) + packet(0xE0, ""),
        connect_level(4) + packet(0x34, s("t") + u16(3) + "x") + packet(0xA2, u16(1) + s("a")) + kPing,
        connect_v5() + kPing + b({0x90, 0x80, 0x00}) + kPing,
        connect_v5() + kPing + packet(0x30, "") + kPing,
    };
    for (const std::string& wire : wires) {
        const std::string whole = run_server(bytes_of(wire), kLimits, wire.size());
        EXPECT_GT(whole.size(), 40u);
        for (std::size_t chunk = 1; chunk < wire.size(); ++chunk) {
            ASSERT_EQ(run_server(bytes_of(wire), kLimits, chunk), whole) << chunk;
            ASSERT_EQ(run_server(bytes_of(wire), kLimits, chunk, Flow::Stop), whole) << chunk;
        }
    }
}

}  // namespace
}  // namespace latchkey::mqtt
