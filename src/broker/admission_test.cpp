// Admission and the login throttle alone: counts by address and prefix, who gives way, what is given back.
// SPDX-License-Identifier: Apache-2.0
#include "broker/admission.h"

#include <deque>

#include <gtest/gtest.h>

#include "broker/login_throttle.h"

namespace latchkey::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

net::Address at(std::string_view text) {
    return *net::parse_address(text, 1234);
}

struct Admitting {
    Admission admission{HashSeed{}};
    AdmissionLimits limits;
    std::deque<AdmissionSlot> slots;
    std::uint32_t next = 1;

    /// Enters as client `next` of shard 3.
    Admission::Answer admit(std::string_view from) {
        Admission::Answer answer = admission.admit(at(from), limits);
        if (answer.slot) {
            EXPECT_TRUE(answer.slot.place(3, {next++, 1}));
            slots.push_back(std::move(answer.slot));
            answer.slot = {};
        }
        return answer;
    }
    bool admits(std::string_view from) {
        const std::size_t before = slots.size();
        static_cast<void>(admit(from));
        return slots.size() > before;
    }
};

TEST(Admission, AddressAtItsLimitIsRefusedAndAnotherIsNot) {
    Admitting house;
    house.limits.connections_per_address = 2;
    EXPECT_TRUE(house.admits("192.0.2.1"));
    EXPECT_TRUE(house.admits("192.0.2.1"));
    EXPECT_FALSE(house.admits("192.0.2.1"));
    EXPECT_TRUE(house.admits("192.0.2.2"));
    house.slots.pop_front();
    EXPECT_TRUE(house.admits("192.0.2.1")) << "a place that was given back is free";
}

TEST(Admission, Ipv6HostIsOneAddressHoweverManyItTakes) {
    Admitting house;
    house.limits.connections_per_address = 1;
    EXPECT_TRUE(house.admits("2001:db8:1:2::1"));
    EXPECT_FALSE(house.admits("2001:db8:1:2:ffff::1"));
    EXPECT_TRUE(house.admits("2001:db8:1:3::1"));
}

TEST(Admission, PrefixAtItsLimitIsRefusedAndItsNeighbourIsNot) {
    Admitting house;
    house.limits.connections_per_prefix = 2;
    EXPECT_TRUE(house.admits("192.0.2.1"));
    EXPECT_TRUE(house.admits("192.0.2.2"));
    EXPECT_FALSE(house.admits("192.0.2.3"));
    EXPECT_TRUE(house.admits("192.0.3.3"));
    EXPECT_TRUE(house.admits("2001:db8:1:2::1"));
    EXPECT_TRUE(house.admits("2001:db8:1:3::1"));
    EXPECT_FALSE(house.admits("2001:db8:1:4::1"));
    EXPECT_TRUE(house.admits("2001:db8:2:4::1"));
}

TEST(Admission, TotalAtItsLimitRefusesEverybody) {
    Admitting house;
    house.limits.connections = 1;
    EXPECT_TRUE(house.admits("192.0.2.1"));
    EXPECT_FALSE(house.admits("198.51.100.1"));
}

TEST(Admission, OldestHalfOpenOfTheSameAddressGivesWay) {
    Admitting house;
    house.limits.half_open_per_address = 2;
    static_cast<void>(house.admit("198.51.100.9"));  // client 1, older, elsewhere
    static_cast<void>(house.admit("192.0.2.1"));     // 2
    static_cast<void>(house.admit("192.0.2.1"));     // 3
    const auto answer = house.admit("192.0.2.1");
    ASSERT_TRUE(answer.victim);
    EXPECT_EQ(answer.victim->client.slot, 2U);
    EXPECT_EQ(answer.victim->shard, 3U);
    EXPECT_EQ(house.admission.half_open(), 3U);
}

TEST(Admission, OldestHalfOpenOfAllGivesWayWhenTheTotalIsFull) {
    Admitting house;
    house.limits.half_open = 2;
    static_cast<void>(house.admit("198.51.100.9"));
    static_cast<void>(house.admit("192.0.2.1"));
    const auto answer = house.admit("203.0.113.5");
    ASSERT_TRUE(answer.victim);
    EXPECT_EQ(answer.victim->client.slot, 1U);
}

TEST(Admission, WhoHasConnectedNeverGivesWay) {
    Admitting house;
    house.limits.half_open = 1;
    house.limits.half_open_per_address = 1;
    static_cast<void>(house.admit("192.0.2.1"));
    house.slots.back().complete();
    EXPECT_EQ(house.admission.half_open(), 0U);
    EXPECT_FALSE(house.admit("192.0.2.1").victim);
}

TEST(Admission, NewcomerWhosePlaceWasGivenAwayBeforeItEnteredLearnsIt) {
    Admission admission{HashSeed{}};
    const AdmissionLimits limits{.half_open = 1};
    auto first = admission.admit(at("192.0.2.1"), limits);
    const auto second = admission.admit(at("192.0.2.2"), limits);
    EXPECT_FALSE(second.victim) << "it has no place that could be closed";
    EXPECT_FALSE(first.slot.place(0, {1, 1}));
}

TEST(Admission, AddressBehindAProxyIsCountedInsteadOfTheProxys) {
    Admission admission{HashSeed{}};
    const AdmissionLimits limits{.connections_per_address = 1};
    auto first = admission.admit(at("10.0.0.1"), limits);
    first = admission.readmit(std::move(first.slot), at("192.0.2.1"), limits);
    EXPECT_TRUE(first.slot);
    auto second = admission.admit(at("10.0.0.1"), limits);
    EXPECT_TRUE(second.slot) << "the proxy itself holds nothing any more";
    second = admission.readmit(std::move(second.slot), at("192.0.2.1"), limits);
    EXPECT_FALSE(second.slot);
    EXPECT_EQ(second.refusal, Admission::Refusal::Address);
    EXPECT_EQ(admission.connections(), 1U);
}

TEST(Admission, EverythingIsGivenBack) {
    Admitting house;
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(house.admits("192.0.2." + std::to_string(i)));
    for (std::size_t i = 0; i < 50; ++i)
        house.slots[i].complete();
    house.slots.clear();
    EXPECT_EQ(house.admission.connections(), 0U);
    EXPECT_EQ(house.admission.half_open(), 0U);
}

TEST(LoginThrottle, AddressIsBlockedAfterItsRefusalsAndForTwiceAsLongEachTime) {
    LoginThrottle throttle{HashSeed{}};
    const LoginThrottleLimits limits{.refused_logins = 3};
    const AddressKey guesser = address_key(at("192.0.2.1"));
    MonoTime now{seconds(100)};
    for (int i = 0; i < 3; ++i) {
        throttle.refused(guesser, now, limits);
        EXPECT_TRUE(throttle.may_login(guesser, now));
    }
    for (const int block_s : {1, 2, 4, 8, 16, 32, 60, 60}) {
        throttle.refused(guesser, now, limits);
        EXPECT_FALSE(throttle.may_login(guesser, now + seconds(block_s) - milliseconds(1))) << block_s;
        now += seconds(block_s);
        EXPECT_TRUE(throttle.may_login(guesser, now)) << block_s;
    }
    EXPECT_TRUE(throttle.may_login(address_key(at("192.0.2.2")), now));
}

TEST(LoginThrottle, QuietWindowForgives) {
    LoginThrottle throttle{HashSeed{}};
    const LoginThrottleLimits limits{.refused_logins = 1};
    const AddressKey guesser = address_key(at("192.0.2.1"));
    const MonoTime start{seconds(100)};
    throttle.refused(guesser, start, limits);
    throttle.refused(guesser, start, limits);
    EXPECT_FALSE(throttle.may_login(guesser, start));
    const MonoTime later = start + seconds(61);
    throttle.refused(guesser, later, limits);
    EXPECT_TRUE(throttle.may_login(guesser, later));
}

TEST(LoginThrottle, RemembersABoundedNumberOfAddresses) {
    LoginThrottle throttle{HashSeed{}};
    for (std::uint32_t i = 0; i < LoginThrottle::kAddresses + 10; ++i)
        throttle.refused({.bits = i, .size = 4}, MonoTime{}, {});
    EXPECT_EQ(throttle.size(), LoginThrottle::kAddresses);
}

}  // namespace
}  // namespace latchkey::broker
