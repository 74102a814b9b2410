// Small pure pieces of the commands: quoting, form bodies, ids in a broker's words, the development
// configuration.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "app/client_command.h"
#include "app/dev_issuer.h"
#include "app/dev_mode.h"
#include "app/errors.h"
#include "app/files.h"
#include "app/registry.h"
#include "config/load.h"
#include "crypto/jws.h"
#include "policy/decision_ring.h"

namespace latchkey::app {
namespace {

class FixedClock final : public Clock {
  public:
    MonoTime mono() const override { return MonoTime{} + std::chrono::hours(1); }
    WallTime wall() const override { return WallTime{} + std::chrono::days(20'000); }
};

class DevFolderTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "latchkey dev-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        data_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(data_); }

    SeededRandom random_{11};
    FixedClock clock_;
    std::string data_;
};

TEST(ShellQuoted, WhatAShellWouldTouchIsQuoted) {
    EXPECT_EQ(shell_quoted("/opt/latchkey"), "/opt/latchkey");
    EXPECT_EQ(shell_quoted("/my data/x"), "'/my data/x'");
    EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_quoted(""), "''");
    EXPECT_EQ(shell_quoted("$(reboot)"), "'$(reboot)'");
}

TEST(FormMember, ReadsOneMemberAndRefusesWhatIsUnclear) {
    EXPECT_EQ(form_member("grant_type=client_credentials&scope=a+b", "scope"), "a b");
    EXPECT_EQ(form_member("a=%2B%2f&b=", "a"), "+/");
    EXPECT_EQ(form_member("a=1&b=", "b"), "");
    EXPECT_FALSE(form_member("a=1", "b"));
    EXPECT_FALSE(form_member("", "a"));
    EXPECT_FALSE(form_member("a=1&a=2", "a")) << "twice: which one is meant?";
    EXPECT_FALSE(form_member("a=%2", "a"));
    EXPECT_FALSE(form_member("a=%zz", "a"));
}

TEST(DecisionIn, FindsTheIdAmongTheWords) {
    const std::string id = policy::to_text(policy::DecisionId{123'456'789});
    EXPECT_EQ(decision_in("Not authorized (0x87): not authorized, decision " + id), id);
    EXPECT_EQ(decision_in("a d-b " + id + "."), id);
    EXPECT_EQ(decision_in("Not authorized (0x87)"), "");
    EXPECT_EQ(decision_in("d-"), "");
}

TEST_F(DevFolderTest, IsRandomPerFolderStableOverStartsAndForTheOwnerAlone) {
    const auto first = DevFolder::open(data_, random_, clock_);
    ASSERT_TRUE(first) << first.error().message();
    const auto again = DevFolder::open(data_, random_, clock_);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(first->id(), again->id());
    EXPECT_EQ(first->audience(), again->audience());
    EXPECT_EQ(first->signer().kid(), again->signer().kid());
    EXPECT_TRUE(first->clients()[0].secret.equals(again->clients()[0].secret.expose()));
    EXPECT_FALSE(first->clients()[0].secret.equals(first->clients()[1].secret.expose()));
    const auto other = DevFolder::open(data_ + "/other", random_, clock_);
    ASSERT_TRUE(other);
    EXPECT_NE(first->id(), other->id());
    EXPECT_NE(first->audience(), other->audience());
    for (const auto& entry : std::filesystem::directory_iterator(data_ + "/dev")) {
        struct stat found{};
        ASSERT_EQ(::stat(entry.path().c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0777U, 0600U) << entry.path();
    }
}

TEST_F(DevFolderTest, ADamagedFolderIsRefusedAndNotMadeAnew) {
    ASSERT_TRUE(DevFolder::open(data_, random_, clock_));
    for (const char* name : {"state.json", "issuer-key.pem", "ca.pem"}) {
        const std::string path = data_ + "/dev/" + name;
        const auto good = read_file(path);
        ASSERT_TRUE(good);
        std::filesystem::resize_file(path, 10);
        EXPECT_FALSE(DevFolder::open(data_, random_, clock_)) << name;
        ASSERT_EQ(std::filesystem::file_size(path), 10U);
        std::filesystem::remove(path);
        std::FILE* file = std::fopen(path.c_str(), "w");
        ASSERT_NE(file, nullptr);
        std::fputs(good->c_str(), file);
        std::fclose(file);
    }
    EXPECT_TRUE(DevFolder::open(data_, random_, clock_));
}

TEST_F(DevFolderTest, ItsConfigurationLoadsWithoutAFault) {
    auto folder = DevFolder::open(data_, random_, clock_);
    ASSERT_TRUE(folder);
    ASSERT_TRUE(folder->set_issuer_port(4711));
    config::LoadOptions options;
    const config::Loaded loaded =
        config::load_text(folder->file("latchkey.toml"), dev_config(*folder, 8080), options);
    EXPECT_TRUE(loaded.faults.empty()) << loaded.faults.to_text();
    ASSERT_TRUE(loaded.configuration);
    EXPECT_TRUE(loaded.configuration->concerns.empty());
    ASSERT_EQ(loaded.configuration->listeners.size(), 3U);
    for (const config::ListenerConfig& listener : loaded.configuration->listeners)
        EXPECT_EQ(listener.address, "127.0.0.1");
}

TEST_F(DevFolderTest, ItsTokensNameTheIssuerTheAudienceAndOneRole) {
    auto folder = DevFolder::open(data_, random_, clock_);
    ASSERT_TRUE(folder);
    const auto token = dev_token(*folder, "sensor", random_, clock_.wall());
    ASSERT_TRUE(token);
    const auto parsed = crypto::parse_compact(*token);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed->payload.find_string("iss"), folder->issuer());
    EXPECT_EQ(*parsed->payload.find_string("aud"), folder->audience());
    EXPECT_EQ(parsed->payload.find("roles")->array()->size(), 1U);
    const auto keys = crypto::parse_jwk_set(folder->signer().jwk_set());
    ASSERT_TRUE(keys);
    EXPECT_TRUE(crypto::verify(*parsed, *keys, crypto::kAsymmetric));
}

TEST_F(DevFolderTest, TheWelcomePutsEachCommandOnALineOfItsOwn) {
    auto folder = DevFolder::open(data_, random_, clock_);
    ASSERT_TRUE(folder);
    const std::string text = dev_welcome(
        *folder, "/opt/latchkey", folder->file("latchkey.toml"),
        {{"tcp", "tcp", "127.0.0.1", 1883}, {"tls", "tls", "127.0.0.1", 8883}}, "http://127.0.0.1:8080");
    for (const char* command :
         {"\n  /opt/latchkey sub ", "\n  /opt/latchkey pub ", "\n  /opt/latchkey explain --decision ID",
          "\n  /opt/latchkey explain --config '", "\n  /opt/latchkey token client-credentials "})
        EXPECT_NE(text.find(command), std::string::npos) << command << "\n" << text;
    for (const DevClient& client : folder->clients())
        EXPECT_EQ(text.find(client.secret.expose()), std::string::npos) << "secrets stay in their files";
}

}  // namespace
}  // namespace latchkey::app
