// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/host_device.h"

#include <sys/stat.h>

namespace mete::runtime::process {

Result<DeviceSpec> host_device(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) return fail(path + ": found no device there, expected one");
  return DeviceSpec{path, info.st_mode, info.st_rdev, info.st_uid, info.st_gid};
}

}  // namespace mete::runtime::process
