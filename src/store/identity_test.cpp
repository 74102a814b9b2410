// The identity of a data folder: numbers only ever rise, damage is refused.
// SPDX-License-Identifier: Apache-2.0
#include "store/identity.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "store/errors.h"

namespace latchkey::store {
namespace {

class IdentityTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "latchkey-identity-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        base_ = pattern;
        folder_ = pattern + "/a/data";
    }
    void TearDown() override { std::filesystem::remove_all(base_); }

    std::string file() const { return folder_ + "/identity"; }
    void write(const std::string& text) const { std::ofstream(file(), std::ios::trunc) << text; }
    std::string read() const {
        std::ifstream in(file());
        return {std::istreambuf_iterator<char>(in), {}};
    }

    SeededRandom random_{7};
    std::string base_;
    std::string folder_;
};

TEST_F(IdentityTest, ANewFolderGetsAnIdentityThatOnlyTheOwnerMayRead) {
    const auto identity = Identity::open(folder_, random_);
    ASSERT_TRUE(identity) << identity.error().message();
    EXPECT_EQ((*identity)->process_epoch(), 1U);
    EXPECT_EQ((*identity)->partitions(), kPartitions);
    struct stat found{};
    ASSERT_EQ(::stat(file().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat(folder_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0700U);
}

TEST_F(IdentityTest, ARestartKeepsTheSeedAndReusesNoNumber) {
    std::set<std::uint64_t> versions;
    std::set<std::uint32_t> epochs;
    HashSeed seed{};
    for (int start = 0; start < 4; ++start) {
        const auto identity = Identity::open(folder_, random_);
        ASSERT_TRUE(identity);
        if (start == 0) seed = (*identity)->placement_seed();
        EXPECT_EQ((*identity)->placement_seed(), seed);
        EXPECT_TRUE(epochs.insert((*identity)->process_epoch()).second);
        for (int i = 0; i < 3; ++i) {
            const auto version = (*identity)->next_policy_version();
            ASSERT_TRUE(version);
            EXPECT_TRUE(versions.insert(*version).second);
            EXPECT_EQ(*version, *versions.rbegin()) << "only ever upwards";
            // On disk before it was given out: a crash here may not lose it.
            const auto stored = read_identity(read());
            ASSERT_TRUE(stored);
            EXPECT_EQ(stored->policy_version, *version);
        }
    }
    EXPECT_EQ(versions.size(), 12U);
    EXPECT_EQ(epochs.size(), 4U);
    EXPECT_NE(seed, HashSeed{});
}

TEST_F(IdentityTest, TheFolderHasOneUserAtATime) {
    auto first = Identity::open(folder_, random_);
    ASSERT_TRUE(first);
    const auto second = Identity::open(folder_, random_);
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(kFolderInUse));
    first->reset();
    EXPECT_TRUE(Identity::open(folder_, random_));
}

TEST_F(IdentityTest, ADamagedFileIsRefusedAndLeftAsItIs) {
    ASSERT_TRUE(Identity::open(folder_, random_));
    const std::string good = read();
    std::vector<std::string> damaged{"", "{}", "null", "x" + good, good + good, std::string(5000, ' ')};
    for (std::size_t cut = 1; cut + 1 < good.size(); cut += 7)
        damaged.push_back(good.substr(0, cut));
    for (const std::string& text : damaged) {
        write(text);
        const auto opened = Identity::open(folder_, random_);
        ASSERT_FALSE(opened) << text;
        EXPECT_TRUE(opened.error().is(kIdentityUnusable)) << text;
        EXPECT_EQ(read(), text);
    }
}

TEST_F(IdentityTest, AFileThatCannotBeReadIsNotReplaced) {
    std::filesystem::create_directories(file());  // a folder stands where the file should
    const auto opened = Identity::open(folder_, random_);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(kIdentityUnusable));
}

TEST_F(IdentityTest, AFolderThatIsAFileIsRefused) {
    std::ofstream(base_ + "/plain") << "x";
    for (const std::string& folder : {base_ + "/plain", base_ + "/plain/data", std::string()}) {
        const auto opened = Identity::open(folder, random_);
        ASSERT_FALSE(opened) << folder;
        EXPECT_TRUE(opened.error().is(kFolderUnusable));
    }
}

TEST_F(IdentityTest, WhenProcessEpochsAreUsedUpTheFolderIsRefused) {
    ASSERT_TRUE(Identity::open(folder_, random_));
    auto record = read_identity(read());
    ASSERT_TRUE(record);
    record->process_epoch = (1U << 22) - 1;
    write(write_identity(*record));
    const auto opened = Identity::open(folder_, random_);
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(kIdentityUnusable));
}

struct RecordRow {
    const char* why;
    const char* text;
};
class BadRecord : public ::testing::TestWithParam<RecordRow> {};

TEST_P(BadRecord, IsRefused) {
    const auto read = read_identity(GetParam().text);
    ASSERT_FALSE(read) << GetParam().why;
    EXPECT_TRUE(read.error().is(kIdentityUnusable));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadRecord,
    ::testing::Values(
        RecordRow{"a later format",
                  R"({"format":2,"placement_seed":"00112233445566778899aabbccddeeff","partitions":1024,)"
                  R"("policy_version":1,"process_epoch":1})"},
        RecordRow{"a short seed", R"({"format":1,"placement_seed":"0011","partitions":1024,)"
                                  R"("policy_version":1,"process_epoch":1})"},
        RecordRow{"a seed that is not hexadecimal",
                  R"({"format":1,"placement_seed":"zz112233445566778899aabbccddeeff","partitions":1024,)"
                  R"("policy_version":1,"process_epoch":1})"},
        RecordRow{"another number of partitions",
                  R"({"format":1,"placement_seed":"00112233445566778899aabbccddeeff","partitions":512,)"
                  R"("policy_version":1,"process_epoch":1})"},
        RecordRow{"a negative version",
                  R"({"format":1,"placement_seed":"00112233445566778899aabbccddeeff","partitions":1024,)"
                  R"("policy_version":-1,"process_epoch":1})"},
        RecordRow{"a version as text",
                  R"({"format":1,"placement_seed":"00112233445566778899aabbccddeeff","partitions":1024,)"
                  R"("policy_version":"1","process_epoch":1})"},
        RecordRow{"a member too many",
                  R"({"format":1,"placement_seed":"00112233445566778899aabbccddeeff","partitions":1024,)"
                  R"("policy_version":1,"process_epoch":1,"more":1})"},
        RecordRow{"a member twice",
                  R"({"format":1,"placement_seed":"00112233445566778899aabbccddeeff","partitions":1024,)"
                  R"("policy_version":1,"policy_version":2,"process_epoch":1})"}));

TEST(IdentityRecordText, ComesBackAsItWas) {
    SeededRandom random(3);
    for (int i = 0; i < 200; ++i) {
        IdentityRecord record;
        random.fill(record.placement_seed);
        record.policy_version = random.next_u64() >> 2U;
        record.process_epoch = static_cast<std::uint32_t>(random.below((1U << 22) - 1));
        const auto read = read_identity(write_identity(record));
        ASSERT_TRUE(read);
        EXPECT_EQ(*read, record);
    }
}

}  // namespace
}  // namespace latchkey::store
