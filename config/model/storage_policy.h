// SPDX-License-Identifier: Apache-2.0
// The part of agent.yaml on the files of containers (`storage`).
#pragma once

#include <cstdint>
#include <string_view>

namespace mete::config {

// How the root file system of a container is made (runtime/storage/driver.h).
enum class StorageDriver : std::uint8_t { kAutomatic, kOverlay, kErofs, kBtrfs, kVfs, kDeviceMapper, kAufs, kZfs };

// What happens at a container's limit of `ephemeral-storage`.
enum class DiskLimit : std::uint8_t {
  kEvict,  // all is measured, and the pod is evicted: as the kubelet does it
  kQuota,  // writes fail there; logs and volumes are measured, and the pod is evicted
};

struct StoragePolicy {
  StorageDriver driver = StorageDriver::kAutomatic;
  DiskLimit disk_limit = DiskLimit::kEvict;
};

struct DriverWord {
  std::string_view word;
  StorageDriver driver;
};
inline constexpr DriverWord kStorageDrivers[] = {
    {"auto", StorageDriver::kAutomatic}, {"overlay", StorageDriver::kOverlay},
    {"erofs", StorageDriver::kErofs},    {"btrfs", StorageDriver::kBtrfs},
    {"vfs", StorageDriver::kVfs},        {"devicemapper", StorageDriver::kDeviceMapper},
    {"aufs", StorageDriver::kAufs},      {"zfs", StorageDriver::kZfs},
};

}  // namespace mete::config
