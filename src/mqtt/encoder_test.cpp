// What we encode is what the standard's bytes are, what our decoder reads back, and what the receiver allows.
// SPDX-License-Identifier: Apache-2.0
#include "mqtt/encoder.h"

#include <gtest/gtest.h>

#include "mqtt/client_connection.h"
#include "mqtt/client_encoder.h"
#include "mqtt/decoder.h"
#include "support/mqtt_build.h"
#include "support/mqtt_recorder.h"

namespace latchkey::mqtt {
namespace {

using namespace probe;

constexpr Peer kV5{};
constexpr Peer kV311{.level = Level::V311};
constexpr Peer kV31{.level = Level::V31};
constexpr Limits kWide{.max_packet_bytes = 300'000'000,
                       .max_connect_bytes = 100'000,
                       .topic_alias_maximum = 100,
                       .max_user_properties = 100};

std::string text(const Buffer& buffer) {
    return std::string(text_of(buffer.bytes()));
}

/// Runs `encode` on a fresh buffer; what it returns must be what it appended.
template <class Encode>
std::string bytes(Encode&& encode) {
    Buffer buffer;
    buffer.append("before");
    const std::size_t size = encode(buffer);
    EXPECT_EQ(buffer.size(), size + 6);
    return text(buffer).substr(6);
}

std::string client_sees(Level level, const std::string& wire) {
    ClientConnection client(level, kWide);
    ClientRecorder recorder;
    const std::string connack = level == Level::V5 ? b({0x20, 3, 0, 0, 0}) : b({0x20, 2, 0, 0});
    const std::string all = wire.starts_with(b({0x20})) ? wire : connack + wire;
    feed(client, recorder, bytes_of(all), kWide.max_packet_bytes, [&] { return all.size(); });
    EXPECT_FALSE(recorder.error) << recorder.log;
    return all == wire ? recorder.log : recorder.log.substr(recorder.log.find('\n') + 1);
}

std::string server_sees(const std::string& wire) {
    const std::string log = run_server(bytes_of(wire), kWide, wire.size());
    EXPECT_EQ(log.find("ERROR"), std::string::npos) << log;
    return log;
}

TEST(Encoder, PublishIsTheStandardsBytes) {
    const std::uint32_t ids[] = {1, 300};
    const std::string forward = b({0x01, 1, 0x26}) + s("n") + s("v");
    const PublishOut out{.topic = "a/b",
                         .payload = bytes_of("xyz"),
                         .forward = bytes_of(forward),
                         .subscription_ids = ids,
                         .expiry_s = 7,
                         .packet_id = 0x1234,
                         .qos = 2,
                         .retain = true,
                         .dup = true,
                         .alias = {}};
    const std::string props = b({0x02}) + u32(7) + b({0x0B, 1, 0x0B, 0xAC, 0x02}) + forward;
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_publish(to, kV5, out); }),
              packet(0x3D, s("a/b") + u16(0x1234) + block(props) + "xyz"));
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_publish(to, kV311, out); }),
              packet(0x3D, s("a/b") + u16(0x1234) + "xyz"))
        << "3.1.1 has no properties";
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_publish_head(to, kV5, out); }) + "xyz",
              bytes([&](Buffer& to) { return encode_publish(to, kV5, out); }));
}

TEST(Encoder, QosZeroHasNeitherDupNorIdentifier) {
    const PublishOut out{.topic = "t",
                         .payload = {},
                         .forward = {},
                         .subscription_ids = {},
                         .expiry_s = {},
                         .packet_id = 9,
                         .qos = 0,
                         .retain = false,
                         .dup = true,
                         .alias = {}};
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_publish(to, kV5, out); }),
              packet(0x30, s("t") + block()));
}

TEST(Encoder, AliasesReplaceTheTopicOnceKnown) {
    PublishOut out;
    out.topic = "long/topic";
    out.alias = {3, false};
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_publish(to, kV5, out); }),
              packet(0x30, s("long/topic") + block(b({0x23, 0, 3}))));
    out.alias = {3, true};
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_publish(to, kV5, out); }),
              packet(0x30, s("") + block(b({0x23, 0, 3}))));
}

TEST(Encoder, MQTT_3_1_2_24_NothingAboveTheReceiversMaximum) {
    const std::string payload(100, 'x');
    PublishOut out;
    out.topic = "t";
    out.payload = bytes_of(payload);
    Peer peer;
    peer.max_packet_bytes = static_cast<std::uint32_t>(publish_size(peer, out));
    Buffer buffer;
    EXPECT_EQ(encode_publish(buffer, peer, out), peer.max_packet_bytes);
    --peer.max_packet_bytes;
    buffer.clear();
    EXPECT_EQ(encode_publish(buffer, peer, out), 0u);
    EXPECT_EQ(encode_publish_head(buffer, peer, out), 0u);
    EXPECT_TRUE(buffer.empty());
}

TEST(Encoder, PublishSizesAreExactAtEveryLengthByte) {
    for (const std::size_t payload_size :
         {0u, 120u, 121u, 122u, 124u, 16'378u, 16'379u, 16'380u, 2'097'147u, 2'097'148u}) {
        const std::string payload(payload_size, 'x');
        PublishOut out;
        out.topic = "t";
        out.payload = bytes_of(payload);
        const std::string wire = bytes([&](Buffer& to) { return encode_publish(to, kV5, out); });
        EXPECT_EQ(wire.size(), publish_size(kV5, out));
        EXPECT_EQ(wire, packet(0x30, s("t") + block() + payload));
    }
}

TEST(Encoder, PublishLargerThanMqttAllowsIsNotEncoded) {
    // Never read: only its size counts.
    const Bytes huge(reinterpret_cast<const std::byte*>(&kV5), kMaxRemainingLength);
    PublishOut out;
    out.topic = "t";
    out.payload = huge;
    Buffer buffer;
    EXPECT_EQ(encode_publish_head(buffer, kV5, out), 0u);
    EXPECT_EQ(encode_publish(buffer, kV5, out), 0u);
    const std::string topic(65'536, 't');
    out.payload = {};
    out.topic = topic;
    EXPECT_EQ(encode_publish(buffer, kV5, out), 0u);
}

ConnackOut full_connack() {
    static const UserProperty kUser[] = {{"n", "1"}, {"n", "2"}};
    ConnackOut out;
    out.session_present = true;
    out.session_expiry_s = 1;
    out.receive_maximum = std::uint16_t{2};
    out.maximum_qos = std::uint8_t{1};
    out.retain_available = false;
    out.maximum_packet_size = 3;
    out.assigned_client_id = "id";
    out.topic_alias_maximum = 4;
    out.reason_string = "why";
    out.user = kUser;
    out.wildcard_available = false;
    out.subscription_ids_available = false;
    out.shared_available = false;
    out.server_keep_alive_s = std::uint16_t{5};
    out.response_information = "ri";
    out.server_reference = "ref";
    out.auth_method = "m";
    out.auth_data = bytes_of("d");
    return out;
}

TEST(Encoder, ConnackSaysEverything) {
    const std::string wire = bytes([](Buffer& to) { return encode_connack(to, kV5, full_connack()); });
    EXPECT_EQ(
        client_sees(Level::V5, wire),
        "CONNACK present=1 reason=0 code=0 expiry=1 receive=2 qos=1 retain=0 size=3 id=id alias=4 text=why "
        "wildcard=0 ids=0 shared=0 keep_alive=5 response=ri server=ref method=m data=d n=1 n=2\n");
    EXPECT_EQ(bytes([](Buffer& to) { return encode_connack(to, kV5, {}); }), b({0x20, 3, 0, 0, 0}));
}

TEST(Encoder, MQTT_3_2_2_6_NoSessionPresentWithAnError) {
    ConnackOut out;
    out.session_present = true;
    out.reason = Reason::NotAuthorized;
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_connack(to, kV5, out); }), b({0x20, 3, 0, 0x87, 0}));
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_connack(to, kV311, out); }), b({0x20, 2, 0, 5}));
}

TEST(Encoder, Connack3xReturnCodes) {
    const std::pair<Reason, unsigned> rows[] = {{Reason::Success, 0},
                                                {Reason::UnsupportedProtocolVersion, 1},
                                                {Reason::ClientIdentifierNotValid, 2},
                                                {Reason::ServerUnavailable, 3},
                                                {Reason::ServerBusy, 3},
                                                {Reason::QuotaExceeded, 3},
                                                {Reason::BadUserNameOrPassword, 4},
                                                {Reason::NotAuthorized, 5},
                                                {Reason::Banned, 5}};
    for (const auto& [reason, code] : rows) {
        ConnackOut out;
        out.reason = reason;
        EXPECT_EQ(bytes([&](Buffer& to) { return encode_connack(to, kV311, out); }), b({0x20, 2, 0, code}));
    }
    ConnackOut malformed;
    malformed.reason = Reason::MalformedPacket;
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_connack(to, kV311, malformed); }), "");
    ConnackOut present;
    present.session_present = true;
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_connack(to, kV311, present); }), b({0x20, 2, 1, 0}));
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_connack(to, kV31, present); }), b({0x20, 2, 0, 0}));
}

TEST(Encoder, AcksTakeTheShortestForm) {
    const auto ack = [](const Peer& peer, const AckOut& out) {
        return bytes([&](Buffer& to) { return encode_ack(to, peer, out); });
    };
    AckOut out{.type = PacketType::Pubrel,
               .packet_id = 7,
               .reason = Reason::Success,
               .reason_string = {},
               .user = {}};
    EXPECT_EQ(ack(kV5, out), b({0x62, 2, 0, 7}));
    EXPECT_EQ(ack(kV311, out), b({0x62, 2, 0, 7}));
    out.reason = Reason::PacketIdentifierNotFound;
    EXPECT_EQ(ack(kV5, out), b({0x62, 3, 0, 7, 0x92}));
    EXPECT_EQ(ack(kV311, out), b({0x62, 2, 0, 7}));
    out.type = PacketType::Puback;
    out.reason = Reason::NotAuthorized;
    out.reason_string = "no";
    const std::string explained = packet(0x40, u16(7) + b({0x87}) + block(b({0x1F}) + s("no")));
    EXPECT_EQ(ack(kV5, out), explained);
    Peer quiet;
    quiet.problem_information = false;
    EXPECT_EQ(ack(quiet, out), b({0x40, 3, 0, 7, 0x87})) << "[MQTT-3.1.2-29]";
    Peer small;
    small.max_packet_bytes = static_cast<std::uint32_t>(explained.size() - 1);
    EXPECT_EQ(ack(small, out), b({0x40, 3, 0, 7, 0x87})) << "[MQTT-3.4.2-2]";
    small.max_packet_bytes = 4;
    EXPECT_EQ(ack(small, out), "");
}

TEST(Encoder, UserPropertiesGoBeforeTheReasonString) {
    static const UserProperty kUser[] = {{"name", "value"}};
    DisconnectOut out;
    out.reason = Reason::QuotaExceeded;
    out.reason_string = "why";
    out.user = kUser;
    const auto with = [&](std::uint32_t most) {
        Peer peer;
        peer.max_packet_bytes = most;
        return bytes([&](Buffer& to) { return encode_disconnect(to, peer, out); });
    };
    const std::string reason_only = packet(0xE0, b({0x97}) + block(b({0x1F}) + s("why")));
    const std::string both =
        packet(0xE0, b({0x97}) + block(b({0x1F}) + s("why") + b({0x26}) + s("name") + s("value")));
    EXPECT_EQ(with(1000), both);
    EXPECT_EQ(with(static_cast<std::uint32_t>(both.size() - 1)), reason_only);
    EXPECT_EQ(with(static_cast<std::uint32_t>(reason_only.size() - 1)), b({0xE0, 1, 0x97}));
    EXPECT_EQ(with(3), b({0xE0, 1, 0x97}));
    EXPECT_EQ(with(2), "");
}

TEST(Encoder, SubackPerVersion) {
    static const Reason kReasons[] = {Reason::GrantedQos2, Reason::NotAuthorized, Reason::TopicFilterInvalid};
    SubackOut out{
        .type = PacketType::Suback, .packet_id = 5, .reasons = kReasons, .reason_string = {}, .user = {}};
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_suback(to, kV5, out); }),
              packet(0x90, u16(5) + block() + b({2, 0x87, 0x8F})));
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_suback(to, kV311, out); }),
              packet(0x90, u16(5) + b({2, 0x80, 0x80})));
    out.type = PacketType::Unsuback;
    EXPECT_EQ(bytes([&](Buffer& to) { return encode_suback(to, kV311, out); }), packet(0xB0, u16(5)));
}

TEST(Encoder, ServersOf3xSayNoGoodbyeAndNoAuth) {
    EXPECT_EQ(bytes([](Buffer& to) { return encode_disconnect(to, kV311, {}); }), "");
    EXPECT_EQ(bytes([](Buffer& to) { return encode_disconnect(to, kV311, {}, true); }), b({0xE0, 0}));
    EXPECT_EQ(bytes([](Buffer& to) { return encode_auth(to, kV311, {}); }), "");
    EXPECT_EQ(bytes([](Buffer& to) { return encode_disconnect(to, kV5, {}); }), b({0xE0, 0}));
}

TEST(Encoder, ErrorsAreAnsweredInTheWayTheConnectionAllows) {
    const auto answer = [](const std::string& wire) {
        Connection connection(kWide);
        Recorder recorder(connection);
        connection.on_bytes(bytes_of(wire), recorder);
        EXPECT_TRUE(recorder.error.has_value());
        return bytes([&](Buffer& to) { return encode_error(to, connection, *recorder.error, "x"); });
    };
    EXPECT_EQ(answer(b({0xC0})), "");
    EXPECT_EQ(answer(connect_v5() + connect_v5()), packet(0xE0, b({0x82}) + block(b({0x1F}) + s("x"))));
    EXPECT_EQ(answer(connect_level(4) + connect_level(4)), "");
    ConnectBytes bad;
    bad.flags = 1;
    EXPECT_EQ(answer(bad.str()), packet(0x20, b({0, 0x81}) + block(b({0x1F}) + s("x"))));
    bad.level = 9;
    EXPECT_EQ(answer(bad.str()), packet(0x20, b({0, 0x84}) + block(b({0x1F}) + s("x"))));
    bad.level = 2;
    EXPECT_EQ(answer(bad.str()), b({0x20, 2, 0, 1}));
}

TEST(ClientEncoder, ConnectSubscribeUnsubscribeReachTheServer) {
    static const UserProperty kUser[] = {{"n", "v"}};
    static const SubscribeFilter kFilters[] = {{"a/+", 2, true, true, 1}, {"b", 0, false, false, 0}};
    static const std::string_view kLeave[] = {"a/+", "b"};
    Buffer forward;
    append_forward_properties(forward, {.payload_format = std::uint8_t{1},
                                        .content_type = "ct",
                                        .response_topic = "r",
                                        .correlation_data = bytes_of("id"),
                                        .user = kUser});
    ConnectOut out;
    out.client_id = "c";
    out.user_name = "u";
    out.password = "p";
    out.will = WillOut{"w", bytes_of("gone"), 1, true, 5, 6, forward.bytes()};
    out.session_expiry_s = 7;
    out.receive_maximum = std::uint16_t{8};
    out.maximum_packet_size = 900;
    out.topic_alias_maximum = 10;
    out.request_response_information = true;
    out.request_problem_information = false;
    out.user = kUser;
    for (const Level level : {Level::V31, Level::V311, Level::V5}) {
        out.level = level;
        const Peer peer{.level = level};
        Buffer buffer;
        encode_connect(buffer, out);
        encode_subscribe(buffer, peer,
                         {.packet_id = 1, .subscription_id = 200, .filters = kFilters, .user = {}});
        encode_unsubscribe(buffer, peer, {.packet_id = 2, .filters = kLeave, .user = {}});
        encode_pingreq(buffer);
        encode_disconnect(buffer, peer, {}, true);
        const std::string log = server_sees(text(buffer));
        EXPECT_NE(log.find("id=c user=u password=p"), std::string::npos) << log;
        EXPECT_NE(log.find("will=w payload=gone qos=1 retain=1"), std::string::npos) << log;
        EXPECT_NE(log.find("UNSUBSCRIBE id=2\n  filter=a/+"), std::string::npos) << log;
        EXPECT_TRUE(log.ends_with("PINGREQ\nDISCONNECT reason=0 text= server=\n")) << log;
        const bool modern = level == Level::V5;
        EXPECT_EQ(
            log.find("delay=5 format=1 expiry=6 type=ct response=r correlation=id n=v") != std::string::npos,
            modern);
        EXPECT_EQ(
            log.find("expiry=7 receive=8 size=900 alias=10 response=1 problem=0 n=v") != std::string::npos,
            modern);
        EXPECT_EQ(log.find("subscription=200\n  filter=a/+ qos=2 no_local=1 as_published=1 handling=1") !=
                      std::string::npos,
                  modern);
    }
}

/// Random messages through encoder, server, encoder and client: what comes out is what went in.
TEST(Encoder, RandomMessagesSurviveTheWayThrough) {
    std::uint64_t state = 42;
    const auto below = [&](std::uint64_t n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return (state >> 33) % n;
    };
    const auto word = [&](std::size_t most) {
        std::string out;
        for (std::size_t i = below(most + 1); i > 0; --i)
            out.push_back(static_cast<char>('a' + below(26)));
        return out;
    };
    for (int round = 0; round < 3000; ++round) {
        const std::string topic = "t" + word(40);
        const std::string payload = word(300);
        std::vector<std::pair<std::string, std::string>> pairs(below(5));
        for (auto& [name, value] : pairs)
            name = word(9), value = word(9);
        std::vector<UserProperty> user;
        for (const auto& [name, value] : pairs)
            user.push_back({name, value});
        const std::string correlation = word(10);
        MessagePropertiesOut properties;
        if (below(2) != 0) properties.payload_format = static_cast<std::uint8_t>(below(2));
        if (below(2) != 0) properties.correlation_data = bytes_of(correlation);
        properties.user = user;
        Buffer forward;
        append_forward_properties(forward, properties);
        const std::uint32_t ids[] = {1 + static_cast<std::uint32_t>(below(268'435'454))};
        PublishOut out{.topic = topic,
                       .payload = bytes_of(payload),
                       .forward = forward.bytes(),
                       .subscription_ids = {},
                       .expiry_s = {},
                       .packet_id = static_cast<std::uint16_t>(1 + below(65'534)),
                       .qos = static_cast<std::uint8_t>(below(3)),
                       .retain = below(2) != 0,
                       .dup = below(2) != 0,
                       .alias = {}};
        if (below(2) != 0) out.expiry_s = static_cast<std::uint32_t>(below(1u << 31));
        Buffer to_server;
        ASSERT_NE(encode_publish(to_server, kV5, out), 0u);
        const std::string at_server = server_sees(connect_v5() + text(to_server));
        const std::string seen = at_server.substr(at_server.find('\n') + 1);
        EXPECT_NE(seen.find(" topic=" + topic + " payload=" + payload), std::string::npos);
        EXPECT_TRUE(seen.ends_with(" forward=" + text(forward) + "\n")) << seen;
        out.subscription_ids = ids;
        Buffer to_client;
        ASSERT_EQ(encode_publish(to_client, kV5, out), publish_size(kV5, out));
        const std::string at_client = client_sees(Level::V5, text(to_client));
        const std::string id = " subscription=" + std::to_string(ids[0]) + "\n";
        ASSERT_TRUE(at_client.ends_with(id)) << at_client;
        EXPECT_EQ(at_client.substr(0, at_client.size() - id.size()) + "\n", seen);
    }
}

TEST(ClientConnection, RefusesWhatAServerMayNotSay) {
    const auto error = [](const std::string& wire) {
        ClientConnection client(Level::V5, kWide);
        ClientRecorder recorder;
        client.on_bytes(bytes_of(wire), recorder);
        return recorder.error;
    };
    const std::string connack = b({0x20, 3, 0, 0, 0});
    EXPECT_EQ(error(connack), std::nullopt);
    EXPECT_EQ(error(connack + connack), Reason::ProtocolError);
    EXPECT_EQ(error(b({0xD0, 0})), Reason::ProtocolError);
    EXPECT_EQ(error(connack + b({0xC0, 0})), Reason::ProtocolError);
    EXPECT_EQ(error(b({0x20, 3, 2, 0, 0})), Reason::MalformedPacket);
    EXPECT_EQ(error(b({0x20, 3, 1, 0x87, 0})), Reason::ProtocolError);
    EXPECT_EQ(error(connack + packet(0x30, s("") + block(b({0x23, 0, 1})))), Reason::ProtocolError);
    EXPECT_EQ(error(connack + packet(0x30, s("t") + block(b({0x23, 0, 101})))), Reason::TopicAliasInvalid);
    EXPECT_EQ(error(connack + packet(0x90, u16(1) + block() + b({3}))), Reason::ProtocolError);
    EXPECT_EQ(error(connack + packet(0x90, u16(1) + block())), Reason::ProtocolError);
    EXPECT_EQ(error(connack + packet(0xE0, b({0}) + block(b({0x11}) + u32(1)))), Reason::ProtocolError);
}

TEST(Buffer, GrowsTruncatesAndGivesBack) {
    Buffer buffer;
    for (int i = 0; i < 1000; ++i)
        buffer.append("0123456789");
    EXPECT_EQ(buffer.size(), 10'000u);
    EXPECT_TRUE(text(buffer).ends_with("789"));
    buffer.truncate(5);
    EXPECT_EQ(text(buffer), "01234");
    Buffer moved(std::move(buffer));
    EXPECT_EQ(text(moved), "01234");
    EXPECT_EQ(buffer.size(), 0u);  // NOLINT: a moved-from buffer is empty and usable
    buffer.append("x");
    EXPECT_EQ(text(buffer), "x");
    moved.shrink(100);
    EXPECT_EQ(moved.capacity(), 0u);
}

}  // namespace
}  // namespace latchkey::mqtt
