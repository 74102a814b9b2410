// The blocking client against a scripted broker: what it sends, what it makes of answers, refusals and
// silence.
// SPDX-License-Identifier: Apache-2.0
#include "app/mqtt_client.h"

#include <deque>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/mqtt_client_errors.h"
#include "support/mqtt_build.h"
#include "support/mqtt_recorder.h"

namespace latchkey::app {
namespace {

using namespace mqtt::probe;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ManualClock final : public Clock {
  public:
    MonoTime mono() const override { return now; }
    WallTime wall() const override { return {}; }
    MonoTime now{};
};

/// Answers the n-th write with the n-th script line; reading when there is nothing lets the patience pass.
struct Script {
    ManualClock clock;
    std::deque<std::string> answers;
    std::string sent;
    std::string incoming;
    bool end_of_stream = false;
};

class ScriptedStream final : public ByteStream {
  public:
    explicit ScriptedStream(Script& script) : script_(script) {}
    Result<std::size_t> read_some(std::span<std::byte> into, milliseconds patience) override {
        if (script_.incoming.empty()) {
            if (script_.end_of_stream) return fail(kStreamEnded);
            script_.clock.now += patience;
            return std::size_t{0};
        }
        // Two bytes at a time: packets always arrive in pieces.
        const std::size_t size = std::min({into.size(), script_.incoming.size(), std::size_t{2}});
        std::memcpy(into.data(), script_.incoming.data(), size);
        script_.incoming.erase(0, size);
        return size;
    }
    Result<void> write_all(std::span<const std::byte> bytes) override {
        script_.sent += text_of(bytes);
        if (!script_.answers.empty()) {
            script_.incoming += script_.answers.front();
            script_.answers.pop_front();
        }
        return {};
    }

  private:
    Script& script_;
};

const std::string kConnack5 = b({0x20, 3, 0, 0, 0});
const std::string kConnack4 = b({0x20, 2, 0, 0});

MqttClient client_of(Script& script) {
    return MqttClient(std::make_unique<ScriptedStream>(script), script.clock);
}

/// Connected, with the bytes of CONNECT forgotten.
MqttClient connected(Script& script, mqtt::Level level = mqtt::Level::V5) {
    script.answers.push_front(level == mqtt::Level::V5 ? kConnack5 : kConnack4);
    MqttClient client = client_of(script);
    ClientOptions options;
    options.level = level;
    options.client_id = "c";
    EXPECT_TRUE(client.connect(options)->ok());
    script.sent.clear();
    return client;
}

TEST(MqttClient, ConnectSaysWhatItWasGivenAndReadsTheAnswer) {
    Script script;
    script.answers = {packet(0x20, b({1, 0}) + block(b({0x12}) + s("assigned") + b({0x13}) + u16(7)))};
    MqttClient client = client_of(script);
    ClientOptions options;
    options.user_name = "user";
    options.password = Secret("secret");
    options.clean_start = false;
    options.will = ClientMessage{};
    options.will->topic = "gone";
    const auto answer = client.connect(options);
    ASSERT_TRUE(answer && answer->ok());
    EXPECT_TRUE(answer->session_present);
    EXPECT_EQ(answer->assigned_client_id, "assigned");
    EXPECT_EQ(answer->server_keep_alive_s, 7);
    const std::string seen = run_server(bytes_of(script.sent), {}, script.sent.size());
    EXPECT_NE(seen.find("user=user password=secret"), std::string::npos) << seen;
    EXPECT_NE(seen.find("will=gone"), std::string::npos) << seen;
}

TEST(MqttClient, ARefusalIsAnAnswerWithItsWords) {
    Script script;
    script.answers = {packet(0x20, b({0, 0x87}) + block(b({0x1F}) + s("no role\x1b[31m")))};
    const auto answer = client_of(script).connect({});
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->ok());
    EXPECT_EQ(answer->describe().substr(0, 29), "Not authorized (0x87): no rol");
    EXPECT_EQ(answer->describe().find('\x1b'), std::string::npos);
    Script old;
    old.answers = {b({0x20, 2, 0, 4})};
    ClientOptions options;
    options.level = mqtt::Level::V311;
    options.client_id = "c";
    EXPECT_EQ(client_of(old).connect(options)->reason, mqtt::Reason::BadUserNameOrPassword);
}

TEST(MqttClient, PublishWaitsForTheEndOfItsQos) {
    for (const mqtt::Level level : {mqtt::Level::V311, mqtt::Level::V5}) {
        const std::string props = level == mqtt::Level::V5 ? block() : "";
        Script script;
        MqttClient client = connected(script, level);
        ClientMessage message;
        message.topic = "t";
        message.payload = "x";
        EXPECT_TRUE(client.publish(message)->ok());
        EXPECT_EQ(script.sent, packet(0x30, s("t") + props + "x"));
        script.sent.clear();
        script.answers = {packet(0x40, u16(1))};
        message.qos = 1;
        EXPECT_TRUE(client.publish(message)->ok());
        EXPECT_EQ(script.sent, packet(0x32, s("t") + u16(1) + props + "x"));
        script.sent.clear();
        script.answers = {packet(0x50, u16(2)), packet(0x70, u16(2))};
        message.qos = 2;
        EXPECT_TRUE(client.publish(message)->ok());
        EXPECT_EQ(script.sent, packet(0x34, s("t") + u16(2) + props + "x") + packet(0x62, u16(2)));
    }
}

TEST(MqttClient, ADeniedPublishIsNotOk) {
    for (const unsigned qos : {1u, 2u}) {
        Script script;
        MqttClient client = connected(script);
        script.answers = {
            packet(qos == 1 ? 0x40 : 0x50, u16(1) + b({0x87}) + block(b({0x1F}) + s("rule 7")))};
        ClientMessage message;
        message.topic = "t";
        message.qos = static_cast<std::uint8_t>(qos);
        const auto answer = client.publish(message);
        ASSERT_TRUE(answer);
        EXPECT_FALSE(answer->ok());
        EXPECT_EQ(answer->reason_string, "rule 7");
    }
}

TEST(MqttClient, SubscribeTellsFilterByFilter) {
    Script script;
    MqttClient client = connected(script);
    script.answers = {packet(0x90, u16(1) + block(b({0x1F}) + s("why")) + b({1, 0x87})),
                      packet(0xB0, u16(2) + block() + b({0, 0x11}))};
    const auto answer =
        client.subscribe({{.filter = "a/#", .qos = 1}, {.filter = "b", .qos = 0, .no_local = true}}, 9);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->filters.size(), 2u);
    EXPECT_TRUE(answer->filters[0].ok());
    EXPECT_FALSE(answer->filters[1].ok());
    EXPECT_FALSE(answer->ok());
    EXPECT_EQ(script.sent, packet(0x82, u16(1) + block(b({0x0B, 9})) + s("a/#") + b({1}) + s("b") + b({4})));
    EXPECT_TRUE(client.unsubscribe({"a/#", "b"})->ok());
}

TEST(MqttClient, ReceivesAcknowledgesAndDeliversQos2Once) {
    Script script;
    MqttClient client = connected(script);
    const std::string twice = packet(0x34, s("q2") + u16(9) + block() + "two");
    script.incoming = packet(0x32, s("q1") + u16(8) + block(b({0x26}) + s("n") + s("v")) + "one") + twice +
                      packet(0x3C, s("q2") + u16(9) + block() + "two") + packet(0x62, u16(9)) +
                      packet(0x31, s("q0") + block());
    const auto one = client.receive(seconds(1));
    ASSERT_TRUE(one && *one);
    EXPECT_EQ((*one)->payload, "one");
    EXPECT_EQ((*one)->user, (Properties{{"n", "v"}}));
    EXPECT_EQ((*client.receive(seconds(1)))->payload, "two");
    const auto last = client.receive(seconds(1));
    ASSERT_TRUE(last && *last);
    EXPECT_EQ((*last)->topic, "q0") << "the repeated QoS 2 message is not a second one";
    EXPECT_TRUE((*last)->retain);
    EXPECT_EQ(script.sent,
              packet(0x40, u16(8)) + packet(0x50, u16(9)) + packet(0x50, u16(9)) + packet(0x70, u16(9)));
    const auto nothing = client.receive(seconds(1));
    ASSERT_TRUE(nothing);
    EXPECT_FALSE(*nothing);
}

TEST(MqttClient, MessagesThatComeBeforeAnAnswerAreKept) {
    Script script;
    MqttClient client = connected(script);
    script.answers = {packet(0x30, s("early") + block()) + packet(0x90, u16(1) + block() + b({0}))};
    EXPECT_TRUE(client.subscribe({{.filter = "early"}})->ok());
    EXPECT_EQ((*client.receive(seconds(1)))->topic, "early");
}

TEST(MqttClient, ADisconnectIsTheErrorsDetail) {
    Script script;
    MqttClient client = connected(script);
    script.incoming =
        packet(0x30, s("last") + block()) + packet(0xE0, b({0x8E}) + block(b({0x1F}) + s("other")));
    EXPECT_EQ((*client.receive(seconds(1)))->topic, "last");
    const auto ended = client.receive(seconds(1));
    ASSERT_FALSE(ended);
    EXPECT_TRUE(ended.error().is(kServerDisconnect));
    EXPECT_EQ(ended.error().detail(), "Session taken over (0x8e): other");
}

TEST(MqttClient, SilenceNonsenseAndTheEndAreErrors) {
    Script silent;
    const auto none = client_of(silent).connect({});
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().is(kClientTimeout));
    Script nonsense;
    nonsense.answers = {b({0xD0, 0x00})};
    EXPECT_TRUE(client_of(nonsense).connect({}).error().is(kServerProtocol));
    Script ended;
    ended.end_of_stream = true;
    EXPECT_TRUE(client_of(ended).connect({}).error().is(kStreamEnded));
}

TEST(MqttClient, KeepsTheConnectionAliveAndNoticesWhenNobodyAnswers) {
    Script script;
    MqttClient client = connected(script);
    script.answers = {b({0xD0, 0})};
    ASSERT_TRUE(client.receive(seconds(70)));
    EXPECT_EQ(script.sent, b({0xC0, 0})) << "one ping in 70 s of silence at a keep-alive of 60 s";
    const auto dead = client.receive(seconds(300));
    ASSERT_FALSE(dead);
    EXPECT_TRUE(dead.error().is(kClientTimeout));
    Script answered;
    MqttClient other = connected(answered);
    answered.answers = {b({0xD0, 0})};
    EXPECT_TRUE(other.ping());
}

TEST(MqttClient, NothingTooLargeForTheBrokerIsSent) {
    Script script;
    script.answers = {packet(0x20, b({0, 0}) + block(b({0x27}) + u32(20)))};
    MqttClient client = client_of(script);
    ASSERT_TRUE(client.connect({})->ok());
    script.sent.clear();
    ClientMessage message;
    message.topic = "t";
    message.payload = std::string(30, 'x');
    EXPECT_TRUE(client.publish(message).error().is(kNotSendable));
    EXPECT_EQ(script.sent, "");
}

TEST(ByteStream, TcpCarriesBytesBothWaysAndSeesTheEnd) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    auto stream = connect_tcp("127.0.0.1", ntohs(address.sin_port), seconds(5));
    ASSERT_TRUE(stream) << stream.error().message();
    const int peer = ::accept(listener, nullptr, nullptr);
    std::array<std::byte, 16> got{};
    EXPECT_EQ((*stream)->read_some(got, milliseconds(0)), std::size_t{0}) << "nothing came";
    ASSERT_TRUE((*stream)->write_all(bytes_of("ping")));
    ASSERT_EQ(::read(peer, got.data(), got.size()), 4);
    ASSERT_EQ(::write(peer, "pong!", 5), 5);
    EXPECT_EQ((*stream)->read_some(got, seconds(5)), std::size_t{5});
    ::close(peer);
    EXPECT_TRUE((*stream)->read_some(got, seconds(5)).error().is(kStreamEnded));
    ::close(listener);
    EXPECT_TRUE(connect_tcp("127.0.0.1", ntohs(address.sin_port), seconds(5)).error().is(kConnectFailed));
}

}  // namespace
}  // namespace latchkey::app
