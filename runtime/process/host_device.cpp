// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/host_device.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace mete::runtime::process {
namespace {

constexpr std::array<std::string_view, 6> kOwn = {"console", "fd", "mqueue", "ptmx", "pts", "shm"};

bool is_device(const struct stat& info) {
  return S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
}

}  // namespace

Result<DeviceSpec> host_device(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (!is_device(info)) return fail(path + ": found no device there, expected one");
  return DeviceSpec{path, info.st_mode, info.st_rdev, info.st_uid, info.st_gid};
}

Result<std::vector<DeviceSpec>> host_devices(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<DeviceSpec> devices;
  std::error_code error;
  fs::recursive_directory_iterator entries(directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::end(entries); entries.increment(error)) {
    const std::string path = entries->path().string();
    if (entries.depth() == 0 && directory == "/dev" &&
        std::find(kOwn.begin(), kOwn.end(), entries->path().filename().string()) != kOwn.end()) {
      entries.disable_recursion_pending();
      continue;
    }
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || !is_device(info)) continue;
    devices.push_back({path, info.st_mode, info.st_rdev, info.st_uid, info.st_gid});
  }
  if (error) return fail(directory + ": " + error.message());
  std::sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return devices;
}

Result<std::vector<DeviceSpec>> asked_devices(const std::string& path, const std::string& inside) {
  const std::string wrong = "error gathering device information while adding custom device \"" + path + "\": ";
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const int code = errno;
    return fail(wrong + (code == ENOENT ? "no such file or directory" : std::system_category().message(code)));
  }
  if (is_device(info)) return std::vector{DeviceSpec{inside, info.st_mode, info.st_rdev, info.st_uid, info.st_gid}};
  const std::string not_one = wrong + "not a device node";
  if (!S_ISDIR(info.st_mode)) return fail(not_one);
  std::error_code error;
  const std::string directory = std::filesystem::canonical(path, error).string();
  if (error) return fail(wrong + error.message());
  METE_TRY(auto devices, host_devices(directory));
  if (devices.empty()) return fail(not_one);
  for (auto& device : devices) device.path.replace(0, directory.size(), inside);
  return devices;
}

}  // namespace mete::runtime::process
