// The packet ids of a session: found by halves, against a search from end to end, also when one id is kept
// for more than a whole round of the circle.
// SPDX-License-Identifier: Apache-2.0
#include "broker/session.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/random.h"

namespace latchkey::broker {
namespace {

QueueEntry* slow_find(Session& session, std::uint16_t id) {
    for (std::uint32_t i = 0; i < session.inflight.size(); ++i) {
        if (session.inflight[i].packet_id == id) return &session.inflight[i];
    }
    return nullptr;
}

std::uint32_t below(Random& random, std::uint32_t bound) {
    return static_cast<std::uint32_t>(random.below(bound));
}

void enter(Session& session) {
    const std::uint16_t id = session.take_packet_id();
    ASSERT_NE(id, 0);
    session.push_inflight({.packet_id = id});
}

TEST(SessionPacketIds, AreFoundAsASearchFromEndToEndFindsThem) {
    SeededRandom random(20261125);
    Session session("k", "c", 1, HashSeed{});
    for (int i = 0; i < 300'000; ++i) {
        if (session.inflight.size() < 20 && random.below(2) == 0) {
            enter(session);
        } else if (!session.inflight.empty()) {
            // Mostly in order; the oldest is sometimes kept for long.
            const bool keeps_oldest = i % 150'000 < 140'000 && session.inflight.size() > 1;
            session.inflight.erase(keeps_oldest ? 1 + below(random, session.inflight.size() - 1) : 0);
        }
        const auto id = static_cast<std::uint16_t>(random.below(65536));
        ASSERT_EQ(session.find_inflight(id), slow_find(session, id));
        if (session.inflight.empty()) continue;
        const std::uint32_t any = below(random, session.inflight.size());
        std::uint32_t at = 0;
        ASSERT_EQ(session.find_inflight(session.inflight[any].packet_id, &at), &session.inflight[any]);
        ASSERT_EQ(at, any);
    }
}

TEST(SessionPacketIds, AllOfThemMayBeInFlightAndNoneIsGivenTwice) {
    Session session("k", "c", 1, HashSeed{});
    for (int i = 0; i < 65'535; ++i)
        enter(session);
    EXPECT_EQ(session.take_packet_id(), 0);
    std::uint32_t at = 0;
    ASSERT_NE(session.find_inflight(40'000, &at), nullptr);
    session.inflight.erase(at);
    EXPECT_EQ(session.take_packet_id(), 40'000);
}

}  // namespace
}  // namespace latchkey::broker
