// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/disk_mounts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

namespace fs = std::filesystem;

struct DiskPlace {
  explicit DiskPlace(const std::string& directory)
      : mount(directory + "/mount"),
        users(directory + "/users"),
        device(directory + "/device"),
        lock(directory + "/lock") {}
  std::string mount, users;
  std::string device;  // the number of the device that is mounted
  std::string lock;
};

std::vector<std::string> names_below(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  return names;
}

Result<UniqueFd> lock_disk(const DiskPlace& place) {
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, place.lock, O_RDWR | O_CREAT, 0600));
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno("lock " + place.lock);
  }
  return file;
}

bool is_mounted(const std::string& path) {
  struct stat own {};
  struct stat parent {};
  const bool there = ::stat(path.c_str(), &own) == 0 && ::stat((path + "/..").c_str(), &parent) == 0;
  return there && own.st_dev != parent.st_dev;
}

Status mount_it(const config::DiskVolume& volume, const std::string& device, const DiskPlace& place) {
  struct stat info {};
  if (::stat(device.c_str(), &info) != 0) return fail_errno("stat " + device);
  const std::string number = std::to_string(major(info.st_rdev)) + ":" + std::to_string(minor(info.st_rdev));
  if (is_mounted(place.mount)) {
    // Another disk was attached under this name, and the one before is still in use.
    if (read_file(AT_FDCWD, place.device).value_or("") != number)
      return fail(device + ": found another disk mounted for other pods, expected this one");
    struct statvfs flags {};
    if (::statvfs(place.mount.c_str(), &flags) != 0) return fail_errno("statvfs " + place.mount);
    if (!volume.read_only && (flags.f_flag & ST_RDONLY) != 0)
      return fail(device + ": found it mounted read-only for other pods, expected `readOnly: true`");
    return {};
  }
  METE_CHECK(replace_file(place.device, number, 0600, Durability::volatile_));
  const unsigned long flags = volume.read_only ? MS_RDONLY : 0;
  if (::mount(device.c_str(), place.mount.c_str(), volume.file_system.c_str(), flags, nullptr) == 0) return {};
  const int code = errno;
  std::string hint;
  if (code == ENODEV) hint = " (this kernel has no such file system)";
  if (code == EINVAL) hint = " (there is no such file system on it; mete formats no disk)";
  return fail_errno("mount " + device + " as " + volume.file_system + hint, code);
}

Status release_one(const DiskPlace& place, const std::string& uid) {
  const std::string user = place.users + "/" + uid;
  METE_TRY(const UniqueFd lock, lock_disk(place));
  if (::access(user.c_str(), F_OK) != 0) return {};
  // The mount first: should this process end here, the file still leads to it.
  if (names_below(place.users).size() == 1 && is_mounted(place.mount) &&
      ::umount2(place.mount.c_str(), UMOUNT_NOFOLLOW) != 0)
    return fail_errno("unmount " + place.mount);
  if (::unlink(user.c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + user);
  return {};
}

}  // namespace

Result<std::string> find_disk(const config::DiskVolume& volume, const std::string& links) {
  std::string link = links + "/" + volume.link;
  struct stat info {};
  if (::stat(link.c_str(), &info) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return fail_errno(link);
    return fail(link + ": found nothing there, expected the disk: is it attached to this machine?");
  }
  if (!S_ISBLK(info.st_mode)) return fail(link + ": found no block device, expected one");
  return link;
}

std::string disk_mount_point(const config::DiskVolume& volume, const std::string& folder) {
  return DiskPlace(folder + "/" + volume.link).mount;
}

Result<std::string> mount_disk(const config::DiskVolume& volume, const std::string& device, const std::string& folder,
                               const std::string& uid) {
  const DiskPlace place(folder + "/" + volume.link);
  METE_CHECK(make_directories(place.mount, 0700));
  METE_CHECK(make_directories(place.users, 0700));
  METE_TRY(const UniqueFd lock, lock_disk(place));
  const std::string user = place.users + "/" + uid;
  { METE_TRY(const UniqueFd made, open_at(AT_FDCWD, user, O_WRONLY | O_CREAT, 0600)); }
  if (auto mounted = mount_it(volume, device, place); !mounted) {
    (void)::unlink(user.c_str());
    return tl::unexpected(std::move(mounted.error()));
  }
  return place.mount;
}

Status release_disks(const std::string& folder, const std::string& uid) {
  for (const auto& link : names_below(folder)) METE_CHECK(release_one(DiskPlace(folder + "/" + link), uid));
  return {};
}

Status release_other_disks(const std::string& folder, const std::set<std::string>& known) {
  for (const auto& link : names_below(folder)) {
    const DiskPlace place(folder + "/" + link);
    for (const auto& uid : names_below(place.users)) {
      if (!known.contains(uid)) METE_CHECK(release_one(place, uid));
    }
  }
  return {};
}

}  // namespace mete::runtime::storage
