// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/plan/defaults.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace mete::runtime::process {
namespace {

constexpr std::uint64_t kSafe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

}  // namespace

std::vector<MountSpec> default_mounts(bool own_network, std::uint64_t shm_bytes) {
  std::vector<MountSpec> mounts = {
      {.destination = "/proc", .type = "proc", .source = "proc", .attributes = kSafe},
      {.destination = "/dev",
       .type = "tmpfs",
       .source = "tmpfs",
       .data = "mode=755,size=65536k",
       .attributes = MOUNT_ATTR_NOSUID},
      {.destination = "/dev/pts",
       .type = "devpts",
       .source = "devpts",
       .data = "newinstance,ptmxmode=0666,mode=0620,gid=5",
       .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC},
      {.destination = "/dev/shm",
       .type = "tmpfs",
       .source = "shm",
       .data = "mode=1777,size=" + std::to_string(shm_bytes),
       .attributes = kSafe},
      {.destination = "/dev/mqueue", .type = "mqueue", .source = "mqueue", .attributes = kSafe, .optional = true},
  };
  if (own_network) {
    mounts.push_back(
        {.destination = "/sys", .type = "sysfs", .source = "sysfs", .attributes = kSafe | MOUNT_ATTR_RDONLY});
  } else {
    mounts.push_back(
        {.destination = "/sys", .type = "bind", .source = "/sys", .attributes = kSafe | MOUNT_ATTR_RDONLY});
  }
  return mounts;
}

std::vector<DeviceSpec> default_devices() {
  constexpr std::uint32_t kMode = S_IFCHR | 0666;
  return {{"/dev/null", kMode, makedev(1, 3), 0, 0},    {"/dev/zero", kMode, makedev(1, 5), 0, 0},
          {"/dev/full", kMode, makedev(1, 7), 0, 0},    {"/dev/random", kMode, makedev(1, 8), 0, 0},
          {"/dev/urandom", kMode, makedev(1, 9), 0, 0}, {"/dev/tty", kMode, makedev(5, 0), 0, 0}};
}

std::vector<std::string> default_masked_paths() {
  return {"/proc/acpi",
          "/proc/asound",
          "/proc/interrupts",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/sched_debug",
          "/proc/scsi",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/sys/devices/virtual/powercap",
          "/sys/firmware",
          "/sys/fs/selinux"};
}

std::vector<std::string> default_read_only_paths() {
  return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

CgroupView view_of(const cgroup::Hierarchies& hierarchies) {
  CgroupView view;
  view.unified = !hierarchies.v2_mount.empty();
  const auto name_of = [](const std::string& mount) { return mount.substr(mount.rfind('/') + 1); };
  for (const auto& mount : hierarchies.v1_mounts()) {
    std::string controllers;
    for (const auto& [controller, where] : hierarchies.v1) {
      if (where == mount) controllers += (controllers.empty() ? "" : ",") + controller;
    }
    view.v1.emplace_back(name_of(mount), controllers);
  }
  for (const auto& [name, mount] : hierarchies.named) view.v1.emplace_back(name_of(mount), "none,name=" + name);
  return view;
}

std::vector<MountSpec> cgroup_mounts(const CgroupView& view) {
  constexpr std::uint64_t kReadOnly = kSafe | MOUNT_ATTR_RDONLY;
  if (view.v1.empty()) {
    if (!view.unified) return {};
    return {{.destination = "/sys/fs/cgroup", .type = "cgroup2", .source = "cgroup2", .attributes = kReadOnly}};
  }
  // On v1 a directory of directories. The tmpfs must stay writable for root until its mounts are made; afterwards that
  // is harmless.
  std::vector<MountSpec> mounts = {{.destination = "/sys/fs/cgroup",
                                    .type = "tmpfs",
                                    .source = "cgroup",
                                    .data = "mode=755,size=64k",
                                    .attributes = kSafe}};
  for (const auto& [directory, controllers] : view.v1) {
    mounts.push_back({.destination = "/sys/fs/cgroup/" + directory,
                      .type = "cgroup",
                      .source = "cgroup",
                      .data = controllers,
                      .attributes = kReadOnly});
  }
  if (view.unified) {
    mounts.push_back(
        {.destination = "/sys/fs/cgroup/unified", .type = "cgroup2", .source = "cgroup2", .attributes = kReadOnly});
  }
  return mounts;
}

void bind_own_group(const cgroup::Hierarchies& hierarchies, const std::string& path, std::vector<MountSpec>& mounts) {
  // What the machine's mount has and the new one was not to have.
  constexpr std::uint64_t kFlags = MOUNT_ATTR_RDONLY | kSafe;
  for (auto& mount : mounts) {
    const std::string name = mount.destination.substr(mount.destination.rfind('/') + 1);
    std::string source;
    for (const auto& each : hierarchies.v1_process_mounts()) {
      if (mount.type == "cgroup" && each.substr(each.rfind('/') + 1) == name) source = each;
    }
    if (mount.type == "cgroup2") source = hierarchies.v2_mount;
    if (source.empty()) continue;  // the tmpfs that holds them
    mount.type = "bind";
    mount.source = source + path;
    mount.data.clear();
    mount.cleared = kFlags & ~mount.attributes;
  }
}

}  // namespace mete::runtime::process
