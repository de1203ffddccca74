// SPDX-License-Identifier: Apache-2.0
// The part of agent.yaml on the files of containers (`storage`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/units.h"

namespace mete::config {

// How the root file system of a container is made (runtime/storage/driver.h).
enum class StorageDriver : std::uint8_t { kAutomatic, kOverlay, kErofs, kBtrfs, kVfs, kDeviceMapper, kAufs, kZfs };

// What happens at a container's limit of `ephemeral-storage`.
enum class DiskLimit : std::uint8_t {
  kEvict,  // all is measured, and the pod is evicted: as the kubelet does it
  kQuota,  // writes fail there; logs and volumes are measured, and the pod is evicted
};

// Of the driver devicemapper: where its thin pool is, and what a container gets of it. At most one of the first two.
struct ThinPoolPolicy {
  std::string device = {};  // the path of a block device that is the pool's alone; empty: a file of the state folder
  std::string pool = {};    // the name of a thin pool of device mapper that others made, and make at boot
  std::optional<Bytes> size = {};  // of that file; empty: what the disk has free, at most 100 GiB
  Bytes root_size{
      std::int64_t{10} << 30U};  // of a container's file system with the image's files, where no quota is asked for
};

struct StoragePolicy {
  StorageDriver driver = StorageDriver::kAutomatic;
  DiskLimit disk_limit = DiskLimit::kEvict;
  ThinPoolPolicy thin_pool = {};
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
