// Tests of base's small types: Result, clocks, randomness, Secret, the seeded hash, slots and invariants.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/ticket.h"
#include "base/time.h"

namespace latchkey {
namespace {

constexpr ErrorInfo kTestError{1999, "test_error", "something broke", "Mend it"};

Result<int> half(int value) {
    if (value % 2 != 0) return fail(kTestError, "odd");
    return value / 2;
}

Result<int> quarter(int value) {
    LK_TRY(const int once, half(value));
    LK_TRY(const int twice, half(once));
    return twice;
}

Result<void> both(int a, int b) {
    LK_CHECK(half(a));
    LK_CHECK(half(b));
    return {};
}

TEST(Result, TryReturnsTheFirstErrorAndBindsTheValue) {
    EXPECT_EQ(quarter(12).value(), 3);
    ASSERT_FALSE(quarter(6));
    EXPECT_TRUE(quarter(6).error().is(kTestError));
    EXPECT_TRUE(both(2, 4));
    EXPECT_FALSE(both(2, 3));
    EXPECT_FALSE(both(1, 4));
}

TEST(Result, MessagesNameTheDetailAndTheRemedy) {
    EXPECT_EQ(half(1).error().message(), "something broke: odd. Mend it");
    EXPECT_EQ(Error(kJsonMalformed).message(), "not valid JSON");
    const Error cut(kTestError, std::string(500, 'x'));
    EXPECT_EQ(cut.detail().size(), Error::kMaxDetail);
    EXPECT_FALSE(cut.is(kJsonMalformed));
}

TEST(ErrorTable, NumbersAndNamesAreUniqueAndInBasesRange) {
    std::set<std::uint16_t> numbers;
    std::set<std::string_view> names;
    for (const ErrorInfo* info : kBaseErrors) {
        EXPECT_TRUE(numbers.insert(info->number).second) << info->name;
        EXPECT_TRUE(names.insert(info->name).second) << info->name;
        EXPECT_TRUE(info->number >= 1000 && info->number < 2000) << info->name;
        EXPECT_FALSE(info->text.empty());
        EXPECT_FALSE(info->text.ends_with('.'));
    }
}

TEST(SystemClock, MonotonicTimeNeverGoesBackAndWallTimeIsThisCentury) {
    const SystemClock clock;
    MonoTime last = clock.mono();
    for (int i = 0; i < 1000; ++i) {
        const MonoTime next = clock.mono();
        EXPECT_GE(next, last);
        last = next;
    }
    EXPECT_GT(clock.wall(), WallTime(std::chrono::sys_days(std::chrono::year(2025) / 1 / 1)));
}

TEST(SeededRandom, IsSplitMix64AndRepeats) {
    SeededRandom zero(0);
    EXPECT_EQ(zero.next_u64(), 0xE220A8397B1DCDAFULL);
    EXPECT_EQ(zero.next_u64(), 0x6E789E6AA1B965F4ULL);
    SeededRandom a(42), b(42), c(43);
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t value = a.next_u64();
        EXPECT_EQ(value, b.next_u64());
        differs |= value != c.next_u64();
    }
    EXPECT_TRUE(differs);
}

TEST(Random, BelowStaysBelowAndMeetsEveryValue) {
    SeededRandom random(1);
    for (const std::uint64_t bound :
         {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        for (int i = 0; i < 200; ++i)
            EXPECT_LT(random.below(bound), bound);
    }
    std::map<std::uint64_t, int> seen;
    for (int i = 0; i < 6000; ++i)
        ++seen[random.below(6)];
    ASSERT_EQ(seen.size(), 6U);
    for (const auto& [value, count] : seen)
        EXPECT_NEAR(count, 1000, 200) << value;
}

TEST(SystemRandom, FillsEveryByteAndDoesNotRepeat) {
    SystemRandom random;
    std::array<std::byte, 64> a{}, b{};
    random.fill(a);
    random.fill(b);
    EXPECT_NE(a, b);
}

TEST(SipHash, IsTheReferenceSipHash24) {
    HashSeed key{};
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::byte>(i);
    std::string input;
    for (char c = 0; c < 15; ++c)
        input += c;
    EXPECT_EQ(sip_hash(key, ""), 0x726FDB47DD0E0E31ULL);
    EXPECT_EQ(sip_hash(key, input), 0xA129CA6149BE45E5ULL);
    EXPECT_NE(sip_hash(HashSeed{}, input), sip_hash(key, input)) << "the seed matters";
}

bool holds(const unsigned char* storage, std::size_t size, std::string_view needle) {
    return std::string_view(reinterpret_cast<const char*>(storage), size).find(needle) !=
           std::string_view::npos;
}

TEST(Secret, WipesItsBytesWhenMovedFromAssignedAndDestroyed) {
    // Short enough for the string's own buffer, so that the bytes are inside the object and can be looked at.
    constexpr std::string_view kText = "s3cr3t-bytes";
    alignas(Secret) unsigned char storage[sizeof(Secret)] = {};
    auto* secret = new (storage) Secret(kText);
    ASSERT_TRUE(holds(storage, sizeof storage, kText)) << "otherwise this test sees nothing";
    const Secret taken(std::move(*secret));
    EXPECT_EQ(taken.expose(), kText);
    EXPECT_FALSE(holds(storage, sizeof storage, "s3c"));
    *secret = taken;
    ASSERT_TRUE(holds(storage, sizeof storage, kText));
    *secret = Secret("x");
    EXPECT_FALSE(holds(storage, sizeof storage, "cr3t"));
    *secret = taken;
    secret->~Secret();
    EXPECT_FALSE(holds(storage, sizeof storage, "s3c"));
}

TEST(Secret, ComparesWholeBytes) {
    const Secret secret("password");
    EXPECT_TRUE(secret.equals("password"));
    EXPECT_FALSE(secret.equals("passwore"));
    EXPECT_FALSE(secret.equals("passwor"));
    EXPECT_FALSE(secret.equals("password "));
    EXPECT_FALSE(secret.equals(""));
    EXPECT_TRUE(Secret().equals(""));
    EXPECT_EQ(secret.size(), 8U);
}

template <class T>
concept Loggable = requires(const T& value) { log::field("name", value); };

// A secret cannot be logged or turned into text by accident: this is no test case, it does not compile
// otherwise.
static_assert(Loggable<std::string> && !Loggable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string> &&
              !std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>, "made on purpose only");

TEST(SlotMap, FindsByGenerationOnly) {
    SlotMap<std::string> slots;
    EXPECT_EQ(slots.find(SlotId{}), nullptr) << "a default id names nothing";
    const SlotId first = slots.emplace("first");
    EXPECT_EQ(*slots.find(first), "first");
    EXPECT_EQ(slots.find(SlotId{}), nullptr);
    EXPECT_EQ(slots.find(first.slot, first.generation + 1), nullptr);
    EXPECT_EQ(slots.find(SlotId{1'000'000, 1}), nullptr);
    EXPECT_TRUE(slots.erase(first));
    EXPECT_FALSE(slots.erase(first));
    const SlotId second = slots.emplace("second");
    EXPECT_EQ(second.slot, first.slot) << "last out, first in";
    EXPECT_NE(second.generation, first.generation);
    EXPECT_EQ(slots.find(first), nullptr);
    EXPECT_EQ(SlotId::from_packed(second.packed()), second);
    EXPECT_EQ((Ticket{3, second.slot, second.generation, kNever}.id()), second);
}

struct Noisy {
    Noisy(int* counter, SlotMap<Noisy>* slots) : alive(counter), home(slots) { ++*alive; }
    ~Noisy() {
        EXPECT_EQ(home->find(self), nullptr) << "a dying object is not found";
        --*alive;
    }
    int* alive;
    SlotMap<Noisy>* home;
    SlotId self{};
};

TEST(SlotMap, DestroysEachObjectOnceAndCannotFindTheDying) {
    int alive = 0;
    {
        SlotMap<Noisy> slots;
        std::vector<SlotId> ids;
        for (int i = 0; i < 200; ++i) {
            ids.push_back(slots.emplace(&alive, &slots));
            slots.find(ids.back())->self = ids.back();
        }
        for (std::size_t i = 0; i < ids.size(); i += 3)
            slots.erase(ids[i]);
        EXPECT_EQ(alive, 133);
        EXPECT_EQ(slots.size(), 133U);
    }
    EXPECT_EQ(alive, 0);
}

TEST(SlotMap, AgreesWithAMapAndKeepsAddresses) {
    SeededRandom random(3);
    SlotMap<int> slots;
    std::map<std::uint64_t, std::pair<int, int*>> twin;
    std::vector<SlotId> ever;
    for (int step = 0; step < 20'000; ++step) {
        if (twin.empty() || random.below(5) < 3) {
            const SlotId id = slots.emplace(step);
            ASSERT_TRUE(twin.emplace(id.packed(), std::pair(step, slots.find(id))).second)
                << "an id is never reused";
            ever.push_back(id);
        } else {
            const SlotId id = ever[random.below(ever.size())];
            ASSERT_EQ(slots.erase(id), twin.erase(id.packed()) == 1);
        }
        const SlotId id = ever[random.below(ever.size())];
        const auto known = twin.find(id.packed());
        int* found = slots.find(id);
        ASSERT_EQ(found, known == twin.end() ? nullptr : known->second.second);
        if (found == nullptr) continue;
        ASSERT_EQ(*found, known->second.first);
    }
    std::size_t seen = 0;
    slots.for_each([&](SlotId id, int&) { seen += twin.count(id.packed()); });
    EXPECT_EQ(seen, twin.size());
    EXPECT_EQ(slots.size(), twin.size());
}

TEST(Invariant, HoldsWithoutCountingAndStopsTestsWhenBroken) {
    EXPECT_TRUE(LK_INVARIANT(1 + 1 == 2));
    EXPECT_EQ(invariants_broken(), 0U);
#ifdef NDEBUG
    EXPECT_FALSE(LK_INVARIANT(1 + 1 == 3));
    EXPECT_EQ(invariants_broken(), 1U);
#else
    EXPECT_DEATH(static_cast<void>(LK_INVARIANT(1 + 1 == 3)), "invariant_broken condition=\"1 . 1 == 3\"");
#endif
}

struct Owned : ShardBound {};

TEST(OnShard, BelongsToTheShardThatMadeIt) {
    const int one = 1;
    const int two = 2;
    EXPECT_EQ(current_shard(), nullptr);
    const Owned nobody_s;
    const ShardScope outer(&one);
    const Owned mine;
    LK_ON_SHARD(&mine);
    {
        const ShardScope inner(&two);
        EXPECT_EQ(current_shard(), &two);
        LK_ON_SHARD(&nobody_s);
#ifndef NDEBUG
        EXPECT_FALSE(mine.on_shard());
        EXPECT_DEATH(LK_ON_SHARD(&mine), "on its own shard");
#endif
    }
    EXPECT_EQ(current_shard(), &one);
    EXPECT_TRUE(mine.on_shard());
}

}  // namespace
}  // namespace latchkey
