// SPDX-License-Identifier: Apache-2.0
#include "collectors/machine_filesystems.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>

#include "collectors/discovery/runtimes.h"
#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

constexpr std::array kNeverWritten = std::to_array<std::string_view>({"squashfs", "erofs", "iso9660"});

Bytes blocks(std::uint64_t number, std::uint64_t size) {
  std::uint64_t bytes = 0;
  return to_bytes(__builtin_mul_overflow(number, size, &bytes) ? UINT64_MAX : bytes);
}

}  // namespace

std::vector<MountedDisk> mounted_disks(std::string_view mountinfo) {
  std::vector<MountedDisk> disks;
  for (auto& mount : parse_mountinfo(mountinfo)) {
    if (!mount.source.starts_with("/dev/") || mount.source.starts_with("/dev/loop")) continue;
    if (std::find(kNeverWritten.begin(), kNeverWritten.end(), mount.type) != kNeverWritten.end()) continue;
    const auto known = [&](const MountedDisk& each) { return each.device == mount.source; };
    if (std::none_of(disks.begin(), disks.end(), known))
      disks.push_back({std::move(mount.source), std::move(mount.point)});
  }
  return disks;
}

std::vector<FilesystemUsage> read_machine_filesystems() {
  std::vector<FilesystemUsage> all;
  const auto text = runtime::read_file(AT_FDCWD, "/proc/self/mountinfo");
  if (!text) return all;
  for (auto& disk : mounted_disks(*text)) {
    struct statvfs info {};
    if (::statvfs(disk.point.c_str(), &info) != 0) continue;
    FilesystemUsage& usage = all.emplace_back();
    usage.device = std::move(disk.device);
    usage.limit = blocks(info.f_blocks, info.f_frsize);
    usage.usage = blocks(info.f_blocks - info.f_bfree, info.f_frsize);
    if (info.f_files == 0) continue;  // btrfs has no fixed number
    usage.inodes_total = info.f_files;
    usage.inodes_free = info.f_ffree;
  }
  return all;
}

}  // namespace mete::collectors
