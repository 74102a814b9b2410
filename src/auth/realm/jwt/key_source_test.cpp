// Fetching keys: freshness, back-off, budgets against floods, and what a hostile provider gets.
// SPDX-License-Identifier: Apache-2.0
#include "auth/realm/jwt/key_source.h"

#include <gtest/gtest.h>

#include "support/auth_world.h"

namespace latchkey::auth {
namespace {

using std::chrono::seconds;

class KeySourceTest : public ::testing::Test {
  protected:
    KeySourceTest() { serve(jwk_set_a, ""); }

    void serve(const std::string& body, const std::string& cache_control) {
        world.fetcher.answer = [body, cache_control](const net::HttpRequest&) -> Result<net::HttpResponse> {
            return test::http_ok(body, cache_control);
        };
    }
    void provider_down() {
        world.fetcher.answer = [](const net::HttpRequest&) -> Result<net::HttpResponse> {
            return fail(net::kHttpUnreachable);
        };
    }
    std::shared_ptr<KeySource> make(seconds cache = seconds(1800)) {
        KeySourceConfig config;
        config.realm = "idp";
        config.url = "https://idp.example/keys";
        config.cache = cache;
        return std::make_shared<KeySource>(config, world.clock, world.fetcher, world.background.box,
                                           HashSeed{});
    }
    std::optional<Result<KeySnapshot>> current(KeySource& source) {
        std::optional<Result<KeySnapshot>> answer;
        const Attempt attempt = world.attempt(facts);
        source.current(attempt, [&](Result<KeySnapshot> got) { answer = std::move(got); });
        world.run();
        return answer;
    }
    std::optional<Result<KeySnapshot>> refetch(KeySource& source, std::string_view kid) {
        std::optional<Result<KeySnapshot>> answer;
        const Attempt attempt = world.attempt(facts);
        source.refetch(kid, attempt, [&](Result<KeySnapshot> got) { answer = std::move(got); });
        world.run();
        return answer;
    }
    std::size_t fetches() const { return world.fetcher.requests.size(); }

    test::AuthWorld world;
    Facts facts = test::connect_facts("u", "p");
    crypto::Signer a = test::make_signer();
    crypto::Signer b = test::make_signer();
    std::string jwk_set_a = test::jwk_set({&a});
    std::string jwk_set_b = test::jwk_set({&b});
};

TEST_F(KeySourceTest, ManyLoginsWaitForOneFetch) {
    auto source = make();
    world.fetcher.answer = nullptr;
    int answered = 0;
    const Attempt attempt = world.attempt(facts);
    for (int i = 0; i < 200; ++i)
        source->current(attempt,
                        [&](const Result<KeySnapshot>& got) { answered += got.has_value() ? 1 : 0; });
    EXPECT_EQ(fetches(), 1U);
    world.fetcher.answer_open([&](const net::HttpRequest&) { return test::http_ok(jwk_set_a); });
    world.run();
    EXPECT_EQ(answered, 200);
}

TEST_F(KeySourceTest, RefreshesInTheBackgroundFromEightyPercent) {
    auto source = make(seconds(100));
    ASSERT_TRUE(current(*source)->has_value());
    world.clock.pass(seconds(79));
    ASSERT_TRUE(current(*source)->has_value());
    EXPECT_EQ(fetches(), 1U);
    world.clock.pass(seconds(1));
    world.fetcher.answer = nullptr;
    ASSERT_TRUE(current(*source)->has_value()) << "nobody waits while the set is fresh";
    EXPECT_EQ(fetches(), 2U);
}

TEST_F(KeySourceTest, PastItsTimeTheSetIsRenewedBeforeUseAndWithdrawnKeysAreGone) {
    auto source = make(seconds(100));
    ASSERT_TRUE(current(*source)->has_value());
    serve(jwk_set_b, "");
    world.clock.pass(seconds(101));
    const auto renewed = current(*source);
    ASSERT_TRUE(renewed->has_value());
    EXPECT_EQ((*renewed)->keys->find_thumbprint(a.kid()), nullptr);
    EXPECT_NE((*renewed)->keys->find_thumbprint(b.kid()), nullptr);
}

TEST_F(KeySourceTest, A30TheOldSetServesWhileTheProviderIsDownButNotForEver) {
    auto source = make(seconds(100));
    ASSERT_TRUE(current(*source)->has_value());
    provider_down();
    world.clock.pass(seconds(101));
    EXPECT_TRUE(current(*source)->has_value());
    EXPECT_EQ(source->health().state, HealthState::Degraded);
    world.clock.pass(std::chrono::hours(25));
    const auto stale = current(*source);
    ASSERT_FALSE(stale->has_value());
    EXPECT_TRUE(stale->error().is(kKeysUnavailable));
}

TEST_F(KeySourceTest, AProviderThatWasDownIsUsedAgainWithinFiveSeconds) {
    auto source = make();
    provider_down();
    EXPECT_FALSE(current(*source)->has_value());
    EXPECT_EQ(source->health().state, HealthState::Down);
    EXPECT_FALSE(current(*source)->has_value());
    EXPECT_EQ(fetches(), 1U) << "no second request at once";
    serve(jwk_set_a, "");
    world.clock.pass(seconds(2));
    EXPECT_TRUE(current(*source)->has_value());
    EXPECT_EQ(source->health().state, HealthState::Ok);
}

TEST_F(KeySourceTest, AProviderThatHangsIsTriedAgainWithinFiveSeconds) {
    auto source = make();
    world.fetcher.answer = nullptr;
    const Attempt attempt = world.attempt(facts);
    std::optional<Result<KeySnapshot>> answer;
    source->current(attempt, [&](Result<KeySnapshot> got) { answer = std::move(got); });
    world.clock.pass(seconds(3));
    world.fetcher.expire(world.clock.mono());
    world.run();
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->has_value());
    serve(jwk_set_a, "");
    world.clock.pass(seconds(2));
    EXPECT_TRUE(current(*source)->has_value());
}

TEST_F(KeySourceTest, A31FiftyUnknownKeyIdsCostAtMostThreeFetchesAndOneMoreEachTenSeconds) {
    auto source = make();
    ASSERT_TRUE(current(*source)->has_value());
    int spent = 0;
    for (int i = 0; i < 50; ++i) {
        world.clock.pass(std::chrono::milliseconds(1));
        const auto got = refetch(*source, "kid" + std::to_string(i));
        if (!got->has_value() && got->error().is(kFetchBudgetSpent)) spent += 1;
    }
    EXPECT_EQ(fetches(), 1U + 3U);
    EXPECT_EQ(spent, 47);
    world.clock.pass(seconds(10));
    EXPECT_TRUE(refetch(*source, "later")->has_value());
    EXPECT_EQ(fetches(), 1U + 4U);
}

TEST_F(KeySourceTest, AnUnknownKeyIdIsRememberedForAMinute) {
    auto source = make();
    ASSERT_TRUE(current(*source)->has_value());
    world.clock.pass(seconds(1));
    source->remember_unknown("gone");
    const auto got = refetch(*source, "gone");
    ASSERT_FALSE(got->has_value());
    EXPECT_TRUE(got->error().is(kUnknownKey));
    EXPECT_EQ(fetches(), 1U);
    world.clock.pass(seconds(60));
    EXPECT_TRUE(refetch(*source, "gone")->has_value());
}

TEST_F(KeySourceTest, FailedFetchesDoNotSpendTheBudget) {
    auto source = make();
    ASSERT_TRUE(current(*source)->has_value());
    provider_down();
    for (int i = 0; i < 10; ++i) {
        world.clock.pass(seconds(2));
        const auto got = refetch(*source, "kid" + std::to_string(i));
        ASSERT_FALSE(got->has_value());
        EXPECT_TRUE(got->error().is(kKeysUnavailable)) << i;
    }
    serve(jwk_set_b, "");
    world.clock.pass(seconds(2));
    EXPECT_TRUE(refetch(*source, b.kid())->has_value());
}

TEST_F(KeySourceTest, A32HostileAnswersKeepTheOldSet) {
    const net::HttpResponse answers[] = {test::http_ok("<html>"),
                                         test::http_ok("{\"keys\":[]}"),
                                         test::http_ok("{}"),
                                         test::http_ok("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"),
                                         test::http_ok("{\"keys\":[],\"keys\":[]}"),
                                         test::http_ok(std::string(2 * 1024 * 1024, ' ')),
                                         {500, jwk_set_b, {}},
                                         {204, "", {}}};
    for (const net::HttpResponse& answer : answers) {
        serve(jwk_set_a, "");
        auto source = make(seconds(100));
        ASSERT_TRUE(current(*source)->has_value());
        world.fetcher.answer = [&](const net::HttpRequest&) -> Result<net::HttpResponse> { return answer; };
        world.clock.pass(seconds(101));
        const auto kept = current(*source);
        ASSERT_TRUE(kept->has_value());
        EXPECT_NE((*kept)->keys->find_thumbprint(a.kid()), nullptr);
        EXPECT_NE(source->health().state, HealthState::Ok);
    }
}

TEST_F(KeySourceTest, CacheControlCountsBetweenAMinuteAndADay) {
    const struct {
        const char* header;
        std::int64_t expected;
    } rows[] = {
        {"", 1800},          {"max-age=300", 300},         {"public, max-age=7200, must-revalidate", 7200},
        {"max-age=1", 60},   {"max-age=99999999", 86'400}, {"no-cache", 60},
        {"no-store", 60},    {"max-age=x", 1800},          {"max-age=99999999999999999999", 86'400},
        {"max-age=-5", 1800}};
    for (const auto& row : rows)
        EXPECT_EQ(freshness(row.header, seconds(1800)), seconds(row.expected)) << row.header;
}

TEST_F(KeySourceTest, WaitersAreAnsweredWhenItDrains) {
    auto source = make();
    world.fetcher.answer = nullptr;
    std::optional<Result<KeySnapshot>> answer;
    const Attempt attempt = world.attempt(facts);
    source->current(attempt, [&](Result<KeySnapshot> got) { answer = std::move(got); });
    source->drain();
    world.run();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->error().is(kDraining));
    EXPECT_TRUE(current(*source)->error().is(kDraining));
    EXPECT_TRUE(refetch(*source, "k")->error().is(kDraining));
}

TEST_F(KeySourceTest, AFileIsReadAtStartAndAnUnusableOneIsAnError) {
    const std::string path = ::testing::TempDir() + "latchkey_keys.json";
    const auto write = [&](const std::string& text) {
        std::FILE* file = std::fopen(path.c_str(), "w");
        ASSERT_NE(file, nullptr);
        std::fwrite(text.data(), 1, text.size(), file);
        std::fclose(file);
    };
    KeySourceConfig config;
    config.file = path;
    config.cache = seconds(100);
    const auto source = [&] {
        return std::make_shared<KeySource>(config, world.clock, world.fetcher, world.background.box,
                                           HashSeed{});
    };
    write("{\"keys\":[]}");
    EXPECT_FALSE(source()->prepare());
    write(jwk_set_a);
    auto good = source();
    ASSERT_TRUE(good->prepare());
    EXPECT_TRUE(current(*good)->has_value());
    write(jwk_set_b);
    world.clock.pass(seconds(101));
    const auto renewed = current(*good);
    ASSERT_TRUE(renewed->has_value());
    EXPECT_NE((*renewed)->keys->find_thumbprint(b.kid()), nullptr);
    EXPECT_EQ(fetches(), 0U);
    std::remove(path.c_str());
    EXPECT_FALSE(source()->prepare());
}

}  // namespace
}  // namespace latchkey::auth
