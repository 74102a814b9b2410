// The lines of both logs to the letter, and that none is ever lost.
// SPDX-License-Identifier: Apache-2.0
#include "auth/login_log.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/json.h"

namespace latchkey::auth {
namespace {

const WallTime kAt{std::chrono::milliseconds(1'574'697'024'774)};

LoginResult result(Outcome outcome) {
    LoginResult made;
    made.outcome = outcome;
    made.realm = "idp";
    made.client_id = "no-token-client";
    made.principal = {"idp", policy::PrincipalKind::Client, "app", 0};
    made.audit.listener = "tls";
    made.audit.remote_address = "127.0.0.1";
    made.audit.issuer = "https://a";
    made.audit.roles = {"niagara4"};
    made.cause = outcome == Outcome::Granted ? Error(kNoCause) : Error(kWrongAudience);
    return made;
}

json::Value parsed(const std::string& line) {
    auto value = json::parse(line);
    EXPECT_TRUE(value) << line;
    return value ? *std::move(value) : json::Value();
}

TEST(AccessLog, LinesAreEsesToTheLetter) {
    EXPECT_EQ(access_line_failed(kAt, "no-token-client", "127.0.0.1"),
              "2019-11-25 15:50:24,774 UTC - authentication-failed - Client failed authentication: ID "
              "no-token-client, IP 127.0.0.1, reason \"unknown authentication key or wrong authentication "
              "secret\".");
    const WallTime later{std::chrono::milliseconds(1'574'698'673'309)};
    EXPECT_EQ(access_line_authenticated(later, "token-client", "127.0.0.1"),
              "2019-11-25 16:17:53,309 UTC - authentication-succeeded - Client succeeded authentication: ID "
              "token-client, IP 127.0.0.1.");
    EXPECT_EQ(
        access_line_authorized(later, "c", "::1", {}),
        "2019-11-25 16:17:53,309 UTC - authorization-succeeded - Client succeeded authorization: ID c, IP "
        "::1, permissions [].");
}

TEST(AccessLog, PermissionsListTheirDimensions) {
    const LoggedPermission one{"a/+", {true, false, true}, true, false, false, false, "", "r1"};
    const LoggedPermission two{"b", {false, true, false}, false, true, false, true, "g1", "r2"};
    const LoggedPermission both[] = {one, two};
    const std::string line = access_line_authorized(kAt, "c", "::1", both);
    EXPECT_NE(
        line.find("permissions [Permission{topicFilter='a/+', qos=[0, 2], activity=[publish], "
                  "retainedPublishAllowed=false, sharedSubscribeAllowed=false, sharedGroup='', from='r1'}, "
                  "Permission{topicFilter='b', qos=[1], activity=[subscribe], retainedPublishAllowed=false, "
                  "sharedSubscribeAllowed=true, sharedGroup='g1', from='r2'}]."),
        std::string::npos)
        << line;
}

TEST(AccessLog, OneEventIsOneLineWhateverTheClientCallsItself) {
    const LoggedPermission hostile{"t\n'}", {true, true, true}, true, true, true, true, "\r", "x\"y"};
    for (const std::string id : {"a\nb", "a\r\nb", "\x1b[31m", "q\"uote\\", "\u202ebidi", "\xc2\x85nel"}) {
        for (const std::string& line :
             {access_line_failed(kAt, id, "::1"), access_line_authenticated(kAt, id, "::1"),
              access_line_authorized(kAt, id, "::1", {&hostile, 1})}) {
            for (const char c : line)
                EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20) << line;
            EXPECT_EQ(line.find(id), std::string::npos) << line;
        }
    }
}

TEST(LoginLog, ARefusalTellsEseNothingAndTheAuditEverything) {
    MemoryLineLog access;
    MemoryLineLog audit;
    LoginLog log(&access, audit);
    ASSERT_TRUE(log.begin());
    log.refused(result(Outcome::Refused), kAt);
    ASSERT_EQ(access.lines().size(), 1U);
    EXPECT_NE(access.lines()[0].find(kEseFailureText), std::string::npos);
    ASSERT_EQ(audit.lines().size(), 1U);
    const json::Value line = parsed(audit.lines()[0]);
    EXPECT_EQ(*line.find_string("event"), "login_refused");
    EXPECT_EQ(*line.find_string("cause"), "wrong_audience");
    EXPECT_EQ(*line.find_string("realm"), "idp");
    EXPECT_EQ(*line.find_string("time"), "2019-11-25T15:50:24.774Z");
}

TEST(LoginLog, AGrantWritesBothAccessLinesAndOneAuditLine) {
    MemoryLineLog access;
    MemoryLineLog audit;
    LoginLog log(&access, audit);
    ASSERT_TRUE(log.begin());
    log.granted(result(Outcome::Granted), {}, kAt);
    ASSERT_EQ(access.lines().size(), 2U);
    const json::Value line = parsed(audit.lines()[0]);
    EXPECT_EQ(*line.find_string("principal"), "idp/client/app");
    EXPECT_EQ(*line.find_string("issuer"), "https://a");
    EXPECT_EQ(*line.find_string("listener"), "tls");
    EXPECT_EQ(line.find("roles")->array()->size(), 1U);
}

TEST(LoginLog, AFailureIsToldApartInTheAudit) {
    MemoryLineLog audit;
    LoginLog log(nullptr, audit);
    ASSERT_TRUE(log.begin());
    log.refused(result(Outcome::Failed), kAt);
    EXPECT_EQ(*parsed(audit.lines()[0]).find_string("event"), "login_failed");
}

TEST(LoginLog, PlacesAreSetAsideAndAFullLogPushesLoginsBack) {
    MemoryLineLog access(4);
    MemoryLineLog audit(4);
    LoginLog log(&access, audit);
    EXPECT_TRUE(log.begin());
    EXPECT_TRUE(log.begin());
    EXPECT_FALSE(log.begin()) << "two lines each in the access log";
    log.abandoned();
    EXPECT_TRUE(log.begin());
    log.refused(result(Outcome::Refused), kAt);
    EXPECT_EQ(access.lines().size(), 1U);
    EXPECT_FALSE(log.begin()) << "one written, two set aside";
    log.granted(result(Outcome::Granted), {}, kAt);
    EXPECT_EQ(access.lines().size(), 3U);
    audit.set_broken(true);
    EXPECT_FALSE(log.begin());
    EXPECT_EQ(log.health().state, HealthState::Degraded);
}

TEST(LoginLog, AuditEventsLeaveOutWhatIsEmptyAndEscapeTheRest) {
    AuditEvent event;
    event.event = "publish_denied";
    event.client = "c\n\"1";
    event.topic = "t";
    event.decision = "d-1";
    const std::string line = audit_line(kAt, event);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const json::Value value = parsed(line);
    EXPECT_EQ(*value.find_string("client"), "c\n\"1");
    EXPECT_EQ(*value.find_string("decision"), "d-1");
    EXPECT_EQ(value.find("rule"), nullptr);
}

class FileLineLogTest : public ::testing::Test {
  protected:
    FileLineLogTest() : folder_(::testing::TempDir() + "latchkey_lines_XXXXXX") {
        EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    }
    ~FileLineLogTest() override { std::filesystem::remove_all(folder_); }
    std::string path() const { return folder_ + "/log/access/access.log"; }
    std::string text() const {
        std::ifstream in(path());
        std::stringstream all;
        all << in.rdbuf();
        return all.str();
    }
    std::string folder_;
};

TEST_F(FileLineLogTest, LinesArriveInOrderInAFileThatNobodyElseReads) {
    auto log = FileLineLog::open({.path = path()});
    ASSERT_TRUE(log) << log.error().message();
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE((*log)->reserve(1));
        (*log)->append("line " + std::to_string(i), true);
        expected += "line " + std::to_string(i) + "\n";
        if (i % 100 == 0) (*log)->flush();
    }
    (*log)->flush();
    EXPECT_EQ(text(), expected);
    struct stat info{};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat((folder_ + "/log").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(FileLineLogTest, ManyWritersLoseNothingAndClosingWritesWhatWaits) {
    {
        auto log = FileLineLog::open({.path = path(), .queue_lines = 64});
        ASSERT_TRUE(log);
        std::vector<std::thread> writers;
        for (int writer = 0; writer < 4; ++writer)
            writers.emplace_back([&] {
                for (int i = 0; i < 500; ++i) {
                    while (!(*log)->reserve(1))
                        (*log)->flush();
                    (*log)->append("x", true);
                }
            });
        for (std::thread& writer : writers)
            writer.join();
    }
    EXPECT_EQ(text().size(), 2U * 2000U);
}

TEST_F(FileLineLogTest, PlacesRunOutAndComeBack) {
    auto log = FileLineLog::open({.path = path(), .queue_lines = 2});
    ASSERT_TRUE(log);
    EXPECT_TRUE((*log)->reserve(2));
    EXPECT_FALSE((*log)->reserve(1));
    (*log)->release(2);
    EXPECT_TRUE((*log)->reserve(1));
}

TEST_F(FileLineLogTest, AFileThatCannotBeOpenedOrWrittenIsAnErrorAndLoginsArePushedBack) {
    EXPECT_FALSE(FileLineLog::open({.path = "/proc/latchkey/none/access.log"}));
    auto log = FileLineLog::open({.path = "/dev/full"});
    ASSERT_TRUE(log);
    ASSERT_TRUE((*log)->reserve(1));
    (*log)->append("lost?", true);
    (*log)->flush();
    EXPECT_EQ((*log)->health().state, HealthState::Degraded);
    EXPECT_FALSE((*log)->reserve(1));
}

TEST_F(FileLineLogTest, LinesWithoutAPlaceDoNotFillTheMemoryWhenTheFileIsFull) {
    auto log = FileLineLog::open({.path = "/dev/full", .queue_lines = 4});
    ASSERT_TRUE(log);
    for (int i = 0; i < 100; ++i)
        (*log)->append("denied", false);
    (*log)->flush();
    const Health health = (*log)->health();
    ASSERT_EQ(health.reasons.size(), 2U);
    EXPECT_EQ(health.reasons[1].detail(), "92 lines are missing");
    // A login that was let in has its line whatever else waits.
    (*log)->append("login", true);
    (*log)->flush();
    EXPECT_EQ((*log)->health().reasons[1].detail(), "92 lines are missing");
}

}  // namespace
}  // namespace latchkey::auth
