// SPDX-License-Identifier: Apache-2.0
#include "runtime/file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

namespace mete::runtime {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    char path[] = "/tmp/mete-file-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~FileTest() override { std::filesystem::remove_all(root_); }
  std::string root_;
};

TEST_F(FileTest, ReplaceIsReadBackAndLeavesNoTemporary) {
  ASSERT_TRUE(replace_file(root_ + "/a", "one"));
  ASSERT_TRUE(replace_file(root_ + "/a", "two"));
  EXPECT_EQ(read_file(AT_FDCWD, root_ + "/a").value(), "two");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/a.tmp"));
}

// As builds do that end together.
TEST_F(FileTest, ManyMayReplaceOneFileAtOnce) {
  const std::string path = root_ + "/a";
  std::atomic<int> failed{0};
  std::vector<std::thread> writers;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    writers.emplace_back([&, letter] {
      for (std::size_t i = 1; i <= 500; ++i)
        failed += replace_file(path, std::string(i, letter), 0600, Durability::volatile_) ? 0 : 1;
    });
  }
  for (int i = 0; i < 500; ++i) {
    const std::string text = read_file(AT_FDCWD, path).value_or("");  // none yet
    EXPECT_EQ(text, std::string(text.size(), text.empty() ? ' ' : text.front()));
  }
  for (auto& each : writers) each.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(read_file(AT_FDCWD, path).value().size(), 500U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root_), std::filesystem::directory_iterator()), 1);
}

TEST_F(FileTest, AReplaceIntoWhatACrashLeft) {
  ASSERT_TRUE(stage_file(root_ + "/a", "longer than what comes", 0600, Durability::volatile_));
  ASSERT_TRUE(replace_file(root_ + "/a", "short"));
  EXPECT_EQ(read_file(AT_FDCWD, root_ + "/a").value(), "short");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/a.tmp"));
}

TEST_F(FileTest, AReplaceThatFailsKeepsTheOldText) {
  ASSERT_TRUE(make_directories(root_ + "/dir"));
  ASSERT_TRUE(replace_file(root_ + "/dir/in", "x"));
  EXPECT_FALSE(replace_file(root_ + "/dir", "text"));  // a directory cannot be replaced by a file
  EXPECT_EQ(read_file(AT_FDCWD, root_ + "/dir/in").value(), "x");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/dir.tmp"));
}

TEST_F(FileTest, ASocketIsReadToItsEnd) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  ASSERT_TRUE(write_all(ends[0], "text"));
  ::close(ends[0]);
  EXPECT_EQ(read_all(ends[1], "it").value(), "text");
  ::close(ends[1]);
}

TEST_F(FileTest, ReadRefusesMoreThanItsLimit) {
  ASSERT_TRUE(replace_file(root_ + "/a", std::string(100, 'x')));
  EXPECT_EQ(read_file(AT_FDCWD, root_ + "/a", 100)->size(), 100U);
  const auto cut = read_file(AT_FDCWD, root_ + "/a", 99);
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().what.find(root_ + "/a"), std::string::npos);
}

TEST_F(FileTest, ReadsProcfsWhichHasNoSize) {
  EXPECT_FALSE(read_file(AT_FDCWD, "/proc/self/status")->empty());
}

TEST_F(FileTest, ControlFilesAreNeverCreated) {
  EXPECT_FALSE(write_control(AT_FDCWD, root_ + "/none", "1"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/none"));
}

TEST_F(FileTest, RemoveTreeDoesNotFollowLinks) {
  ASSERT_TRUE(make_directories(root_ + "/keep"));
  ASSERT_TRUE(replace_file(root_ + "/keep/file", "x"));
  ASSERT_TRUE(make_directories(root_ + "/gone/deep/er"));
  ASSERT_EQ(::symlink((root_ + "/keep").c_str(), (root_ + "/gone/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(root_ + "/gone"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/gone"));
  EXPECT_TRUE(std::filesystem::exists(root_ + "/keep/file"));
  EXPECT_TRUE(remove_tree(root_ + "/gone")) << "a missing tree is fine";
  EXPECT_FALSE(remove_tree(root_ + "/keep/.."));
}

TEST_F(FileTest, ATreeOfManyNamesIsRemoved) {
  for (int i = 0; i < 500; ++i) {
    const std::string name = root_ + "/tree/" + std::string(100, 'n') + std::to_string(i);
    ASSERT_TRUE(make_directories(name + "/below"));
    ASSERT_TRUE(replace_file(name + ".file", "x"));
  }
  ASSERT_TRUE(remove_tree(root_ + "/tree"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/tree"));
}

TEST_F(FileTest, MakeDirectoriesMakesWhatIsMissing) {
  for (const char* path : {"/a", "/a/b/c/d", "/a/b/", "/e/f/"}) {
    ASSERT_TRUE(make_directories(root_ + path)) << path;
    EXPECT_TRUE(std::filesystem::is_directory(root_ + path)) << path;
  }
  EXPECT_TRUE(make_directories("/"));
}

TEST_F(FileTest, MakeDirectoriesNamesTheFileInItsWay) {
  ASSERT_TRUE(replace_file(root_ + "/file", "x"));
  EXPECT_FALSE(make_directories(root_ + "/file"));
  EXPECT_FALSE(make_directories(root_ + "/file/below"));
}

TEST_F(FileTest, ATreeTooDeepForAnyPathIsRemoved) {
  // Made as a container can make it: by going down step by step.
  constexpr int kDepth = 20'000;
  ASSERT_TRUE(make_directories(root_ + "/tree/beside/it"));
  UniqueFd at = open_at(AT_FDCWD, root_ + "/tree", O_RDONLY | O_DIRECTORY).value();
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "deep", 0755), 0);
    at = open_at(at.get(), "deep", O_RDONLY | O_DIRECTORY).value();
  }
  ASSERT_EQ(::mkdirat(at.get(), ".deep-1", 0755), 0);
  at.reset();
  const auto removed = remove_tree(root_ + "/tree");
  ASSERT_TRUE(removed) << removed.error().what;
  EXPECT_TRUE(std::filesystem::is_empty(root_));
}

}  // namespace
}  // namespace mete::runtime
