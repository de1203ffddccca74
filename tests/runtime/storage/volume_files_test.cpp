// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/volume_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "runtime/file.h"
#include "runtime/storage/volumes.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::storage {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names(const std::string& directory) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(directory)) found.insert(entry.path().filename().string());
  return found;
}

std::string text(const std::string& path) {
  return read_file(AT_FDCWD, path).value_or("none");
}

// Names that a person sees: without the links and folders of the exchange.
std::set<std::string> seen(const std::string& directory) {
  std::set<std::string> found;
  for (const auto& name : names(directory)) {
    if (!name.starts_with("..")) found.insert(name);
  }
  return found;
}

TEST(VolumeFiles, AreExchangedAllAtOnce) {
  const testing::TempDir dir;
  ASSERT_EQ(exchange_files(dir.path(), {{"a", "one", 0644}, {"x/y", "deep", 0400}}, std::nullopt), true);
  EXPECT_EQ(text(dir / "a"), "one");
  EXPECT_EQ(text(dir / "x/y"), "deep");
  EXPECT_EQ(fs::read_symlink(dir / "a"), "..data/a");
  EXPECT_EQ(fs::read_symlink(dir / "x"), "..data/x");
  struct stat info {};
  ASSERT_EQ(::stat((dir / "x/y").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0400U);
  const auto first = fs::read_symlink(dir / "..data").string();
  EXPECT_EQ(exchange_files(dir.path(), {{"a", "one", 0644}, {"x/y", "deep", 0400}}, std::nullopt), false);
  EXPECT_EQ(fs::read_symlink(dir / "..data"), first) << "what is there already is left alone";
  ASSERT_EQ(exchange_files(dir.path(), {{"a", "two", 0644}, {"b", "new", 0644}}, std::nullopt), true);
  EXPECT_EQ(text(dir / "a"), "two");
  EXPECT_EQ(seen(dir.path()), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(names(dir.path()).size(), 4U) << "the old folder is gone";
  EXPECT_NE(fs::read_symlink(dir / "..data"), first);
  ASSERT_EQ(exchange_files(dir.path(), {{"a", "two", 0600}, {"b", "new", 0644}}, std::nullopt), true) << "a mode";
  ASSERT_EQ(exchange_files(dir.path(), {}, std::nullopt), true);
  EXPECT_TRUE(seen(dir.path()).empty());
}

TEST(VolumeFiles, AFileThatIsOpenStaysWhatItWas) {
  const testing::TempDir dir;
  ASSERT_TRUE(exchange_files(dir.path(), {{"a", "one", 0644}}, std::nullopt));
  const UniqueFd held = open_at(AT_FDCWD, dir / "a", O_RDONLY).value();
  ASSERT_TRUE(exchange_files(dir.path(), {{"a", "two", 0644}}, std::nullopt));
  EXPECT_EQ(read_all(held.get(), "a").value(), "one");
}

// As agents before wrote them.
TEST(VolumeFiles, PlainFilesAndFoldersAreReplaced) {
  const testing::TempDir dir;
  ASSERT_TRUE(make_directories(dir / "x"));
  ASSERT_TRUE(replace_file(dir / "x/y", "old"));
  ASSERT_TRUE(replace_file(dir / "a", "old"));
  ASSERT_TRUE(replace_file(dir / "gone", "old"));
  ASSERT_EQ(exchange_files(dir.path(), {{"a", "one", 0644}, {"x/y", "deep", 0644}}, std::nullopt), true);
  EXPECT_EQ(text(dir / "a"), "one");
  EXPECT_EQ(text(dir / "x/y"), "deep");
  EXPECT_EQ(seen(dir.path()), (std::set<std::string>{"a", "x"}));
}

TEST(VolumeFiles, AVersionIsNamedByItsTime) {
  EXPECT_EQ(version_name(std::chrono::system_clock::time_point(std::chrono::nanoseconds(1'700'000'000'000'000'005))),
            "..2023_11_14_22_13_20.000000005");
}

config::Container with_memory(std::int64_t mebibytes, bool sidecar = false) {
  config::Container container;
  if (mebibytes > 0) container.resources.limits.memory = Bytes(mebibytes << 20);
  container.sidecar = sidecar;
  return container;
}

TEST(MemoryVolume, IsBoundedByThePodsMemory) {
  const Bytes machine(std::int64_t{1} << 30);
  const config::EmptyDirVolume unlimited{.memory = true, .size_limit = {}};
  const config::EmptyDirVolume limited{.memory = true, .size_limit = Bytes(5 << 20)};
  config::PodSpec spec;
  spec.containers = {with_memory(0)};
  EXPECT_EQ(memory_volume_size(spec, unlimited, machine), machine);
  EXPECT_EQ(memory_volume_size(spec, limited, machine), Bytes(5 << 20));
  spec.containers = {with_memory(10), with_memory(20)};
  EXPECT_EQ(memory_volume_size(spec, unlimited, machine), Bytes(30 << 20));
  EXPECT_EQ(memory_volume_size(spec, limited, machine), Bytes(5 << 20));
  spec.init_containers = {with_memory(4, true), with_memory(40)};
  EXPECT_EQ(memory_volume_size(spec, unlimited, machine), Bytes(44 << 20)) << "an init container beside its sidecar";
}

}  // namespace
}  // namespace mete::runtime::storage
