// SPDX-License-Identifier: Apache-2.0
// What only a thin pool does: it is found again after a kill and after a boot, it fills up, grows, and ends.
#include "runtime/storage/mapper/thin_pool.h"
#include "tests/root/images/storage_support.h"

namespace mete::testing {
namespace {

using runtime::storage::DeviceMapper;
using runtime::storage::ThinPool;

class ThinPools : public StorageDrivers {
 protected:
  [[nodiscard]] std::string directory() const { return state_ + "/storage/devicemapper"; }
  [[nodiscard]] std::size_t volumes() const { return ThinPool::lock(directory())->book().volumes.size(); }
  [[nodiscard]] std::string pool_name() const { return "mete-" + ThinPool::lock(directory())->book().pool + "-pool"; }
  [[nodiscard]] std::int64_t used() { return driver_->look_after().value()->data_used.count(); }

  // As a boot leaves it: neither mounts nor devices.
  void lose_devices() {
    for (const auto& place : places_) ::umount2((place + "/thin").c_str(), MNT_DETACH);
    ASSERT_TRUE(driver_->close());
    driver_.reset();
    ASSERT_FALSE(DeviceMapper::open()->find(pool_name()).value());
  }
  [[nodiscard]] std::string open(const config::ThinPoolPolicy& policy) {
    driver_.reset();
    auto opened = runtime::storage::open_driver({GetParam(), state_ + "/layers", state_ + "/storage", policy});
    if (!opened) return opened.error().what;
    driver_ = std::move(*opened);
    return {};
  }
};

TEST_P(ThinPools, WritesAreOfBlocksAndAreGivenBack) {
  const std::string one = make(new_place());
  const std::string two = make(new_place());
  ::sync();
  const std::int64_t before = used();
  runtime::UniqueFd big(::open((one + "/bin/big").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(big.get(), "x", 1, kMiB), 1);
  ASSERT_EQ(::fsync(big.get()), 0);
  big.reset();
  // The block of the byte, and those of journal, inode and bitmaps: not the file's 4 MiB.
  EXPECT_GE(used() - before, 64 << 10);
  EXPECT_LE(used() - before, kMiB);
  EXPECT_EQ(get(two + "/bin/big")[kMiB], 'b');
  put(one + "/more", std::string(8 * kMiB, 'm'));
  ::sync();
  EXPECT_GE(used() - before, 8 * kMiB);
  const std::int64_t on_disk = blocks_of(directory() + "/pool.img");
  ASSERT_TRUE(runtime::storage::remove_place(places_.front()));
  EXPECT_LE(used() - before, kMiB) << "the volume is gone";
  ::sync();
  EXPECT_LE(blocks_of(directory() + "/pool.img"), on_disk - 8 * kMiB) << "the file's blocks, too";
  EXPECT_EQ(get(two + "/etc/group"), "wheel");
}

TEST_P(ThinPools, ABootTakesDevicesAndNoFiles) {
  const std::string place = new_place();
  put(make(place, Bytes(16 * kMiB)) + "/kept", "kept");
  lose_devices();
  EXPECT_FALSE(runtime::storage::written_in(place)) << "it is not mounted";
  // Somebody asks, before there is an agent.
  EXPECT_EQ(changes(place), "A /kept\n");
  ASSERT_EQ(open(thin_policy()), "");
  EXPECT_EQ(get(make(place, Bytes(16 * kMiB)) + "/kept"), "kept");
  int error = 0;
  EXPECT_LE(write_until_refused(place + "/thin/tree/full", error), 16 * kMiB);
  EXPECT_EQ(error, ENOSPC);
  EXPECT_NE(make(new_place()), "") << "of the image that was there before";
  EXPECT_EQ(volumes(), 3U);
}

TEST_P(ThinPools, WhatWasHalfMadeIsRemoved) {
  ASSERT_NE(make(new_place()), "");
  ASSERT_EQ(volumes(), 2U);
  {
    auto pool = ThinPool::lock(directory());
    ASSERT_TRUE(pool && pool->start());
    // Killed before its note is written: nobody's.
    const auto volume = pool->make_volume(state_ + "/places", Bytes(64 * kMiB), std::nullopt);
    ASSERT_TRUE(volume) << volume.error().what;
    // Killed between the book and the pool, which then is one behind.
    const std::string text = get(directory() + "/book");
    const auto at = text.find("transaction ") + 12;
    const auto transaction = std::stoul(text.substr(at));
    put(directory() + "/book", text.substr(0, at) + std::to_string(transaction + 1) + text.substr(text.find('\n', at)) +
                                   "volume 999 1048576 ../../places\n");
  }
  ASSERT_EQ(open(thin_policy()), "");
  EXPECT_EQ(volumes(), 2U);
  EXPECT_NE(make(new_place()), "");
}

TEST_P(ThinPools, ABookOfAnotherTimeIsRefused) {
  ASSERT_NE(make(new_place()), "");
  const std::string text = get(directory() + "/book");
  const auto at = text.find("transaction ") + 12;
  put(directory() + "/book", text.substr(0, at) + "77" + text.substr(text.find('\n', at)));
  const std::string refused = open(thin_policy());
  EXPECT_NE(refused.find("expected 77 as in its book"), std::string::npos) << refused;
  put(directory() + "/book", text);
  ASSERT_EQ(open(thin_policy()), "");
}

TEST_P(ThinPools, AFullPoolFailsWritesAndComesBack) {
  const std::string place = new_place();
  const std::string other = new_place();
  const std::string root = make(place, Bytes(2048 * kMiB));
  const std::string calm = make(other);
  ASSERT_NE(root, "");
  put(calm + "/mine", std::string(kMiB, 'm'));
  ::sync();
  int error = 0;
  runtime::UniqueFd fd(::open((root + "/full").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  const std::string block(kMiB, 'x');
  for (int i = 0; i < 1024 && error == 0; ++i) {
    if (::write(fd.get(), block.data(), block.size()) < 0 || ::fdatasync(fd.get()) != 0) error = errno;
  }
  EXPECT_TRUE(error == EIO || error == ENOSPC || error == EROFS) << std::strerror(error);
  const auto use = driver_->look_after();
  ASSERT_TRUE(use && *use);
  EXPECT_EQ((*use)->fault, "its data is full");
  const auto refused = driver_->make({new_place(), {"top", "low"}, std::nullopt});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("its data is full"), std::string::npos) << refused.error().what;
  EXPECT_EQ(get(calm + "/mine"), std::string(kMiB, 'm')) << "what others have is whole";
  // What is in use stays, and goes the next time.
  ASSERT_TRUE(runtime::storage::remove_place(place));
  EXPECT_EQ(driver_->look_after().value()->fault, "its data is full");
  fd.reset();
  EXPECT_EQ(driver_->look_after().value()->fault, "");
  EXPECT_NE(make(new_place()), "");
}

TEST_P(ThinPools, ALargerSizeIsTakenWhileItRuns) {
  const std::string root = make(new_place());
  const auto before = driver_->look_after().value()->data_size;
  auto policy = thin_policy();
  policy.size = Bytes(2 * policy.size->count());
  ASSERT_EQ(open(policy), "");
  EXPECT_EQ(driver_->look_after().value()->data_size - before, *thin_policy().size);
  EXPECT_EQ(get(root + "/etc/group"), "wheel");
}

TEST_P(ThinPools, TheLastVolumeTakesThePoolWithIt) {
  ASSERT_NE(make(new_place()), "");
  const std::string name = pool_name();
  ASSERT_TRUE(runtime::storage::remove_place(places_.front()));
  // Another driver's agent has no use for the images in it.
  driver_.reset();
  auto other = runtime::storage::open_driver({StorageDriver::kVfs, state_ + "/layers", state_ + "/storage"});
  ASSERT_TRUE(other);
  ASSERT_TRUE((*other)->prune());
  EXPECT_FALSE(DeviceMapper::open()->find(name).value());
  EXPECT_FALSE(fs::exists(directory()));
  EXPECT_TRUE(wait_until_free(state_));
}

// A disk, and a pool, of somebody's.
TEST_P(ThinPools, ADeviceAndAPoolOfOthersAreTaken) {
  ASSERT_TRUE(driver_->close());
  fs::remove_all(directory());
  std::ofstream(dir_ / "own-disk").flush();
  fs::resize_file(dir_ / "own-disk", 256 * kMiB);
  auto loop = runtime::storage::attach_loop(dir_ / "own-disk", runtime::storage::LoopUse::kReadWrite);
  ASSERT_TRUE(loop) << loop.error().what;
  auto policy = thin_policy();
  policy.size.reset();
  policy.device = loop->path;
  ASSERT_EQ(::pwrite(loop->device.get(), "something", 9, 1024), 9);
  EXPECT_NE(open(policy).find("expected an empty device"), std::string::npos);
  const std::string zeros(4096, '\0');
  ASSERT_EQ(::pwrite(loop->device.get(), zeros.data(), zeros.size(), 0), 4096);
  ::fsync(loop->device.get());
  ASSERT_EQ(open(policy), "");
  ASSERT_NE(make(new_place()), "");
  const std::string refused = open(thin_policy());
  EXPECT_NE(refused.find("volumes on device " + loop->path), std::string::npos) << refused;
  // As LVM has one: the same devices, with another name of their own.
  ASSERT_EQ(open(policy), "");
  ASSERT_TRUE(runtime::storage::remove_place(places_.front()));
  fs::remove_all(layer("low"));
  ASSERT_TRUE(driver_->prune());
  EXPECT_FALSE(ThinPool::is_known(directory()));
  const auto mapper = DeviceMapper::open();
  struct stat info {};
  ASSERT_EQ(::stat(loop->path.c_str(), &info), 0);
  const std::string device = runtime::storage::text_of_device(info.st_rdev);
  using runtime::storage::linear_table;
  const auto meta = mapper->create("mete-test-meta", linear_table(device, Bytes(0), Bytes(16 * kMiB)));
  const auto data = mapper->create("mete-test-data", linear_table(device, Bytes(16 * kMiB), Bytes(128 * kMiB)));
  ASSERT_TRUE(meta && data);
  ASSERT_TRUE(mapper->create("mete-test-pool", runtime::storage::pool_table(
                                                   runtime::storage::text_of_device(meta->number),
                                                   runtime::storage::text_of_device(data->number), Bytes(128 * kMiB))));
  put(layer("low") + "/etc/group", "wheel");
  policy.device.clear();
  policy.pool = "mete-test-pool";
  ASSERT_EQ(open(policy), "");
  EXPECT_NE(make(new_place()), "");
  EXPECT_EQ(driver_->look_after().value()->name, "mete-test-pool");
  ASSERT_TRUE(runtime::storage::remove_place(places_.back()));
  fs::remove_all(layer("low"));
  ASSERT_TRUE(driver_->prune());
  EXPECT_EQ(mapper->status("mete-test-pool").value().find("2 "), 0U) << "two volumes were made, and none is left";
  for (const char* each : {"mete-test-pool", "mete-test-data", "mete-test-meta"})
    EXPECT_TRUE(mapper->remove(each)) << each;
  policy.pool = "mete-test-pool";
  EXPECT_NE(open(policy).find("found no device mete-test-pool"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Only, ThinPools, ::testing::Values(StorageDriver::kDeviceMapper),
                         [](const auto& tested) { return std::string(runtime::storage::word_of(tested.param)); });

}  // namespace
}  // namespace mete::testing
