// SPDX-License-Identifier: Apache-2.0
// A real tree: what it takes, step by step.
#include "collectors/usage_walker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace mete::collectors {
namespace {

namespace fs = std::filesystem;
using Clock = UsageWalker::Clock;

std::int64_t allocated(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_blocks * 512;
}

void write_file(const fs::path& path, std::size_t size) {
  std::ofstream(path) << std::string(size, 'x');
}

// Steps to the end of a round; how many it took.
int round_of(UsageWalker& walker) {
  int steps = 0;
  bool done = false;
  while (!done && steps < 10'000) {
    done = walker.step(walker.due());
    ++steps;
  }
  EXPECT_TRUE(done);
  return steps;
}

class UsageWalkerTest : public ::testing::Test {
 protected:
  UsageWalkerTest() : top_(fs::path(temp_.path()) / "upper") { fs::create_directory(top_); }
  mete::testing::TempDir temp_;
  fs::path top_;
};

TEST_F(UsageWalkerTest, CountsLinksOnceAndFollowsNone) {
  fs::create_directories(top_ / "a/b");
  write_file(top_ / "a/one", 100'000);
  write_file(top_ / "a/b/two", 50'000);
  fs::create_hard_link(top_ / "a/one", top_ / "a/b/again");
  write_file(fs::path(temp_.path()) / "outside", 1'000'000);
  fs::create_symlink(fs::path(temp_.path()) / "outside", top_ / "link");
  fs::create_directory_symlink(temp_.path(), top_ / "a/up");
  auto walker = UsageWalker::open(top_.string()).value();
  EXPECT_EQ(walker.usage(), nullptr) << "nothing is known before the first round";
  round_of(walker);
  const std::int64_t expected = allocated(top_) + allocated(top_ / "a") + allocated(top_ / "a/b") +
                                allocated(top_ / "a/one") + allocated(top_ / "a/b/two") + allocated(top_ / "link") +
                                allocated(top_ / "a/up");
  ASSERT_NE(walker.usage(), nullptr);
  EXPECT_EQ(walker.usage()->usage, Bytes(expected));
  EXPECT_GT(walker.usage()->limit.value_or(Bytes(0)), Bytes(expected));
  EXPECT_FALSE(walker.usage()->device.empty());
}

TEST_F(UsageWalkerTest, GoesInBoundedStepsAndRestsBetween) {
  for (int i = 0; i < 500; ++i) write_file(top_ / ("file" + std::to_string(i)), 10);
  UsageWalkOptions options;
  options.entries = 50;
  options.time = std::chrono::seconds(1);
  auto walker = UsageWalker::open(top_.string(), options).value();
  std::uint64_t before = 0;
  const auto now = Clock::now();
  EXPECT_FALSE(walker.step(now));
  EXPECT_LE(walker.entries(), 50U);
  EXPECT_GT(walker.due(), now) << "one hundredth of the time, at most";
  before = walker.entries();
  EXPECT_FALSE(walker.step(now)) << "not yet";
  EXPECT_EQ(walker.entries(), before);
  EXPECT_GE(round_of(walker), 9);
  EXPECT_EQ(walker.entries(), 500U);
  EXPECT_GE(walker.due(), now + options.every) << "the next round comes later";
}

TEST_F(UsageWalkerTest, WhatVanishesIsNoError) {
  fs::create_directories(top_ / "a/b/c");
  for (int i = 0; i < 100; ++i) write_file(top_ / "a/b" / std::to_string(i), 10);
  UsageWalkOptions options;
  options.entries = 10;
  auto walker = UsageWalker::open(top_.string(), options).value();
  walker.step(walker.due());
  walker.step(walker.due());
  fs::remove_all(top_ / "a");
  round_of(walker);
  ASSERT_NE(walker.usage(), nullptr);
  const auto last = walker.usage();
  fs::rename(top_, top_.string() + ".old");
  EXPECT_FALSE(walker.step(walker.due()));
  fs::create_directory(top_);
  for (int i = 0; i < 100; ++i) write_file(top_ / std::to_string(i), 10);
  EXPECT_FALSE(walker.step(walker.due())) << "another directory is not measured";
  EXPECT_EQ(walker.usage(), last);
  EXPECT_FALSE(UsageWalker::open((top_ / "gone").string()));
}

TEST_F(UsageWalkerTest, ADeepTreeDoesNotTakeAllDescriptors) {
  const int top = ::open(top_.c_str(), O_RDONLY | O_DIRECTORY);
  int at = top;
  for (int depth = 0; depth < 600; ++depth) {
    ASSERT_EQ(::mkdirat(at, "d", 0755), 0);
    const int next = ::openat(at, "d", O_RDONLY | O_DIRECTORY);
    ::close(at);
    at = next;
  }
  ::close(at);
  auto walker = UsageWalker::open(top_.string()).value();
  round_of(walker);
  EXPECT_LE(walker.entries(), 250U);
}

TEST(MountsTest, TheDeviceIsTheOneOfTheNumber) {
  const std::string text =
      "30 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n24 30 0:22 / /proc rw - proc proc rw\nbad\n31 30 0:40 "
      "/ /x rw -\n";
  EXPECT_EQ(device_of_mount(text, 254, 1), "/dev/vda1");
  EXPECT_EQ(device_of_mount(text, 0, 22), "proc");
  EXPECT_EQ(device_of_mount(text, 0, 40), "");
  EXPECT_EQ(device_of_mount("", 0, 1), "");
}

}  // namespace
}  // namespace mete::collectors
