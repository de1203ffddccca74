// SPDX-License-Identifier: Apache-2.0
// mount_setattr(2) as binds and remounts need it.
#pragma once

#include <fcntl.h>
#include <sys/mount.h>

#include <cstdint>

namespace mete::runtime::process {

// Sets and clears MOUNT_ATTR_* of the mount `mount`; with `recursive` of all mounts below, too. Returns -1 with errno
// on failure. The access-time modes are values of one field, not single bits: setting or clearing one replaces the
// field.
inline int change_attributes(int mount, std::uint64_t set, std::uint64_t cleared, bool recursive) {
  if ((set | cleared) == 0) return 0;
  struct mount_attr change {};
  change.attr_set = set;
  change.attr_clr = cleared & ~set;
  if (((set | cleared) & MOUNT_ATTR__ATIME) != 0) change.attr_clr |= MOUNT_ATTR__ATIME;
  const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
  return ::mount_setattr(mount, "", flags, &change, sizeof change);
}

}  // namespace mete::runtime::process
