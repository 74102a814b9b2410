// Authorities: interning, revocation for good, handles across threads, the stored form.
// SPDX-License-Identifier: Apache-2.0
#include "policy/authority.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "policy/build_for_test.h"
#include "policy/errors.h"

namespace latchkey::policy {
namespace {

using testing::holder;

AuthorityData full() {
    AuthorityData data;
    data.principal = {"entra", PrincipalKind::User, "subject", 3};
    data.blocks = {
        {"file", BlockKind::Role, "b"}, {"file", BlockKind::Role, "a"}, {"db", BlockKind::User, "u"}};
    data.values = {{"b", {"1", ""}, true}, {"a", {}, false}};
    data.ceilings = {{"scope", {{"file", BlockKind::Role, "mqtt"}}}, {"issuer", {}}};
    data.revocation_keys = {"sid:2", "jti:1", "sid:2"};
    return data;
}

TEST(Authority, EqualDataIsOneRecord) {
    AuthorityTable table{HashSeed{}};
    const auto one = *table.intern(full());
    AuthorityData shuffled = full();
    std::swap(shuffled.values[0], shuffled.values[1]);
    std::swap(shuffled.revocation_keys[0], shuffled.revocation_keys[1]);
    const auto two = *table.intern(shuffled);
    EXPECT_EQ(one, two);
    AuthorityData reordered = full();
    std::swap(reordered.blocks[0], reordered.blocks[1]);
    EXPECT_NE(*table.intern(reordered), one) << "the order of blocks belongs to the identity";
    AuthorityData again = full();
    again.principal.incarnation = 4;
    EXPECT_NE(*table.intern(again), one) << "deleted and created again is somebody else";
    AuthorityData claimed = full();
    claimed.values[0].proven = false;
    EXPECT_NE(*table.intern(claimed), one);
}

TEST(Authority, GoesWithItsLastHandleAndNumbersAreNotReused) {
    AuthorityTable table{HashSeed{}};
    std::uint64_t first = 0;
    {
        const AuthorityRef one = *table.intern(holder({"a"}));
        const AuthorityRef copy = one;
        first = copy->number();
        EXPECT_EQ(table.size(), 2U) << "with the broker's";
    }
    EXPECT_EQ(table.size(), 1U);
    EXPECT_GT((*table.intern(holder({"a"})))->number(), first);
}

TEST(Authority, ALoginNeverInternsIntoARevokedRecord) {
    AuthorityTable table{HashSeed{}};
    const auto old = *table.intern(holder({"a"}));
    EXPECT_EQ(old->version(), 1U);
    EXPECT_TRUE(table.revoke(old));
    EXPECT_FALSE(table.revoke(old)) << "once is for good";
    EXPECT_TRUE(old->revoked());
    EXPECT_EQ(old->version(), 2U);
    const auto fresh = *table.intern(holder({"a"}));
    EXPECT_NE(fresh, old);
    EXPECT_FALSE(fresh->revoked());
    EXPECT_TRUE(old->revoked());
}

TEST(Authority, ASweepMarksWhatItNamesAndNothingElse) {
    AuthorityTable table{HashSeed{}};
    std::vector<AuthorityRef> all;
    for (const char* name : {"a", "b", "c"}) {
        AuthorityData data = holder({name});
        data.revocation_keys = {std::string("role:") + name};
        all.push_back(*table.intern(data));
    }
    const auto swept =
        table.revoke_if([](const AuthorityData& d) { return d.revocation_keys[0] != "role:b"; });
    ASSERT_EQ(swept.size(), 2U);
    EXPECT_EQ(swept[0], all[0]);
    EXPECT_EQ(swept[1], all[2]);
    EXPECT_TRUE(all[0]->revoked());
    EXPECT_FALSE(all[1]->revoked());
    EXPECT_TRUE(all[2]->revoked());
}

TEST(Authority, NobodyLogsInAsTheBrokerAndNobodyRevokesIt) {
    AuthorityTable table{HashSeed{}};
    AuthorityData data;
    data.principal = {"local", PrincipalKind::Broker, "broker", 0};
    const auto forged = table.intern(data);
    ASSERT_TRUE(forged);
    EXPECT_FALSE(*forged) << "null, which denies everything";
    EXPECT_FALSE(table.revoke(table.broker()));
    EXPECT_FALSE(table.broker()->revoked());
    EXPECT_EQ(*table.restore(serialize(*table.broker())), table.broker());
}

TEST(Authority, TheStoredFormComesBackAsItWas) {
    AuthorityTable table{HashSeed{}};
    const auto one = *table.intern(full());
    const std::string blob = serialize(*one);
    const auto read = deserialize(blob);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->data, one->data());
    EXPECT_EQ(*table.restore(blob), one) << "live: the same record";

    table.revoke(one);
    const auto revoked = *table.restore(serialize(*one));
    EXPECT_TRUE(revoked->revoked()) << "a restart must not bring a right back";
    EXPECT_FALSE((*table.intern(full()))->revoked());

    AuthorityTable other{HashSeed{std::byte{9}}};
    EXPECT_EQ((*other.restore(blob))->data(), one->data());
}

TEST(Authority, DamagedBlobsAreRefused) {
    AuthorityTable table{HashSeed{}};
    const std::string blob = serialize(**table.intern(full()));
    for (std::size_t n = 0; n < blob.size(); ++n) {
        EXPECT_FALSE(deserialize(std::string_view(blob).substr(0, n))) << "cut at " << n;
    }
    EXPECT_FALSE(deserialize(blob + "x"));
    std::string newer = blob;
    newer[0] = 2;
    ASSERT_FALSE(deserialize(newer));
    EXPECT_TRUE(deserialize(newer).error().is(kBlobVersion));
    std::string bad_state = blob;
    bad_state[1] = 7;
    EXPECT_FALSE(deserialize(bad_state));
    SeededRandom random(5);
    for (int i = 0; i < 20'000; ++i) {  // must neither crash nor allocate what the blob merely claims
        std::string mangled = blob;
        for (int k = 0; k < 3; ++k)
            mangled[random.below(mangled.size())] = static_cast<char>(random.below(256));
        const auto read = deserialize(mangled);
        EXPECT_LE(read ? read->data.blocks.size() : 0, blob.size());
    }
}

TEST(Authority, WhatCouldNotBeStoredIsRefusedAtLogin) {
    AuthorityTable table{HashSeed{}};
    AuthorityData data = holder({"a"});
    data.principal.subject = std::string(kMaxAuthorityText + 1, 's');
    EXPECT_FALSE(table.intern(data));
    data = holder({"a"});
    data.blocks.resize(kMaxAuthorityItems + 1);
    EXPECT_FALSE(table.intern(data));
}

TEST(Authority, HandlesMayBeSharedBetweenThreads) {
    AuthorityTable table{HashSeed{}};
    const auto work = [&] {
        for (int i = 0; i < 3'000; ++i) {
            const AuthorityRef one = *table.intern(holder({"r" + std::to_string(i % 3)}));
            const AuthorityRef copy = one;
            if (i % 50 == 0) table.revoke(copy);
            ASSERT_EQ(copy->data().blocks.size(), 1U);
        }
    };
    {
        const std::jthread a(work);
        const std::jthread b(work);
        const std::jthread c(work);
    }
    EXPECT_EQ(table.size(), 1U) << "only the broker is left";
}

TEST(Authority, HandlesMayOutliveTheTable) {
    AuthorityRef left;
    {
        AuthorityTable table{HashSeed{}};
        left = *table.intern(holder({"a"}));
    }
    EXPECT_EQ(left->principal().subject, "device-7");
}

}  // namespace
}  // namespace latchkey::policy
