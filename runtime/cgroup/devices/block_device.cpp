// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/devices/block_device.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <span>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

std::string number_of(dev_t device) {
  return std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

// A partition's directory in sysfs is in its disk's.
Result<std::string> whole_disk(const std::string& device, const std::string& path) {
  const std::string directory = "/sys/dev/block/" + device;
  if (const auto partition = read_file(AT_FDCWD, directory + "/partition", 64); !partition) {
    const auto own = read_file(AT_FDCWD, directory + "/dev", 64);
    if (!own) return fail(path + ": found device " + device + ", expected a disk");
    return device;
  }
  METE_TRY(const std::string disk, read_file(AT_FDCWD, directory + "/../dev", 64));
  return std::string(trim(disk));
}

// That a file has a line for, besides those in `disks`.
void add_disks(const Group& group, const char* controller, const char* file, std::vector<std::string>& disks) {
  const auto text = group.read(controller, file);
  if (!text) return;
  for (std::string_view rest = trim(*text); !rest.empty();) {
    std::string_view line = next_part(rest, '\n');
    std::string disk(next_part(line, ' '));
    if (std::find(disks.begin(), disks.end(), disk) == disks.end()) disks.push_back(std::move(disk));
  }
}

}  // namespace

std::vector<std::string> disks_with_latency(const Group& group) {
  std::vector<std::string> disks;
  if (group.hierarchies().on_v2("io")) add_disks(group, "io", "io.latency", disks);
  return disks;
}

std::vector<std::string> limited_disks(const Group& group) {
  static constexpr const char* kV1[] = {"blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device",
                                        "blkio.throttle.read_iops_device", "blkio.throttle.write_iops_device"};
  static constexpr const char* kV2[] = {"io.max"};
  const bool v1 = group.hierarchies().on_v1("blkio");
  std::vector<std::string> disks;
  for (const char* file : v1 ? std::span<const char* const>(kV1) : std::span<const char* const>(kV2))
    add_disks(group, v1 ? "blkio" : "io", file, disks);
  return disks;
}

std::string source_of_mount(std::string_view mountinfo, std::string_view device) {
  while (!mountinfo.empty()) {
    std::string_view line = next_part(mountinfo, '\n');
    std::string_view rest = line;
    (void)next_part(rest, ' ');  // id
    (void)next_part(rest, ' ');  // parent
    if (next_part(rest, ' ') != device) continue;
    const auto separator = rest.find(" - ");
    if (separator == std::string_view::npos) continue;
    rest.remove_prefix(separator + 3);
    (void)next_part(rest, ' ');  // type
    return std::string(next_part(rest, ' '));
  }
  return "";
}

Result<std::string> disk_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("stat " + path);
  if (S_ISBLK(info.st_mode)) return whole_disk(number_of(info.st_rdev), path);
  if (major(info.st_dev) != 0) return whole_disk(number_of(info.st_dev), path);
  // btrfs and others show a number that is no device's: the mount says which it is.
  METE_TRY(const std::string mounts, read_file(AT_FDCWD, "/proc/self/mountinfo", std::size_t{16} << 20U));
  const std::string source = source_of_mount(mounts, number_of(info.st_dev));
  if (source.starts_with("/dev/") && ::stat(source.c_str(), &info) == 0 && S_ISBLK(info.st_mode))
    return whole_disk(number_of(info.st_rdev), path);
  return fail(path + ": found a file system on " + (source.empty() ? std::string("no device") : "\"" + source + "\"") +
              ", expected one on a disk");
}

}  // namespace mete::runtime::cgroup
