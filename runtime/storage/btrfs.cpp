// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/btrfs.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cstring>

#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

constexpr ino_t kRootOfSubvolume = 256;  // BTRFS_FIRST_FREE_OBJECTID

struct NamedIn {
  UniqueFd parent;
  std::string name;
};

Result<NamedIn> parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  METE_TRY(UniqueFd parent, open_at(AT_FDCWD, path.substr(0, slash), O_RDONLY | O_DIRECTORY));
  return NamedIn{std::move(parent), path.substr(slash + 1)};
}

Status call(const std::string& path, unsigned long request, int source, const char* verb) {
  METE_TRY(const NamedIn place, parent_of(path));
  btrfs_ioctl_vol_args_v2 arguments{};
  arguments.fd = source;
  if (place.name.size() > BTRFS_SUBVOL_NAME_MAX) return fail(path + ": found a long name, expected a shorter one");
  std::memcpy(arguments.name, place.name.c_str(), place.name.size() + 1);
  if (::ioctl(place.parent.get(), request, &arguments) != 0) return fail_errno(std::string(verb) + " " + path);
  return {};
}

Result<std::uint64_t> id_of_subvolume(int fd, const std::string& path) {
  btrfs_ioctl_ino_lookup_args lookup{};  // without a tree: in the one that `fd` belongs to
  lookup.objectid = kRootOfSubvolume;
  if (::ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) != 0) return fail_errno("look at the subvolume " + path);
  return lookup.treeid;
}

// A group of a subvolume that is gone stays for ever otherwise. Without quotas there is none.
void remove_group(int fd, std::uint64_t id) {
  btrfs_ioctl_qgroup_create_args arguments{};
  arguments.create = 0;
  arguments.qgroupid = id;
  (void)::ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &arguments);
}

}  // namespace

bool is_subvolume(const std::string& path) {
  struct stat info {};
  struct statfs system {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_ino == kRootOfSubvolume &&
         ::statfs(path.c_str(), &system) == 0 && system.f_type == BTRFS_SUPER_MAGIC;
}

Status make_subvolume(const std::string& path) {
  return call(path, BTRFS_IOC_SUBVOL_CREATE_V2, 0, "make the subvolume");
}

Status make_snapshot(const std::string& from, const std::string& path) {
  METE_TRY(const UniqueFd source, open_at(AT_FDCWD, from, O_RDONLY | O_DIRECTORY));
  return call(path, BTRFS_IOC_SNAP_CREATE_V2, source.get(), "make the snapshot");
}

Status remove_subvolume(const std::string& path) {
  std::uint64_t id = 0;
  {
    METE_TRY(const UniqueFd own, open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
    METE_TRY(id, id_of_subvolume(own.get(), path));
  }
  METE_CHECK(call(path, BTRFS_IOC_SNAP_DESTROY_V2, 0, "remove the subvolume"));
  METE_TRY(const NamedIn place, parent_of(path));
  remove_group(place.parent.get(), id);
  return {};
}

Status limit_subvolume(const std::string& path, Bytes limit) {
  METE_TRY(const UniqueFd own, open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  METE_TRY(const std::uint64_t id, id_of_subvolume(own.get(), path));
  btrfs_ioctl_quota_ctl_args quota{};
  quota.cmd = BTRFS_QUOTA_CTL_ENABLE;
  if (::ioctl(own.get(), BTRFS_IOC_QUOTA_CTL, &quota) != 0) return fail_errno("turn quotas on for " + path);
  // A file system that had none counts first; what is written meanwhile would be counted wrongly.
  if (::ioctl(own.get(), BTRFS_IOC_QUOTA_RESCAN_WAIT) != 0) return fail_errno("wait for the quotas of " + path);
  btrfs_ioctl_qgroup_limit_args group{};
  group.qgroupid = id;
  group.lim.flags = BTRFS_QGROUP_LIMIT_MAX_EXCL;
  group.lim.max_excl = static_cast<std::uint64_t>(limit.count());
  if (::ioctl(own.get(), BTRFS_IOC_QGROUP_LIMIT, &group) != 0) return fail_errno("limit the subvolume " + path);
  return {};
}

}  // namespace mete::runtime::storage
