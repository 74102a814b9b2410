// Keep-alive where a client asks for none: nobody may be silent for ever (E-26).
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/world.h"

namespace latchkey::sim {
namespace {

TEST(SimKeepAlive, WhoAsksForNoneGetsTheBrokersAndIsTold) {
    for (const std::uint16_t most : {std::uint16_t{65535}, std::uint16_t{20}}) {
        for (const mqtt::Level level : {mqtt::Level::V5, mqtt::Level::V311}) {
            World world({.shards = 2, .settings = {.max_keep_alive_s = most}});
            SimClient& client = world.online({.client_id = "c", .level = level});
            const bool told = level == mqtt::Level::V5;
            EXPECT_EQ(client.server_keep_alive_s, told ? std::optional(most) : std::nullopt);
            world.advance(std::chrono::seconds(29));
            EXPECT_FALSE(client.closed());
            world.advance(std::chrono::seconds(5));
            EXPECT_EQ(client.closed(), most == 20) << most;
        }
    }
}

TEST(SimKeepAlive, TheLongestWishThatAClientCanHaveIsKept) {
    World world({.shards = 2});
    SimClient& client = world.online({.client_id = "c", .keep_alive_s = 65535});
    EXPECT_FALSE(client.server_keep_alive_s);
}

}  // namespace
}  // namespace latchkey::sim
