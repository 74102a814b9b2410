// FileWatch: every way in which certificates are renewed is seen once, and not before it is over.
// SPDX-License-Identifier: Apache-2.0
#include "app/file_watch.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace latchkey::app {
namespace {

class FileWatchTest : public testing::Test {
  protected:
    FileWatchTest() {
        std::string name = (std::filesystem::temp_directory_path() / "latchkey-watch-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        write("cert", "one");
        write("key", "one");
        watch_.reset({path("cert"), path("key")});
    }
    ~FileWatchTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }

    std::string folder_;
    FileWatch watch_;
};

TEST_F(FileWatchTest, WhatStandsStillIsNoChange) {
    EXPECT_FALSE(watch_.changed());
    EXPECT_FALSE(watch_.changed());
}

TEST_F(FileWatchTest, AChangeIsToldOnceAndOnlyWhenItStandsStill) {
    write("cert", "another one");
    EXPECT_FALSE(watch_.changed()) << "it may be half written";
    write("key", "another key");
    EXPECT_FALSE(watch_.changed()) << "the other file of the pair came meanwhile";
    EXPECT_TRUE(watch_.changed());
    EXPECT_FALSE(watch_.changed());
}

TEST_F(FileWatchTest, AFileThatIsReplacedByRenamingCounts) {
    write("new", "one");  // as long as the old one
    std::filesystem::last_write_time(path("new"), std::filesystem::last_write_time(path("cert")));
    std::filesystem::rename(path("new"), path("cert"));
    EXPECT_FALSE(watch_.changed());
    EXPECT_TRUE(watch_.changed());
}

TEST_F(FileWatchTest, ALinkThatPointsElsewhereCounts) {
    std::filesystem::create_symlink(path("cert"), path("link"));
    watch_.reset({path("link")});
    std::filesystem::remove(path("link"));
    std::filesystem::create_symlink(path("key"), path("link"));
    EXPECT_FALSE(watch_.changed());
    EXPECT_TRUE(watch_.changed());
}

TEST_F(FileWatchTest, AFileThatGoesAndOneThatComesCount) {
    std::filesystem::remove(path("cert"));
    EXPECT_FALSE(watch_.changed());
    EXPECT_TRUE(watch_.changed());
    write("cert", "back");
    EXPECT_FALSE(watch_.changed());
    EXPECT_TRUE(watch_.changed());
}

}  // namespace
}  // namespace latchkey::app
