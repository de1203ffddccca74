// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "runtime/fd.h"
#include "runtime/storage/place.h"
#include "runtime/storage/tree_copy.h"
#include "runtime/storage/tree_difference.h"
#include "tests/support/temp_dir.h"

namespace mete::testing {
namespace {

namespace fs = std::filesystem;
using runtime::UniqueFd;
using runtime::storage::CopyContent;
using runtime::storage::TreeCopy;

void write_text(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string text_in(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::set<std::string> paths_below(const std::string& root) {
  std::set<std::string> found;
  for (const auto& each : fs::recursive_directory_iterator(root))
    found.insert(fs::relative(each.path(), root).string());
  return found;
}

UniqueFd opened(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

Status add_layer(const std::string& layer, const std::string& tree) {
  const UniqueFd from = opened(layer);
  const UniqueFd to = opened(tree);
  return TreeCopy(to.get()).add_directory(from.get(), to.get());
}

void make_whiteout(const std::string& path) {
  ASSERT_EQ(::mknod(path.c_str(), S_IFCHR, makedev(0, 0)), 0);
}

ino_t inode_of(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

class StorageTrees : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* each : {"lower", "upper", "tree", "out"}) fs::create_directories(dir_ / each);
    write_text(dir_ / "lower/etc/passwd", "root");
    write_text(dir_ / "lower/etc/group", "wheel");
    write_text(dir_ / "lower/var/log/old", "old");
    fs::create_hard_link(dir_ / "lower/etc/passwd", dir_ / "lower/etc/passwd-");
    fs::create_symlink("etc", dir_ / "lower/link");
    ::chmod((dir_ / "lower/etc/group").c_str(), 04755);
  }
  TempDir dir_;
};

TEST_F(StorageTrees, LayersBecomeOneTree) {
  make_whiteout(dir_ / "upper/link");
  fs::create_directories(dir_ / "upper/etc");
  make_whiteout(dir_ / "upper/etc/group");
  write_text(dir_ / "upper/var", "a file where a directory was");
  ASSERT_TRUE(add_layer(dir_ / "lower", dir_ / "tree"));
  EXPECT_EQ(paths_below(dir_ / "tree"), paths_below(dir_ / "lower"));
  EXPECT_EQ(inode_of(dir_ / "tree/etc/passwd"), inode_of(dir_ / "tree/etc/passwd-"));
  EXPECT_EQ(fs::read_symlink(dir_ / "tree/link"), "etc");
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "tree/etc/group").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 04755U);
  ASSERT_TRUE(add_layer(dir_ / "upper", dir_ / "tree"));
  EXPECT_EQ(paths_below(dir_ / "tree"), std::set<std::string>({"etc", "etc/passwd", "etc/passwd-", "var"}));
  EXPECT_EQ(text_in(dir_ / "tree/var"), "a file where a directory was");
}

TEST_F(StorageTrees, ACopyHasTheTimesAndNoBlocksForHoles) {
  ASSERT_EQ(::truncate((dir_ / "lower/etc/group").c_str(), 64 << 20), 0);
  const timespec times[2] = {{1'000'000'000, 5}, {1'000'000'000, 7}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / "lower/var").c_str(), times, 0), 0);
  ASSERT_TRUE(add_layer(dir_ / "lower", dir_ / "tree"));
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "tree/var").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(info.st_mtim.tv_nsec, 7);
  ASSERT_EQ(::stat((dir_ / "tree/etc/group").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 64 << 20);
  EXPECT_LT(info.st_blocks * 512, 1 << 20);
}

TEST_F(StorageTrees, EqualTreesHaveNoDifference) {
  ASSERT_TRUE(add_layer(dir_ / "lower", dir_ / "tree"));
  ASSERT_TRUE(runtime::storage::write_difference(dir_ / "lower", dir_ / "tree", dir_ / "out", CopyContent::kAll));
  EXPECT_TRUE(fs::is_empty(dir_ / "out"));
}

TEST_F(StorageTrees, ADifferenceHasTheFormOfAWritableLayer) {
  ASSERT_TRUE(add_layer(dir_ / "lower", dir_ / "tree"));
  fs::remove_all(dir_ / "tree/var");
  fs::remove(dir_ / "tree/link");
  write_text(dir_ / "tree/link/new", "a directory where a link was");
  write_text(dir_ / "tree/etc/group", "longer than before");
  write_text(dir_ / "tree/srv/made", "made");
  ASSERT_TRUE(runtime::storage::write_difference(dir_ / "lower", dir_ / "tree", dir_ / "out", CopyContent::kAll));
  EXPECT_EQ(paths_below(dir_ / "out"),
            std::set<std::string>({"etc", "etc/group", "link", "link/new", "srv", "srv/made", "var"}));
  EXPECT_EQ(text_in(dir_ / "out/etc/group"), "longer than before");
  struct stat info {};
  ASSERT_EQ(::lstat((dir_ / "out/var").c_str(), &info), 0);
  EXPECT_TRUE(runtime::storage::is_whiteout(info));
  // On top of what it was made of, it gives the same again.
  ASSERT_TRUE(add_layer(dir_ / "out", dir_ / "lower"));
  EXPECT_EQ(paths_below(dir_ / "lower"), paths_below(dir_ / "tree"));
}

TEST_F(StorageTrees, SizesAloneTakeNoBlocks) {
  ASSERT_TRUE(add_layer(dir_ / "lower", dir_ / "tree"));
  write_text(dir_ / "tree/big", std::string(4 << 20, 'x'));
  ASSERT_TRUE(runtime::storage::write_difference(dir_ / "lower", dir_ / "tree", dir_ / "out", CopyContent::kSizeOnly));
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "out/big").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 4 << 20);
  EXPECT_EQ(info.st_blocks, 0);
}

TEST_F(StorageTrees, APlaceTellsWhatIsInIt) {
  using runtime::storage::written_in;
  const std::string place = dir_ / "place";
  EXPECT_FALSE(written_in(place));
  fs::create_directories(place + "/diff");
  EXPECT_EQ(written_in(place)->upper, place + "/diff");
  // As an earlier version named it; the next attempt has it under the present name.
  const std::string earlier = dir_.path() + "/earlier";
  const std::string next = dir_.path() + "/next";
  fs::create_directories(earlier + "/upper/written");
  fs::create_directories(next);
  EXPECT_EQ(written_in(earlier)->upper, earlier + "/upper");
  ASSERT_TRUE(runtime::storage::move_written(earlier, next));
  EXPECT_EQ(written_in(next)->upper, next + "/diff");
  EXPECT_TRUE(fs::exists(next + "/diff/written"));
  fs::create_directories(place + "/tree");
  fs::create_symlink("/the/base", place + "/tree-base");
  EXPECT_EQ(written_in(place)->tree, place + "/tree");
  EXPECT_EQ(written_in(place)->base, "/the/base");
  fs::create_directories(place + "/limited/diff");
  EXPECT_EQ(written_in(place)->upper, place + "/limited/diff");
  EXPECT_EQ(written_in(place)->work, place + "/limited/work");
  EXPECT_FALSE(written_in(place)->quota);
  const runtime::storage::Place at(place);
  ASSERT_TRUE(runtime::storage::note_quota(at, Bytes(1 << 20)));
  EXPECT_EQ(written_in(place)->quota, Bytes(1 << 20));
  ASSERT_TRUE(runtime::storage::note_quota(at, std::nullopt));
  EXPECT_FALSE(written_in(place)->quota);
  EXPECT_TRUE(runtime::storage::remove_place(place));
  EXPECT_FALSE(fs::exists(place));
  EXPECT_TRUE(runtime::storage::remove_place(place)) << "a second time";
}

TEST_F(StorageTrees, AFileSystemThatIsNotMountedIsNotTakenForNothing) {
  const std::string place = dir_ / "place";
  fs::create_directories(place + "/diff");
  write_text(place + "/limited.img", "its files are in it");
  EXPECT_FALSE(runtime::storage::written_in(place));
  EXPECT_TRUE(runtime::storage::keeps_written(place));
}

TEST_F(StorageTrees, WhereNothingWasWrittenTheViewIsEmpty) {
  const auto view = runtime::storage::UpperView::of(dir_ / "place", dir_ / "scratch", CopyContent::kAll);
  ASSERT_TRUE(view);
  EXPECT_TRUE(fs::is_empty(view->directory()));
  EXPECT_EQ(runtime::storage::written_bytes(dir_ / "place", dir_ / "scratch").value_or(-1), 0);
}

}  // namespace
}  // namespace mete::testing
