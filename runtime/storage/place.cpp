// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/place.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/storage/btrfs.h"
#include "runtime/storage/project_quota.h"

namespace mete::runtime::storage {
namespace {

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

bool is_mounted(const std::string& path) {
  struct stat own {};
  struct stat parent {};
  return ::lstat(path.c_str(), &own) == 0 && ::stat((path + "/..").c_str(), &parent) == 0 &&
         own.st_dev != parent.st_dev;
}

Status rename_if_there(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("rename " + from);
}

// The mount itself moves: mounted twice, one image would be two file systems that know nothing of each other. Bound and
// unmounted, because mounts below a shared one cannot be moved.
Status move_mount_of(const Place& from, const Place& to) {
  if (!is_mounted(from.limited())) return {};
  METE_CHECK(make_directories(to.limited()));
  if (::mount(from.limited().c_str(), to.limited().c_str(), nullptr, MS_BIND, nullptr) != 0)
    return fail_errno("bind " + from.limited());
  if (::umount2(from.limited().c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
    return fail_errno("unmount " + from.limited());
  return {};
}

std::optional<Bytes> read_quota(const Place& place) {
  const auto text = read_file(AT_FDCWD, place.quota());
  std::int64_t bytes = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), bytes).ec != std::errc()) return std::nullopt;
  return Bytes(bytes);
}

}  // namespace

std::optional<Written> written_in(const std::string& directory) {
  const Place place(directory);
  Written written;
  if (is_there(place.limited() + "/upper")) {
    written.upper = place.limited() + "/upper";
    written.work = place.limited() + "/work";
  } else if (is_there(place.tree())) {
    std::error_code failed;
    const auto base = std::filesystem::read_symlink(place.base_link(), failed);
    written.tree = place.tree();
    if (!failed) written.base = base.string();
  } else if (is_there(place.upper()) && !is_there(place.image())) {
    written.upper = place.upper();
    written.work = place.work();
  } else {
    return std::nullopt;
  }
  written.quota = read_quota(place);
  return written;
}

Status note_quota(const Place& place, std::optional<Bytes> quota) {
  if (quota) return replace_file(place.quota(), std::to_string(quota->count()) + "\n", 0600, Durability::volatile_);
  return ::unlink(place.quota().c_str()) == 0 || errno == ENOENT ? Status() : fail_errno("remove " + place.quota());
}

bool keeps_written(const std::string& directory) {
  const Place place(directory);
  return is_there(place.upper()) || is_there(place.image()) || is_there(place.tree());
}

Status refuse_tree(const Place& place, std::string_view driver) {
  if (!is_there(place.tree())) return {};
  return fail("storage driver " + std::string(driver) +
              ": found what this container wrote in the form of btrfs or vfs, expected that driver in agent.yaml until "
              "the container is removed");
}

Status refuse_upper(const Place& place, std::string_view driver) {
  if (!is_there(place.upper()) && !is_there(place.image())) return {};
  return fail("storage driver " + std::string(driver) +
              ": found what this container wrote in the form of overlay or erofs, expected that driver in agent.yaml "
              "until the container is removed");
}

Status move_written(const std::string& from_directory, const std::string& to_directory) {
  const Place from(from_directory);
  const Place to(to_directory);
  METE_CHECK(move_mount_of(from, to));
  METE_CHECK(rename_if_there(from.image(), to.image()));
  METE_CHECK(rename_if_there(from.base_link(), to.base_link()));
  METE_CHECK(rename_if_there(from.tree(), to.tree()));
  return rename_if_there(from.upper(), to.upper());
}

Status release(const std::string& directory) {
  const Place place(directory);
  if (is_mounted(place.limited()) && ::umount2(place.limited().c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
    return fail_errno("unmount " + place.limited());
  if (is_there(place.upper())) forget_project_quota(place.upper());
  if (is_subvolume(place.tree())) METE_CHECK(remove_subvolume(place.tree()));
  return {};
}

Status remove_place(const std::string& directory) {
  METE_CHECK(release(directory));
  return remove_tree(directory);
}

Status release_places(const std::string& containers) {
  std::error_code ignored;
  for (const auto& container : std::filesystem::directory_iterator(containers, ignored)) {
    for (const auto& place : std::filesystem::directory_iterator(container.path(), ignored))
      METE_CHECK(release(place.path().string()));
  }
  return {};
}

Status remove_places(const std::string& containers) {
  METE_CHECK(release_places(containers));
  return remove_tree(containers);
}

}  // namespace mete::runtime::storage
