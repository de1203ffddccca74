// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "runtime/build/context_archive.h"
#include "runtime/build/copy_step.h"
#include "runtime/build/mount_points.h"
#include "runtime/build/source_tree.h"
#include "runtime/build/step_cache.h"
#include "runtime/file.h"
#include "tests/runtime/image/image_archives.h"
#include "tests/support/temp_dir.h"

namespace mete::testing {
namespace {

using namespace runtime::build;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

class BuildFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(dir_ / "context/dir/sub");
    for (const char* name : {"a.txt", "b.txt", "dir/a", "dir/sub/b", "dir/x.log"})
      write_file(dir_ / (std::string("context/") + name), name);
    write_file(dir_ / "outside", "the host's");
    std::filesystem::create_symlink("dir/a", dir_ / "context/inward");
    std::filesystem::create_symlink("/dir/a", dir_ / "context/absolute");
    std::filesystem::create_symlink("../outside", dir_ / "context/outward");
    std::filesystem::create_symlink("dir/x.log", dir_ / "context/to-ignored");
  }
  [[nodiscard]] SourceTree tree(const std::string& ignore = "") const {
    auto opened = SourceTree::open(dir_ / "context", *IgnoreRules::parse(ignore));
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  static std::vector<std::string> paths(const SourceTree& tree, const std::string& source) {
    const auto found = tree.find(source);
    EXPECT_TRUE(found) << source;
    std::vector<std::string> list;
    for (const SourceItem& item : found.value_or(std::vector<SourceItem>())) list.push_back(item.path);
    return list;
  }
  static std::string sum(const SourceTree& tree, const std::string& source) {
    CopyStep step{.keyword = "COPY", .parts = {}, .target = "/", .owner = {}, .mode = {}, .exclude = {}};
    for (const SourceItem& item : tree.find(source).value_or(std::vector<SourceItem>()))
      step.parts.push_back({.item = item, .content = {}, .file = {}, .name = item.name});
    return copy_sum(step, tree).value_or("none");
  }
  TempDir dir_;
};

using Paths = std::vector<std::string>;

TEST_F(BuildFiles, SourcesAreFoundWithinTheTree) {
  EXPECT_EQ(paths(tree(), "*.txt"), (Paths{"a.txt", "b.txt"}));
  EXPECT_EQ(paths(tree(), "/d?r/[a-b]"), (Paths{"dir/a"}));
  EXPECT_EQ(paths(tree(), "."), (Paths{""}));
  EXPECT_EQ(paths(tree(), "dir/../a.txt"), (Paths{"a.txt"}));
  EXPECT_EQ(paths(tree(), "inward"), (Paths{"dir/a"}));
  EXPECT_EQ(paths(tree(), "absolute"), (Paths{"dir/a"}));
  EXPECT_EQ(paths(tree(), "outward"), (Paths{})) << "the tree's root has nothing above it";
  EXPECT_EQ(paths(tree(), "none"), (Paths{}));
  EXPECT_FALSE(tree().find("../outside"));
}

TEST_F(BuildFiles, WhatIsIgnoredIsNotThere) {
  const SourceTree some = tree("**/*.log\ndir/sub\n");
  EXPECT_EQ(paths(some, "dir/x.log"), (Paths{}));
  EXPECT_EQ(paths(some, "to-ignored"), (Paths{})) << "by no link either";
  Paths seen;
  const auto visited = some.visit(some.find("dir")->front(), {}, [&](const auto& entry, int) -> Status {
    seen.push_back(entry.path);
    return {};
  });
  ASSERT_TRUE(visited);
  EXPECT_EQ(seen, (Paths{"", "a"}));
}

TEST_F(BuildFiles, TheSumIsOfContentAndModeAndNotOfTime) {
  const std::string before = sum(tree(), "dir");
  std::filesystem::last_write_time(dir_ / "context/dir/a", {});
  EXPECT_EQ(sum(tree(), "dir"), before);
  ASSERT_EQ(::chmod((dir_ / "context/dir/a").c_str(), 0600), 0);
  const std::string other_mode = sum(tree(), "dir");
  EXPECT_NE(other_mode, before);
  write_file(dir_ / "context/dir/a", "x");
  EXPECT_NE(sum(tree(), "dir"), other_mode);
  EXPECT_NE(sum(tree(), "a.txt"), sum(tree(), "b.txt"));
}

TEST_F(BuildFiles, MountPointsComeWithTheImagesFolders) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners are set";
  std::filesystem::create_directories(dir_ / "image/etc");
  std::filesystem::create_directories(dir_ / "image/run");
  std::filesystem::create_directories(dir_ / "layer");
  std::filesystem::create_symlink("/nowhere", dir_ / "image/etc/resolv.conf");
  std::filesystem::create_symlink("/run", dir_ / "image/way");
  write_file(dir_ / "image/etc/hosts", "");
  ASSERT_EQ(::chmod((dir_ / "image/etc").c_str(), 0711), 0);
  ASSERT_EQ(::chown((dir_ / "image/etc").c_str(), 5, 6), 0);
  const runtime::UniqueFd image(::open((dir_ / "image").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto made =
      make_mount_points(image.get(), dir_ / "layer",
                        {{"/proc", false}, {"/etc/hosts", true}, {"/etc/resolv.conf", true}, {"/way/a/b", true}});
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "layer/proc"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "layer/etc/hosts")) << "the image has it";
  EXPECT_TRUE(std::filesystem::is_regular_file(dir_ / "layer/etc/resolv.conf")) << "hides the link";
  EXPECT_TRUE(std::filesystem::is_regular_file(dir_ / "layer/run/a/b"));
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "layer/etc").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0711U);
  EXPECT_EQ(info.st_uid, 5U);
}

TEST_F(BuildFiles, AContextsFileIsARegularOne) {
  EXPECT_EQ(read_in_context(dir_ / "context", "a.txt", 100).value_or(""), "a.txt");
  EXPECT_FALSE(read_in_context(dir_ / "context", "outward", 100));
  EXPECT_FALSE(read_in_context(dir_ / "context", "dir", 100));
  EXPECT_FALSE(read_in_context(dir_ / "context", "a.txt", 2));
  EXPECT_TRUE(begins_archive("\x1f\x8b rest"));
  EXPECT_FALSE(begins_archive("FROM ubuntu\n"));
}

// docker's client adds a Dockerfile from elsewhere to the archive that it sends, and closes the pipe before the padding
// of the last entry and the end mark are written.
TEST_F(BuildFiles, AContextMayEndBehindItsLastContent) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners are set";
  const std::string content(600, 'x');  // two blocks of 512 bytes, the second with padding
  const std::string whole = tar({{.path = "a", .content = "first"}, {.path = "b", .content = content}}).substr(0, 4096);
  const std::size_t start = whole.find(content);
  ASSERT_NE(start, std::string::npos);
  ASSERT_EQ(start % 512, 0U);
  int times = 0;
  const auto unpack = [&](const std::string& bytes, std::size_t piece) -> Status {
    const std::string into = dir_ / ("unpacked-" + std::to_string(++times));
    std::filesystem::create_directories(into);
    std::size_t at = 0;
    METE_CHECK(unpack_context(
        [&, at](char* buffer, std::size_t size) mutable -> Result<std::size_t> {
          const std::size_t got = bytes.copy(buffer, std::min(size, piece), at);
          at += got;
          return got;
        },
        into));
    EXPECT_EQ(runtime::read_file(AT_FDCWD, into + "/a").value_or(""), "first");
    EXPECT_EQ(runtime::read_file(AT_FDCWD, into + "/b").value_or(""), content);
    return {};
  };
  const std::size_t end = start + content.size();
  const std::size_t padded = start + 1024;
  for (const std::size_t piece : {std::size_t{1} << 16U, std::size_t{512}, std::size_t{100}}) {
    for (const std::size_t size : {end, end + 1, padded - 1, padded, padded + 512, padded + 1024}) {
      const auto done = unpack(whole.substr(0, size), piece);
      EXPECT_TRUE(done) << size << ": " << done.error().what;
    }
    for (const std::size_t size : {end - 1, start + 512, start + 1, start, start - 1, start - 511, std::size_t{100}})
      EXPECT_FALSE(unpack(whole.substr(0, size), piece)) << size << " of " << start;
  }
  EXPECT_FALSE(unpack(whole.substr(0, padded + 512) + std::string(512, 'x'), 512)) << "a lone block of zeros";
  EXPECT_FALSE(unpack("", 512));
  EXPECT_FALSE(unpack(std::string("\x1f\x8b\x08", 3), 512)) << "a compressed one that is cut";
}

TEST_F(BuildFiles, StepsAreRememberedForAWeek) {
  const CachedStep step{5, "sha256:" + std::string(64, 'a')};
  {
    const auto cache = StepCache::open(dir_ / "store");
    ASSERT_TRUE(cache);
    EXPECT_FALSE(cache->find("key"));
    ASSERT_TRUE(cache->remember("key", step, "layer"));
    EXPECT_EQ(cache->find("key"), step);
    write_file(dir_ / "store/build/cache/broken", "{\"created\":1,\"diffId\":\"x\"}");
    EXPECT_FALSE(cache->find("broken"));
  }
  const timespec old[2] = {{std::time(nullptr) - 8 * 24 * 3600, 0}, {std::time(nullptr) - 8 * 24 * 3600, 0}};
  for (const char* name : {"store/build/cache/key", "store/build/kept/layer"})
    ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / name).c_str(), &old[0], 0), 0) << name;
  const auto later = StepCache::open(dir_ / "store");
  ASSERT_TRUE(later);
  EXPECT_FALSE(later->find("key"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "store/build/kept/layer"));
}

}  // namespace
}  // namespace mete::testing
