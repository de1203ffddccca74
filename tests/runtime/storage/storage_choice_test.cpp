// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/storage/driver_choice.h"
#include "runtime/storage/ext4.h"

namespace mete::testing {
namespace {

using config::StorageDriver;
using runtime::storage::choose_driver;
using runtime::storage::StorageFacts;

StorageFacts usual() {
  return {.file_systems = {"overlay", "erofs", "btrfs"},
          .state_type = "ext4",
          .state = "/var/lib/mete/storage",
          .device_mapper = false,
          .mkfs_erofs = true};
}

std::string refusal(StorageDriver wanted, const StorageFacts& facts) {
  const auto chosen = choose_driver(wanted, facts);
  return chosen ? "" : chosen.error().what;
}

TEST(StorageChoice, WithoutAWordTheFileSystemDecides) {
  StorageFacts facts = usual();
  EXPECT_EQ(choose_driver(StorageDriver::kAutomatic, facts), StorageDriver::kOverlay);
  facts.state_type = "btrfs";
  EXPECT_EQ(choose_driver(StorageDriver::kAutomatic, facts), StorageDriver::kOverlay);
  facts.file_systems.clear();
  EXPECT_EQ(choose_driver(StorageDriver::kAutomatic, facts), StorageDriver::kBtrfs);
  facts.state_type = "ext4";
  EXPECT_EQ(choose_driver(StorageDriver::kAutomatic, facts), StorageDriver::kVfs);
  // In a container: its root is an overlay, which takes no writable layer.
  facts = usual();
  facts.state_type = "overlay";
  EXPECT_EQ(choose_driver(StorageDriver::kAutomatic, facts), StorageDriver::kVfs);
}

TEST(StorageChoice, WhatIsNamedIsTakenOrRefused) {
  StorageFacts facts = usual();
  EXPECT_EQ(choose_driver(StorageDriver::kOverlay, facts), StorageDriver::kOverlay);
  EXPECT_EQ(choose_driver(StorageDriver::kErofs, facts), StorageDriver::kErofs);
  EXPECT_EQ(choose_driver(StorageDriver::kVfs, facts), StorageDriver::kVfs);
  EXPECT_EQ(refusal(StorageDriver::kBtrfs, facts),
            "storage driver btrfs: found /var/lib/mete/storage on another file system (ext4), expected btrfs");
  facts.state_type = "btrfs";
  EXPECT_EQ(choose_driver(StorageDriver::kBtrfs, facts), StorageDriver::kBtrfs);
  facts.state_type = "nfs";
  EXPECT_EQ(refusal(StorageDriver::kOverlay, facts),
            "storage driver overlay: found /var/lib/mete/storage on nfs, expected a file system that takes writable "
            "layers, such as ext4, xfs or btrfs");
  facts = usual();
  facts.mkfs_erofs = false;
  EXPECT_EQ(refusal(StorageDriver::kErofs, facts),
            "storage driver erofs: found no program mkfs.erofs, expected the package erofs-utils");
}

TEST(StorageChoice, ARefusalNamesWhatTheKernelLacks) {
  StorageFacts facts = usual();
  facts.file_systems.clear();
  EXPECT_EQ(refusal(StorageDriver::kOverlay, facts),
            "storage driver overlay: found a kernel without overlayfs, expected one with it (CONFIG_OVERLAY_FS)");
  EXPECT_EQ(refusal(StorageDriver::kBtrfs, facts),
            "storage driver btrfs: found a kernel without btrfs, expected one with it (CONFIG_BTRFS_FS)");
  EXPECT_EQ(refusal(StorageDriver::kDeviceMapper, facts),
            "storage driver devicemapper: found a kernel without device mapper, expected one with it "
            "(CONFIG_BLK_DEV_DM, CONFIG_DM_THIN_PROVISIONING), or another driver");
  EXPECT_EQ(refusal(StorageDriver::kAufs, facts),
            "storage driver aufs: found a kernel without aufs, which Linux does not contain, expected overlay, erofs, "
            "btrfs, vfs or devicemapper");
  EXPECT_EQ(refusal(StorageDriver::kZfs, facts),
            "storage driver zfs: found a kernel without zfs, which Linux does not contain, expected overlay, erofs, "
            "btrfs, vfs or devicemapper");
  facts.file_systems = {"overlay"};
  EXPECT_EQ(refusal(StorageDriver::kErofs, facts),
            "storage driver erofs: found a kernel without EROFS, expected one with it (CONFIG_EROFS_FS)");
}

TEST(StorageChoice, ThinPoolsNeedTheirTargetAndExt4) {
  StorageFacts facts = usual();
  facts.device_mapper = true;
  const std::string lacks = "storage driver devicemapper: found ";
  EXPECT_EQ(
      refusal(StorageDriver::kDeviceMapper, facts),
      lacks + "a kernel without thin pools, expected one with them (CONFIG_DM_THIN_PROVISIONING), or another driver");
  facts.thin_pools = true;
  facts.file_systems.erase("ext4");
  EXPECT_EQ(refusal(StorageDriver::kDeviceMapper, facts),
            lacks + "a kernel without ext4, expected one with it (CONFIG_EXT4_FS)");
  facts.file_systems.insert("ext4");
  EXPECT_EQ(refusal(StorageDriver::kDeviceMapper, facts),
            lacks + "no program mkfs.ext4, expected the package e2fsprogs");
  facts.mkfs_ext4 = true;
  EXPECT_EQ(choose_driver(StorageDriver::kDeviceMapper, facts), StorageDriver::kDeviceMapper);
  EXPECT_EQ(choose_driver(StorageDriver::kAutomatic, facts), StorageDriver::kOverlay) << "never by itself";
  facts.file_systems.erase("overlay");
  EXPECT_EQ(choose_driver(StorageDriver::kAutomatic, facts), StorageDriver::kVfs);
}

TEST(StorageChoice, OnlyWhatDecidesIsAskedFor) {
  using Types = std::set<std::string>;
  EXPECT_EQ(runtime::storage::file_systems_to_ask(StorageDriver::kAutomatic), Types({"overlay"}));
  EXPECT_EQ(runtime::storage::file_systems_to_ask(StorageDriver::kErofs), Types({"erofs", "overlay"}));
  EXPECT_EQ(runtime::storage::file_systems_to_ask(StorageDriver::kZfs), Types({"zfs"}));
  EXPECT_EQ(runtime::storage::file_systems_to_ask(StorageDriver::kVfs), Types());
}

TEST(StorageChoice, AnImageHasRoomForItsTablesToo) {
  EXPECT_EQ(runtime::storage::ext4_size(Bytes(1)).count(), (2 << 20) + 4096);
  EXPECT_EQ(runtime::storage::ext4_size(Bytes(64 << 20)).count(), (64 + 4 + 2) << 20);
}

}  // namespace
}  // namespace mete::testing
