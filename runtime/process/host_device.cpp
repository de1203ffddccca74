// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/host_device.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace mete::runtime::process {
namespace {

constexpr std::array<std::string_view, 6> kOwn = {"console", "fd", "mqueue", "ptmx", "pts", "shm"};

}  // namespace

Result<DeviceSpec> host_device(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) return fail(path + ": found no device there, expected one");
  return DeviceSpec{path, info.st_mode, info.st_rdev, info.st_uid, info.st_gid};
}

Result<std::vector<DeviceSpec>> host_devices(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<DeviceSpec> devices;
  std::error_code error;
  fs::recursive_directory_iterator entries(directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::end(entries); entries.increment(error)) {
    const std::string path = entries->path().string();
    if (entries.depth() == 0 &&
        std::find(kOwn.begin(), kOwn.end(), entries->path().filename().string()) != kOwn.end()) {
      entries.disable_recursion_pending();
      continue;
    }
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode))) continue;
    devices.push_back({path, info.st_mode, info.st_rdev, info.st_uid, info.st_gid});
  }
  if (error) return fail(directory + ": " + error.message());
  std::sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return devices;
}

}  // namespace mete::runtime::process
