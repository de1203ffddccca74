// SPDX-License-Identifier: Apache-2.0
#include "agent/base/read_only_program.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace mete::agent {

int ReadOnlyProgram::mount() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return -1;
  const std::array<std::int64_t, 4> version = {static_cast<std::int64_t>(info.st_dev),
                                               static_cast<std::int64_t>(info.st_ino), info.st_ctim.tv_sec,
                                               info.st_ctim.tv_nsec};
  if (version == version_) return mount_.get();
  mount_ = runtime::UniqueFd(::open_tree(AT_FDCWD, path_.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  version_ = version;
  struct mount_attr read_only {};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_.valid() && ::mount_setattr(mount_.get(), "", AT_EMPTY_PATH, &read_only, sizeof read_only) != 0)
    mount_.reset();
  return mount_.get();
}

}  // namespace mete::agent
