// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/extras.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "config/values/names.h"
#include "runtime/process/plan/resource_names.h"

namespace mete::runtime::pod {
namespace {

struct TmpfsFlag {
  std::string_view name;
  std::uint64_t attribute;
  bool set;
};
constexpr std::array<TmpfsFlag, 10> kFlags = {{{"ro", MOUNT_ATTR_RDONLY, true},
                                               {"rw", MOUNT_ATTR_RDONLY, false},
                                               {"nosuid", MOUNT_ATTR_NOSUID, true},
                                               {"suid", MOUNT_ATTR_NOSUID, false},
                                               {"nodev", MOUNT_ATTR_NODEV, true},
                                               {"dev", MOUNT_ATTR_NODEV, false},
                                               {"noexec", MOUNT_ATTR_NOEXEC, true},
                                               {"exec", MOUNT_ATTR_NOEXEC, false},
                                               {"noatime", MOUNT_ATTR_NOATIME, true},
                                               {"relatime", MOUNT_ATTR_NOATIME, false}}};

// Options of the file system itself (tmpfs(5)); the kernel checks their values.
bool is_data(std::string_view option) {
  constexpr std::array<std::string_view, 6> kData = {"size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks="};
  return std::any_of(kData.begin(), kData.end(), [&](std::string_view each) { return option.starts_with(each); });
}

Result<process::MountSpec> tmpfs_mount(const config::TmpfsMount& tmpfs) {
  process::MountSpec mount{.destination = config::normal_path(tmpfs.path),
                           .type = "tmpfs",
                           .source = "tmpfs",
                           .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
  std::string_view rest = tmpfs.options;
  while (!rest.empty()) {
    const std::string_view option = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), option.size() + 1));
    const auto* const flag =
        std::find_if(kFlags.begin(), kFlags.end(), [&](const TmpfsFlag& each) { return each.name == option; });
    if (flag != kFlags.end()) {
      mount.attributes = flag->set ? mount.attributes | flag->attribute : mount.attributes & ~flag->attribute;
    } else if (is_data(option)) {
      mount.data.append(mount.data.empty() ? "" : ",").append(option);
    } else {
      return fail("tmpfs " + tmpfs.path + ": found option \"" + std::string(option) +
                  "\", expected one of a tmpfs such as size=64m, mode=1777 or noexec");
    }
  }
  return mount;
}

Result<process::ResourceLimit> bound_of(const config::ProcessBound& bound) {
  std::string name = "RLIMIT_" + bound.name;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  const int resource = process::resource_number(name);
  if (resource < 0) return fail("ulimit: found \"" + bound.name + "\", expected a limit of the kernel such as nofile");
  return process::ResourceLimit{resource, bound.soft, bound.hard};
}

}  // namespace

Status add_extras(const config::ContainerExtras& extras, process::LaunchSpec& launch) {
  for (const auto& name : extras.unset_env)
    std::erase_if(launch.env, [&](const std::string& each) { return each.starts_with(name + "="); });
  if (!extras.domainname.empty()) launch.domainname = extras.domainname;
  for (const auto& bound : extras.bounds) {
    METE_TRY(process::ResourceLimit limit, bound_of(bound));
    launch.identity.rlimits.push_back(limit);
  }
  if (extras.shm_size) {
    for (auto& mount : launch.mounts) {
      if (mount.destination == "/dev/shm" && mount.type == "tmpfs")
        mount.data = "mode=1777,size=" + std::to_string(extras.shm_size->count());
    }
  }
  for (const auto& each : extras.tmpfs) {
    METE_TRY(process::MountSpec mount, tmpfs_mount(each));
    // A volume at the same place or below it comes later.
    const auto below = [&](const process::MountSpec& other) {
      return other.destination == mount.destination || other.destination.starts_with(mount.destination + "/");
    };
    launch.mounts.insert(std::find_if(launch.mounts.begin(), launch.mounts.end(), below), std::move(mount));
  }
  return {};
}

}  // namespace mete::runtime::pod
