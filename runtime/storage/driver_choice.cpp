// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/driver_choice.h"

namespace mete::runtime::storage {
namespace {

using config::StorageDriver;

// File systems that cannot hold the writable layer of an overlay: without extended attributes or without whiteouts.
bool takes_upper_layers(const std::string& type) {
  static const std::set<std::string> kNot = {"overlay", "nfs", "fuse", "vfat", "cifs", "smb2", "9p", "squashfs"};
  return !kNot.contains(type);
}

Error lacks(StorageDriver driver, const std::string& found, const std::string& expected) {
  return Error{0, "storage driver " + std::string(word_of(driver)) + ": found " + found + ", expected " + expected};
}

Status check_overlay(StorageDriver driver, const StorageFacts& facts) {
  if (!facts.file_systems.contains("overlay"))
    return tl::unexpected(lacks(driver, "a kernel without overlayfs", "one with it (CONFIG_OVERLAY_FS)"));
  if (!takes_upper_layers(facts.state_type))
    return tl::unexpected(lacks(driver, facts.state + " on " + facts.state_type,
                                "a file system that takes writable layers, such as ext4, xfs or btrfs"));
  return {};
}

Status check_erofs(const StorageFacts& facts) {
  METE_CHECK(check_overlay(StorageDriver::kErofs, facts));
  if (!facts.file_systems.contains("erofs"))
    return tl::unexpected(lacks(StorageDriver::kErofs, "a kernel without EROFS", "one with it (CONFIG_EROFS_FS)"));
  if (!facts.mkfs_erofs)
    return tl::unexpected(lacks(StorageDriver::kErofs, "no program mkfs.erofs", "the package erofs-utils"));
  return {};
}

Status check_btrfs(const StorageFacts& facts) {
  if (facts.state_type == "btrfs") return {};
  if (!facts.file_systems.contains("btrfs"))
    return tl::unexpected(lacks(StorageDriver::kBtrfs, "a kernel without btrfs", "one with it (CONFIG_BTRFS_FS)"));
  return tl::unexpected(
      lacks(StorageDriver::kBtrfs,
            facts.state + " on another file system" + (facts.state_type.empty() ? "" : " (" + facts.state_type + ")"),
            "btrfs"));
}

Status check_device_mapper(const StorageFacts& facts) {
  constexpr StorageDriver kOwn = StorageDriver::kDeviceMapper;
  if (!facts.device_mapper)
    return tl::unexpected(lacks(kOwn, "a kernel without device mapper",
                                "one with it (CONFIG_BLK_DEV_DM, CONFIG_DM_THIN_PROVISIONING), or another driver"));
  if (!facts.thin_pools)
    return tl::unexpected(
        lacks(kOwn, "a kernel without thin pools", "one with them (CONFIG_DM_THIN_PROVISIONING), or another driver"));
  if (!facts.file_systems.contains("ext4"))
    return tl::unexpected(lacks(kOwn, "a kernel without ext4", "one with it (CONFIG_EXT4_FS)"));
  if (!facts.mkfs_ext4) return tl::unexpected(lacks(kOwn, "no program mkfs.ext4", "the package e2fsprogs"));
  return {};
}

Status refuse_foreign(StorageDriver driver, const StorageFacts& facts) {
  const std::string type(word_of(driver));
  if (!facts.file_systems.contains(type))
    return tl::unexpected(lacks(driver, "a kernel without " + type + ", which Linux does not contain",
                                "overlay, erofs, btrfs, vfs or devicemapper"));
  return tl::unexpected(
      lacks(driver, type + ", which mete does not use", "overlay, erofs, btrfs, vfs or devicemapper"));
}

}  // namespace

std::string_view word_of(StorageDriver driver) {
  for (const auto& each : config::kStorageDrivers) {
    if (each.driver == driver) return each.word;
  }
  return "auto";
}

std::set<std::string> file_systems_to_ask(StorageDriver wanted) {
  switch (wanted) {
    case StorageDriver::kAutomatic:
    case StorageDriver::kOverlay:
      return {"overlay"};
    case StorageDriver::kErofs:
      return {"overlay", "erofs"};
    case StorageDriver::kBtrfs:
    case StorageDriver::kAufs:
    case StorageDriver::kZfs:
      return {std::string(word_of(wanted))};
    case StorageDriver::kDeviceMapper:
      return {"ext4"};
    case StorageDriver::kVfs:
      break;
  }
  return {};
}

Result<StorageDriver> choose_driver(StorageDriver wanted, const StorageFacts& facts) {
  switch (wanted) {
    case StorageDriver::kAutomatic:
      if (check_overlay(StorageDriver::kOverlay, facts)) return StorageDriver::kOverlay;
      return facts.state_type == "btrfs" ? StorageDriver::kBtrfs : StorageDriver::kVfs;
    case StorageDriver::kOverlay:
      METE_CHECK(check_overlay(wanted, facts));
      break;
    case StorageDriver::kErofs:
      METE_CHECK(check_erofs(facts));
      break;
    case StorageDriver::kBtrfs:
      METE_CHECK(check_btrfs(facts));
      break;
    case StorageDriver::kVfs:
      break;
    case StorageDriver::kDeviceMapper:
      METE_CHECK(check_device_mapper(facts));
      break;
    case StorageDriver::kAufs:
    case StorageDriver::kZfs:
      METE_CHECK(refuse_foreign(wanted, facts));
      break;
  }
  return wanted;
}

}  // namespace mete::runtime::storage
