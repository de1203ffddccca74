// SPDX-License-Identifier: Apache-2.0
// The exercise that everybody does who learns what an image is, on each storage driver: upper, lower, merged and work,
// whiteouts, copy on write, allocation on demand; and the quota of what a container writes. All mounts are in a mount
// namespace of this process. A driver that this kernel does not have is a skip with the driver's own words.
#include "tests/root/images/storage_support.h"

namespace mete::testing {
namespace {

TEST_P(StorageDrivers, WhatAContainerWritesLiesApart) {
  const std::string place = new_place();
  const std::string root = make(place);
  const std::string other = make(new_place());
  ASSERT_NE(root, "");
  EXPECT_EQ(get(root + "/etc/passwd"), "root and others") << "the upper layer hides the lower one's file";
  EXPECT_EQ(changes(place), "");
  put(root + "/etc/passwd", "changed here");
  fs::remove(root + "/etc/group");
  fs::remove_all(root + "/var");
  put(root + "/var/new", "in a folder that was made anew");
  put(root + "/srv/added", "added");
  EXPECT_EQ(get(other + "/etc/passwd"), "root and others");
  EXPECT_TRUE(fs::exists(other + "/etc/group"));
  EXPECT_EQ(get(layer("top") + "/etc/passwd"), "root and others");
  EXPECT_EQ(changes(place),
            "C /etc\nD /etc/group\nC /etc/passwd\nA /srv\nA /srv/added\nC /var\nD /var/log\nA /var/new\n");
  const auto bytes = runtime::storage::written_bytes(place, scratch());
  EXPECT_EQ(bytes.value_or(-1),
            static_cast<std::int64_t>(std::string("changed herein a folder that was made anewadded").size()));
  EXPECT_TRUE(fs::is_empty(scratch()));
}

TEST_P(StorageDrivers, AFileIsCopiedWhenItIsFirstWrittenAndAHoleCostsNothing) {
  const std::string place = new_place();
  const std::string root = make(place);
  ASSERT_NE(root, "");
  if (is_layered()) {
    EXPECT_EQ(get(root + "/bin/big").size(), static_cast<std::size_t>(4 * kMiB));
    EXPECT_EQ(blocks_of(place + "/diff/bin/big"), -1) << "read, not copied";
    EXPECT_EQ(::chmod((root + "/bin/big").c_str(), 0700), 0);
    EXPECT_GE(blocks_of(place + "/diff/bin/big"), 4 * kMiB);
  } else {
    const std::string base = runtime::storage::written_in(place)->base + "/bin/big";
    const auto of_base = place_on_disk(base);
    ASSERT_NE(of_base, 0U);
    if (GetParam() != StorageDriver::kVfs) {
      EXPECT_EQ(place_on_disk(root + "/bin/big"), of_base) << "shared";
    }
    const runtime::UniqueFd big(::open((root + "/bin/big").c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(::pwrite(big.get(), "x", 1, 0), 1);
    EXPECT_EQ(::fsync(big.get()), 0);
    // Of a thin volume the blocks below those of the file system are copied (thin_pool_root_test.cpp).
    EXPECT_EQ(place_on_disk(root + "/bin/big") == of_base, GetParam() == StorageDriver::kDeviceMapper);
    EXPECT_EQ(place_on_disk(base), of_base) << "what others see stays where it was";
    EXPECT_EQ(get(base).front(), 'b');
  }
  put(root + "/sparse", "");
  fs::resize_file(root + "/sparse", 64 * kMiB);
  EXPECT_LT(blocks_of(root + "/sparse"), kMiB);
  const runtime::UniqueFd fd(::open((root + "/sparse").c_str(), O_WRONLY | O_CLOEXEC));
  const std::string block(kMiB, 'x');
  EXPECT_EQ(::pwrite(fd.get(), block.data(), block.size(), 32 * kMiB), kMiB);
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_GE(blocks_of(root + "/sparse"), kMiB);
  EXPECT_LT(blocks_of(root + "/sparse"), 2 * kMiB);
}

TEST_P(StorageDrivers, AQuotaIsHeldInside) {
  const std::string place = new_place();
  if (GetParam() == StorageDriver::kVfs) {
    const auto made = driver_->make({place, {"top", "low"}, Bytes(kMiB)});
    ASSERT_FALSE(made) << "plain copies have no bound, and none is promised";
    EXPECT_NE(made.error().what.find("vfs: found a quota"), std::string::npos) << made.error().what;
    return;
  }
  if (const auto can = driver_->can_limit(); !can) GTEST_SKIP() << can.error().what;
  const std::string root = make(place, Bytes(16 * kMiB));
  ASSERT_NE(root, "");
  int error = 0;
  const std::int64_t written = write_until_refused(root + "/full", error);
  EXPECT_TRUE(error == ENOSPC || error == EDQUOT) << std::strerror(error);
  // btrfs counts its tables, too.
  EXPECT_GE(written, GetParam() == StorageDriver::kBtrfs ? 12 * kMiB : 16 * kMiB - 256 * 1024);
  EXPECT_LE(written, 16 * kMiB);
  fs::remove(root + "/full");
  ::sync();
  put(root + "/again", std::string(8 * kMiB, 'x'));
  EXPECT_EQ(blocks_of(root + "/again") >= 8 * kMiB || GetParam() == StorageDriver::kBtrfs, true);
  // The next attempt of a container that keeps what it wrote: the same files, the same bound.
  unmount(root);
  const std::string next = new_place();
  ASSERT_TRUE(runtime::storage::move_written(place, next));
  ASSERT_TRUE(runtime::storage::remove_place(place));
  const std::string later = make(next, Bytes(16 * kMiB));
  EXPECT_EQ(get(later + "/again").size(), static_cast<std::size_t>(8 * kMiB));
  EXPECT_LE(write_until_refused(later + "/full", error), 8 * kMiB);
  EXPECT_TRUE(error == ENOSPC || error == EDQUOT) << std::strerror(error);
  // Nothing of it stays.
  unmount(later);
  EXPECT_TRUE(runtime::storage::remove_place(next));
  EXPECT_FALSE(fs::exists(next));
  if (GetParam() == StorageDriver::kDeviceMapper) return;  // the pool stays as long as its image
  EXPECT_TRUE(wait_until_free(state_));
}

TEST_P(StorageDrivers, WhatAKilledProcessLeavesIsRemoved) {
  const std::string place = new_place();
  const bool limited = driver_->can_limit().has_value();
  const pid_t child = ::fork();
  if (child == 0) {  // as an agent that dies in this moment
    const auto made = driver_->make({place, {"top", "low"}, limited ? std::optional(Bytes(kMiB)) : std::nullopt});
    ::kill(::getpid(), made ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_TRUE(runtime::storage::written_in(place)) << "the next agent finds it";
  EXPECT_TRUE(runtime::storage::remove_places(state_ + "/nothing"));
  EXPECT_TRUE(runtime::storage::remove_place(place));
  EXPECT_FALSE(fs::exists(place));
  EXPECT_TRUE(wait_until_free(place));
}

TEST_P(StorageDrivers, WhatWasMadeOfALayerGoesWithIt) {
  const std::string root = make(new_place());
  ASSERT_NE(root, "");
  EXPECT_TRUE(driver_->prune()) << "nothing to do";
  EXPECT_EQ(get(root + "/etc/group"), "wheel");
  unmount(root);
  fs::remove_all(layer("low"));
  EXPECT_TRUE(driver_->prune());
  for (const char* each : {"/storage/erofs/low.img", "/storage/erofs/low"}) EXPECT_FALSE(fs::exists(state_ + each));
  for (const char* each : {"/storage/vfs", "/storage/btrfs", "/storage/devicemapper/images"})
    EXPECT_TRUE(!fs::exists(state_ + each) || fs::is_empty(state_ + each));
}

TEST_P(StorageDrivers, FilesOfAnotherDriverAreNotHidden) {
  const std::string place = new_place();
  fs::create_directories(place + (is_layered() ? "/tree" : "/diff"));
  const auto made = driver_->make({place, {"top", "low"}, std::nullopt});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find(is_layered() ? "form of btrfs or vfs" : "form of overlay or erofs"),
            std::string::npos);
}

class ErofsImages : public StorageDrivers {};

TEST_P(ErofsImages, AnImageIsCheckedWhenItIsMounted) {
  ASSERT_NE(make(new_place()), "");
  const std::string image = state_ + "/storage/erofs/top.img";
  for (const auto& root : mounted_) ::umount2(root.c_str(), 0);
  mounted_.clear();
  ASSERT_TRUE(driver_->close());
  EXPECT_TRUE(driver_->takes_time({"", {"top"}, {}}));
  std::fstream(image, std::ios::in | std::ios::out).seekp(1500) << "changed";
  const auto made = driver_->make({new_place(), {"top", "low"}, std::nullopt});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find("found the sum"), std::string::npos) << made.error().what;
}

std::string name_of_case(const ::testing::TestParamInfo<StorageDriver>& tested) {
  return std::string(runtime::storage::word_of(tested.param));
}
INSTANTIATE_TEST_SUITE_P(Each, StorageDrivers,
                         ::testing::Values(StorageDriver::kOverlay, StorageDriver::kErofs, StorageDriver::kBtrfs,
                                           StorageDriver::kVfs, StorageDriver::kDeviceMapper),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Only, ErofsImages, ::testing::Values(StorageDriver::kErofs), name_of_case);

}  // namespace
}  // namespace mete::testing
