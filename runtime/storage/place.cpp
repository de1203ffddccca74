// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/storage/btrfs.h"
#include "runtime/storage/limited_upper.h"
#include "runtime/storage/mapper/thin_place.h"
#include "runtime/storage/mount_point.h"
#include "runtime/storage/project_quota.h"

namespace mete::runtime::storage {
namespace {

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

Status rename_if_there(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("rename " + from);
}

struct Form {
  WrittenForm form;
  const char* drivers;
};
constexpr Form kForms[] = {{WrittenForm::kUpper, "overlay or erofs"},
                           {WrittenForm::kTree, "btrfs or vfs"},
                           {WrittenForm::kVolume, "devicemapper"}};

bool has_form(const Place& place, WrittenForm form) {
  if (form == WrittenForm::kTree) return is_there(place.tree());
  if (form == WrittenForm::kVolume) return is_there(place.volume_note());
  return is_there(place.upper()) || is_there(place.image());
}

// A link to STATE/storage/devicemapper/images/ID/thin/tree.
std::optional<Place> base_place(const Place& place) {
  std::error_code failed;
  const auto base = std::filesystem::read_symlink(place.base_link(), failed);
  if (failed) return std::nullopt;
  return Place(base.parent_path().parent_path().string());
}

std::optional<Bytes> read_quota(const Place& place) {
  const auto text = read_file(AT_FDCWD, place.quota());
  std::int64_t bytes = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), bytes).ec != std::errc()) return std::nullopt;
  return Bytes(bytes);
}

}  // namespace

std::string Place::upper_in(const std::string& directory) {
  std::string earlier = directory + "/upper";
  return is_there(earlier) ? earlier : directory + "/diff";
}

std::optional<Written> written_in(const std::string& directory) {
  const Place place(directory);
  Written written;
  if (is_there(place.limited_upper())) {
    written.upper = place.limited_upper();
    written.work = place.limited() + "/work";
  } else if (is_there(place.tree()) || is_there(place.thin_tree())) {
    std::error_code failed;
    const auto base = std::filesystem::read_symlink(place.base_link(), failed);
    written.tree = is_there(place.tree()) ? place.tree() : place.thin_tree();
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

Status link_to_base(const Place& place, const std::string& base) {
  if (::unlink(place.base_link().c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + place.base_link());
  if (::symlink(base.c_str(), place.base_link().c_str()) != 0) return fail_errno("make " + place.base_link());
  return {};
}

Status mount_written(const std::string& directory) {
  const Place place(directory);
  METE_CHECK(mount_limited(place));
  if (!is_there(place.volume_note())) return {};
  if (const auto base = base_place(place)) METE_CHECK(mount_thin(*base, MapperAccess::kReadOnly));
  return mount_thin(place, MapperAccess::kReadWrite);
}

bool keeps_written(const std::string& directory) {
  const Place place(directory);
  return std::any_of(std::begin(kForms), std::end(kForms),
                     [&place](const Form& each) { return has_form(place, each.form); });
}

Status refuse_others(const Place& place, WrittenForm own, std::string_view driver) {
  for (const auto& [form, drivers] : kForms) {
    if (form == own || !has_form(place, form)) continue;
    return fail("storage driver " + std::string(driver) + ": found what this container wrote in the form of " +
                drivers + ", expected that driver in agent.yaml until the container is removed");
  }
  return {};
}

Status move_written(const std::string& from_directory, const std::string& to_directory) {
  const Place from(from_directory);
  const Place to(to_directory);
  METE_CHECK(move_mount_point(from.limited(), to.limited()));
  METE_CHECK(move_mount_point(from.thin(), to.thin()));
  METE_CHECK(rename_if_there(from.image(), to.image()));
  METE_CHECK(rename_if_there(from.base_link(), to.base_link()));
  METE_CHECK(rename_if_there(from.tree(), to.tree()));
  METE_CHECK(rename_if_there(from.volume_note(), to.volume_note()));
  return rename_if_there(from.upper(), to.upper());
}

Status release(const std::string& directory) {
  const Place place(directory);
  METE_CHECK(unmount(place.limited()));
  METE_CHECK(release_thin(place));
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
