// Shared subscriptions as MQTT 5.0 4.8.2 numbers them; the rest of their tests stand with the simulator.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "conformance/wire_client.h"

namespace latchkey::conformance {
namespace {

class SharedConformance : public OnShards {};

TEST_P(SharedConformance, MQTT_4_8_2_1_NamesOfGroupsAreCheckedFilterByFilter) {
    WireClient& one = online({});
    for (const char* wrong : {"$share/", "$share//t", "$share/g", "$share/g/", "$share/g+/t", "$share/#/t",
                              "$share/+/t", "$share/g/a#"}) {
        EXPECT_EQ(hex(one.say(subscribe(wrong, 0, 7))), hex(packet(0x90, u16(7) + block() + b({0x8F}))))
            << wrong;
        EXPECT_EQ(hex(one.say(packet(0xA2, u16(8) + block() + s(wrong)))),
                  hex(packet(0xB0, u16(8) + block() + b({0x8F}))))
            << wrong;
    }
    EXPECT_EQ(one.say(kPing), kPong);
}

TEST_P(SharedConformance, MQTT_4_8_2_NobodySharesWithoutARuleThatSaysSo) {
    WireClient& one = online({.properties = b({0x17, 0})});
    const auto heard = one.ask(subscribe("$share/g/t", 1, 7));
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_GE(static_cast<unsigned char>(heard[0].bytes.back()), 0x80U);
    EXPECT_EQ(hex(one.say(publish0("t", "x"))), "") << "nothing is sent for what was not granted";
}

INSTANTIATE_TEST_SUITE_P(Shards, SharedConformance, testing::Values(1U, 3U));

}  // namespace
}  // namespace latchkey::conformance
