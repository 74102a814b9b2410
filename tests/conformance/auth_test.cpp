// AUTH on the wire, MQTT 5.0 3.15 and 4.12; how logins and connections take it stands with the simulator.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "conformance/wire_client.h"

namespace latchkey::conformance {
namespace {

class AuthConformance : public OnShards {};

std::string method_and(std::string_view data) {
    return b({0x15}) + s("SIM") + b({0x16}) + s(data);
}
std::string auth(unsigned code, std::string_view data) {
    return packet(0xF0, b({code}) + block(method_and(data)));
}

TEST_P(AuthConformance, MQTT_4_12_0_5_EveryAuthAndTheConnackNameTheMethod) {
    WireClient& one = client();
    EXPECT_EQ(hex(one.say(Hello{.properties = method_and("hello")}.bytes())), hex(auth(0x18, "nonce")));
    const auto heard = one.ask(auth(0x18, "proof:u"));
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].type(), 2U);
    EXPECT_EQ(heard[0].code(), 0U);
    EXPECT_EQ(property_of(heard[0], 0x15), s("SIM"));
    EXPECT_EQ(property_of(heard[0], 0x16), s("welcome u"));
    // Once more on the open connection: asked with 0x18, ended with 0x00.
    EXPECT_EQ(hex(one.say(auth(0x19, "hello"))), hex(auth(0x18, "nonce")));
    const auto again = one.ask(auth(0x18, "proof:u"));
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].type(), 15U);
    EXPECT_EQ(again[0].code(), 0U);
    EXPECT_NE(again[0].bytes.find(b({0x15}) + s("SIM")), std::string::npos);
}

TEST_P(AuthConformance, MQTT_4_12_0_4_AnExchangeThatFailsEndsWithConnack) {
    WireClient& one = client();
    one.say(Hello{.properties = method_and("hello")}.bytes());
    const auto heard = one.ask(auth(0x18, "wrong"));
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].type(), 2U);
    EXPECT_EQ(heard[0].code(), 0x87U);
    EXPECT_TRUE(one.closed());
}

INSTANTIATE_TEST_SUITE_P(Shards, AuthConformance, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::conformance
