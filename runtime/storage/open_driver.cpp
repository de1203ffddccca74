// SPDX-License-Identifier: Apache-2.0
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/fd.h"
#include "runtime/file.h"
#include "runtime/storage/driver_choice.h"
#include "runtime/storage/drivers.h"
#include "runtime/storage/mapper/thin_driver.h"
#include "runtime/storage/run_program.h"
#include "runtime/storage/tree_difference.h"

namespace mete::runtime::storage {
namespace {

// Loads the module where there is one, which /proc/filesystems does not tell.
bool kernel_knows(const std::string& type) {
  const UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC)));
  return context.valid();
}

std::string type_of(const std::string& directory) {
  struct statfs info {};
  if (::statfs(directory.c_str(), &info) != 0) return {};
  switch (static_cast<unsigned long>(info.f_type)) {
    case EXT4_SUPER_MAGIC:
      return "ext4";
    case XFS_SUPER_MAGIC:
      return "xfs";
    case BTRFS_SUPER_MAGIC:
      return "btrfs";
    case TMPFS_MAGIC:
      return "tmpfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlay";
    case NFS_SUPER_MAGIC:
      return "nfs";
    case FUSE_SUPER_MAGIC:
      return "fuse";
    case MSDOS_SUPER_MAGIC:
      return "vfat";
    case V9FS_MAGIC:
      return "9p";
    case CIFS_SUPER_MAGIC:
      return "cifs";
    case SMB2_SUPER_MAGIC:
      return "smb2";
    case SQUASHFS_MAGIC:
      return "squashfs";
    default:
      return {};
  }
}

StorageFacts look(const DriverSettings& settings) {
  StorageFacts facts;
  for (const std::string& type : file_systems_to_ask(settings.wanted)) {
    if (kernel_knows(type)) facts.file_systems.insert(type);
  }
  facts.state = settings.directory;
  facts.state_type = type_of(settings.directory);
  // Asking loads the kernel's modules.
  if (settings.wanted == config::StorageDriver::kDeviceMapper) {
    const auto mapper = DeviceMapper::open();
    facts.device_mapper = mapper.has_value();
    facts.thin_pools = mapper && mapper->has_target("thin-pool");
  }
  facts.mkfs_ext4 = !find_program("mkfs.ext4").empty();
  facts.mkfs_erofs = !find_program("mkfs.erofs").empty();
  return facts;
}

// Of an agent that had that driver. Containers that run hold what they need of them.
Status remove_erofs_images(const DriverSettings& settings) {
  ErofsLayers images(settings.directory + "/erofs", settings.layers);
  METE_CHECK(images.close());
  return remove_tree(images.directory());
}

}  // namespace

Result<std::unique_ptr<Driver>> open_driver(const DriverSettings& settings) {
  METE_CHECK(make_directories(settings.directory, 0700));
  METE_CHECK(remove_tree(scratch_directory(settings.directory)));  // what a killed command left
  METE_CHECK(LimitedUpper(templates_directory(settings.directory)).clear_half_made());
  METE_TRY(const auto chosen, choose_driver(settings.wanted, look(settings)));
  if (chosen != config::StorageDriver::kErofs) METE_CHECK(remove_erofs_images(settings));
  switch (chosen) {
    case config::StorageDriver::kErofs:
      return std::make_unique<OverlayDriver>(settings, OverlayDriver::Layers::kErofs);
    case config::StorageDriver::kBtrfs:
      return std::make_unique<TreeDriver>(settings, TreeDriver::Copies::kSnapshots);
    case config::StorageDriver::kDeviceMapper: {
      auto opened = ThinDriver::open(settings);
      if (!opened) return fail_in("storage driver devicemapper", opened.error());
      return opened;
    }
    case config::StorageDriver::kVfs:
      return std::make_unique<TreeDriver>(settings, TreeDriver::Copies::kFiles);
    default:
      return std::make_unique<OverlayDriver>(settings, OverlayDriver::Layers::kDirectories);
  }
}

}  // namespace mete::runtime::storage
