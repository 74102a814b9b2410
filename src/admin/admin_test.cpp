// The admin port without a broker.
// SPDX-License-Identifier: Apache-2.0
#include "admin/admin.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "net/http_client.h"

namespace latchkey::admin {
namespace {

TEST(HealthJson, TellsStateReasonsAndListeners) {
    const auto json = json::parse(to_json({.state = auth::HealthState::Degraded,
                                           .reasons = {"realm \"x\" is down"},
                                           .listeners = {{"tls", "tls", "127.0.0.1", 8883}},
                                           .policy_version = 7}));
    ASSERT_TRUE(json);
    EXPECT_EQ(*json->find_string("status"), "degraded");
    EXPECT_EQ(*json->pointer("/reasons/0")->string(), "realm \"x\" is down");
    EXPECT_EQ(json->pointer("/listeners/0/port")->as_int64(), 8883);
    EXPECT_EQ(json->find("policy_version")->as_int64(), 7);
}

class AdminPort : public ::testing::Test {
  protected:
    int status_of(const Admin& admin, const std::string& path) const {
        net::HttpRequest request;
        request.url = "http://" + admin.address().with_port() + path;
        request.deadline = clock_.mono() + std::chrono::seconds(10);
        const auto response = net::fetch_blocking(clock_, std::move(request));
        return response ? response->status : 0;
    }
    SystemClock clock_;
};

TEST_F(AdminPort, DegradedIs200AndDownIs503) {
    auth::HealthState state = auth::HealthState::Degraded;
    auto admin = Admin::start({.health = [&state] { return HealthReport{.state = state}; }});
    ASSERT_TRUE(admin) << admin.error().message();
    EXPECT_EQ(status_of(**admin, "/health"), 200);
    (*admin)->stop();
    state = auth::HealthState::Down;
    admin = Admin::start({.health = [&state] { return HealthReport{.state = state}; }});
    ASSERT_TRUE(admin);
    EXPECT_EQ(status_of(**admin, "/health"), 503);
}

TEST_F(AdminPort, WithoutABrokerDecisionsAndTotalsAreNotReady) {
    const auto admin = Admin::start({.health = [] { return HealthReport{}; }});
    ASSERT_TRUE(admin);
    EXPECT_EQ(status_of(**admin, "/decisions"), 503);
    EXPECT_EQ(status_of(**admin, "/decisions/d-0123456789abc"), 503);
    EXPECT_EQ(status_of(**admin, "/status"), 503);
    EXPECT_EQ(status_of(**admin, "/nothing"), 404);
}

TEST_F(AdminPort, AnAddressBeyondThisMachineIsRefused) {
    const auto admin = Admin::start({.address = "0.0.0.0", .health = [] { return HealthReport{}; }});
    EXPECT_FALSE(admin);
}

}  // namespace
}  // namespace latchkey::admin
