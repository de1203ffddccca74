// SPDX-License-Identifier: Apache-2.0
// A store of two layers and a driver over it, in a mount namespace of this process.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/file.h"
#include "runtime/image/changes.h"
#include "runtime/storage/driver.h"
#include "runtime/storage/driver_choice.h"
#include "runtime/storage/loop_device.h"
#include "runtime/storage/place.h"
#include "runtime/storage/run_program.h"
#include "runtime/storage/tree_difference.h"
#include "tests/support/temp_dir.h"

namespace mete::testing {

namespace fs = std::filesystem;
using config::StorageDriver;
using runtime::storage::ContainerRoot;
using runtime::storage::CopyContent;
using runtime::storage::Driver;
using runtime::storage::UpperView;

constexpr std::int64_t kMiB = 1 << 20;

inline void put(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

inline std::string get(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Bytes that are allocated.
inline std::int64_t blocks_of(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_blocks * 512 : -1;
}

// Where the file's first block is on its disk (FIEMAP); 0: nowhere yet.
inline std::uint64_t place_on_disk(const std::string& path) {
  alignas(fiemap) char room[sizeof(fiemap) + sizeof(fiemap_extent)] = {};
  auto* const map = reinterpret_cast<fiemap*>(room);
  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_flags = FIEMAP_FLAG_SYNC;
  map->fm_extent_count = 1;
  const runtime::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (::ioctl(fd.get(), FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents == 0) return 0;
  return map->fm_extents[0].fe_physical;
}

inline std::int64_t write_until_refused(const std::string& path, int& error) {
  const runtime::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  const std::string block(64 << 10, 'x');
  std::int64_t sum = 0;
  while (sum < 256 * kMiB) {
    const ssize_t put_bytes = ::write(fd.get(), block.data(), block.size());
    if (put_bytes < 0) {
      error = errno;
      return sum;
    }
    sum += put_bytes;
    if (::fdatasync(fd.get()) != 0) {
      error = errno;
      return sum;
    }
  }
  error = 0;
  return sum;
}

inline bool is_loop_device(const std::string& file) {
  for (const auto& each : fs::directory_iterator("/sys/block")) {
    const std::string backing = get(each.path().string() + "/loop/backing_file");
    if (backing.find(file) != std::string::npos) return true;
  }
  return false;
}

inline bool wait_until_free(const std::string& file) {
  for (int tries = 0; tries < 500; ++tries) {
    if (!is_loop_device(file)) return true;
    ::usleep(10'000);
  }
  return false;
}

class StorageDrivers : public ::testing::TestWithParam<StorageDriver> {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) return;
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  }

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts file systems";
    state_ = dir_ / "state";
    fs::create_directories(state_);
    if (GetParam() == StorageDriver::kBtrfs) mount_btrfs();
    if (IsSkipped() || HasFatalFailure()) return;
    put(layer("low") + "/etc/passwd", "root");
    put(layer("low") + "/etc/group", "wheel");
    put(layer("low") + "/var/log/old", "old");
    put(layer("low") + "/bin/big", std::string(4 * kMiB, 'b'));
    put(layer("top") + "/etc/passwd", "root and others");
    auto opened = runtime::storage::open_driver({GetParam(), state_ + "/layers", state_ + "/storage", thin_policy()});
    if (!opened) GTEST_SKIP() << opened.error().what;
    driver_ = std::move(*opened);
  }

  void TearDown() override {
    for (const auto& root : mounted_) ::umount2(root.c_str(), MNT_DETACH);
    for (const auto& place : places_) EXPECT_TRUE(runtime::storage::remove_place(place));
    if (driver_) {
      EXPECT_TRUE(driver_->close());
    }
    if (GetParam() == StorageDriver::kBtrfs) ::umount2(state_.c_str(), MNT_DETACH);
  }

  [[nodiscard]] static config::ThinPoolPolicy thin_policy() {
    config::ThinPoolPolicy policy;
    policy.size = Bytes(256 * kMiB);
    policy.root_size = Bytes(64 * kMiB);
    return policy;
  }

  void mount_btrfs() {
    const std::string mkfs = runtime::storage::find_program("mkfs.btrfs");
    if (mkfs.empty()) GTEST_SKIP() << "needs btrfs-progs";
    std::ofstream(dir_ / "disk").flush();
    fs::resize_file(dir_ / "disk", 512 * kMiB);
    ASSERT_TRUE(runtime::storage::run_program({mkfs, "-q", dir_ / "disk"}));
    const auto loop = runtime::storage::attach_loop(dir_ / "disk", runtime::storage::LoopUse::kReadWrite);
    if (!loop) GTEST_SKIP() << loop.error().what;
    if (::mount(loop->path.c_str(), state_.c_str(), "btrfs", 0, nullptr) != 0)
      GTEST_SKIP() << "this kernel mounts no btrfs: " << std::strerror(errno);
  }

  [[nodiscard]] std::string layer(const std::string& name) const { return state_ + "/layers/" + name; }
  [[nodiscard]] std::vector<std::string> layers() const { return {layer("top"), layer("low")}; }
  [[nodiscard]] bool is_layered() const {
    return GetParam() == StorageDriver::kOverlay || GetParam() == StorageDriver::kErofs;
  }

  std::string new_place() {
    places_.push_back(state_ + "/places/" + std::to_string(places_.size()));
    fs::create_directories(places_.back());
    return places_.back();
  }

  // The root as the container sees it, or "".
  std::string make(const std::string& place, std::optional<Bytes> limit = std::nullopt) {
    auto made = driver_->make({place, {"top", "low"}, limit});
    EXPECT_TRUE(made) << (made ? "" : made.error().what);
    if (!made) return {};
    if (made->overlay) mount_overlay(*made);
    return made->directory;
  }

  void mount_overlay(const ContainerRoot& root) {
    std::string options = "lowerdir=";
    for (const auto& name : root.overlay->lowers) options += root.overlay->layers_dir + "/" + name + ":";
    options.back() = ',';
    options += "upperdir=" + root.overlay->upper + ",workdir=" + root.overlay->work;
    ASSERT_EQ(::mount("overlay", root.directory.c_str(), "overlay", 0, options.c_str()), 0) << std::strerror(errno);
    mounted_.push_back(root.directory);
  }

  void unmount(const std::string& root) {
    if (!is_layered()) return;
    EXPECT_EQ(::umount2(root.c_str(), 0), 0);
    std::erase(mounted_, root);
  }

  // The lines of `mete diff`.
  std::string changes(const std::string& place) {
    const auto view = UpperView::of(place, scratch(), CopyContent::kSizeOnly);
    if (!view) return view.error().what;
    const auto found = runtime::image::changes_of(view->directory(), layers());
    if (!found) return found.error().what;
    std::string lines;
    for (const auto& each : *found) lines += "CAD"[static_cast<int>(each.kind)] + (" " + each.path + "\n");
    return lines;
  }

  [[nodiscard]] std::string scratch() const {
    fs::create_directories(state_ + "/scratch");
    return state_ + "/scratch";
  }

  TempDir dir_;
  std::string state_;
  std::unique_ptr<Driver> driver_;
  std::vector<std::string> places_, mounted_;
};

}  // namespace mete::testing
