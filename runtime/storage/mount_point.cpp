// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/mount_point.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/file.h"

namespace mete::runtime::storage {

bool is_mount_point(const std::string& path) {
  struct stat own {};
  struct stat parent {};
  return ::lstat(path.c_str(), &own) == 0 && ::stat((path + "/..").c_str(), &parent) == 0 &&
         own.st_dev != parent.st_dev;
}

Status unmount(const std::string& path) {
  if (is_mount_point(path) && ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
    return fail_errno("unmount " + path);
  return {};
}

// Bound and unmounted, because mounts below a shared one cannot be moved.
Status move_mount_point(const std::string& from, const std::string& to) {
  if (!is_mount_point(from)) return {};
  METE_CHECK(make_directories(to));
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) != 0) return fail_errno("bind " + from);
  return unmount(from);
}

}  // namespace mete::runtime::storage
