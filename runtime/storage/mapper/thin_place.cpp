// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/mapper/thin_place.h"

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/storage/ext4.h"
#include "runtime/storage/mount_point.h"
#include "runtime/storage/run_program.h"

namespace mete::runtime::storage {
namespace {

// A journal, because a pool that is full breaks it off, where a file system without one would go on with holes.
Status make_file_system(const std::string& device) {
  return run_program({find_program("mkfs.ext4"), "-q", "-F", "-b", "4096", "-I", "256", "-m", "0", "-J", "size=8", "-E",
                      "nodiscard,lazy_itable_init=1,lazy_journal_init=1", device});
}

Status mount_device(const std::string& device, const std::string& target, MapperAccess access) {
  METE_CHECK(make_directories(target));
  const std::string options = std::string(kExt4Options) + ",errors=remount-ro";
  const unsigned long flags = access == MapperAccess::kReadOnly ? MS_RDONLY : 0;
  if (::mount(device.c_str(), target.c_str(), "ext4", flags, options.c_str()) != 0)
    return fail_errno("mount " + device + " at " + target);
  return {};
}

}  // namespace

Status make_thin(ThinPool& pool, const Place& place, Bytes size, std::optional<std::uint32_t> origin,
                 const std::function<Status(const ThinVolume&)>& finish) {
  const std::string owner = std::filesystem::path(place.directory()).parent_path().string();
  METE_TRY(const ThinVolume volume, pool.make_volume(owner, size, origin));
  METE_TRY(const std::string device, pool.open_volume(volume, MapperAccess::kReadWrite));
  if (!origin) METE_CHECK(make_file_system(device));
  METE_CHECK(mount_device(device, place.thin(), MapperAccess::kReadWrite));
  METE_CHECK(finish(volume));
  const auto from_place = std::filesystem::path(pool.directory()).lexically_relative(place.directory());
  return replace_file(place.volume_note(), text_of(VolumeNote{volume.id, from_place.string()}));
}

Result<VolumeNote> note_in(const Place& place) {
  METE_TRY(const std::string text, read_file(AT_FDCWD, place.volume_note()));
  auto note = parse_note(text);
  if (!note)
    return fail(place.volume_note() + ": found \"" + text.substr(0, 80) + "\", expected a number and a folder");
  note->directory = (std::filesystem::path(place.directory()) / note->directory).lexically_normal().string();
  return std::move(*note);
}

Status mount_thin(const Place& place, MapperAccess access) {
  if (::access(place.volume_note().c_str(), F_OK) != 0 || is_mount_point(place.thin())) return {};
  METE_TRY(const VolumeNote note, note_in(place));
  METE_TRY(ThinPool pool, ThinPool::lock(note.directory));
  if (is_mount_point(place.thin())) return {};
  METE_CHECK(pool.start());
  const auto volume = pool.find(note.id);
  if (!volume)
    return fail(place.volume_note() + ": found volume " + std::to_string(note.id) +
                ", expected one that is in the book of " + note.directory);
  METE_TRY(const std::string device, pool.open_volume(*volume, access));
  if (access == MapperAccess::kReadWrite) METE_CHECK(check_ext4(device));
  return mount_device(device, place.thin(), access);
}

Status release_thin(const Place& place) {
  METE_CHECK(unmount(place.thin()));
  // Where another mount namespace has a copy of the mount, it goes with the directory.
  if (::rmdir(place.thin().c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + place.thin());
  if (::unlink(place.volume_note().c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
    return fail_errno("remove " + place.volume_note());
  return {};
}

}  // namespace mete::runtime::storage
