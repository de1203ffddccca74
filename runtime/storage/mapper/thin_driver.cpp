// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/mapper/thin_driver.h"

#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/storage/ext4.h"
#include "runtime/storage/mount_point.h"

namespace mete::runtime::storage {
namespace {

std::string directory_of(const std::string& of_drivers) {
  return of_drivers + "/devicemapper";
}

std::string images_of(const std::string& directory) {
  return directory + "/images";
}

// Unmounted for good: a snapshot of it has no journal to read.
Status finish_base(const std::string& folder) {
  const Place place(folder);
  METE_TRY(const VolumeNote note, note_in(place));
  if (::umount2(place.thin().c_str(), UMOUNT_NOFOLLOW) != 0) return fail_errno("unmount " + place.thin());
  METE_TRY(const ThinPool pool, ThinPool::lock(note.directory));
  return pool.close_volume(note.id);
}

Status open_base(const std::string& folder) {
  return mount_thin(Place(folder), MapperAccess::kReadOnly);
}

Status remove_base(const std::string& folder) {
  return release_thin(Place(folder));
}

// A file system whose pool was full, or whose disk failed, is read-only: what is there is checked when it is mounted
// again, if nobody uses it.
Status unmount_broken(const Place& place) {
  struct statvfs info {};
  if (!is_mount_point(place.thin()) || ::statvfs(place.thin().c_str(), &info) != 0 || (info.f_flag & ST_RDONLY) == 0)
    return {};
  return ::umount2(place.thin().c_str(), UMOUNT_NOFOLLOW) == 0 ? Status() : fail_errno("unmount " + place.thin());
}

// Gives the volume's file system room for `limit` bytes, and not more.
Status limit_volume(ThinPool& pool, ThinVolume volume, const Place& place, Bytes limit) {
  constexpr int kTries = 4;  // larger tables take a little of what was added for them
  for (int tries = 0; tries < kTries; ++tries) {
    METE_TRY(const Bytes free, free_bytes_of(place.thin()));
    if (free >= limit) break;
    volume.size += ext4_size(limit - free);
    METE_CHECK(pool.grow_volume(volume.id, volume.size));
    METE_CHECK(grow_ext4(place.thin(), volume.size));
  }
  return take_surplus(place.thin(), limit);
}

}  // namespace

ThinDriver::ThinDriver(const DriverSettings& settings)
    : directory_(directory_of(settings.directory)),
      policy_(settings.thin_pool),
      bases_(images_of(directory_), settings.layers,
             {.inside = "/thin/tree",
              .make = [this](const std::string& folder) { return make_base(folder); },
              .remove = remove_base,
              .finish = finish_base,
              .open = open_base}) {}

Result<std::unique_ptr<Driver>> ThinDriver::open(const DriverSettings& settings) {
  METE_TRY(ThinPool pool, ThinPool::lock(directory_of(settings.directory)));
  METE_CHECK(pool.require(settings.thin_pool));
  (void)pool.sweep();  // a pool that takes no writes keeps no agent from its containers; look_after() tells
  return std::make_unique<ThinDriver>(settings);
}

bool ThinDriver::takes_time(const RootWish& /*wish*/) const {
  return true;
}

Status ThinDriver::make_base(const std::string& folder) const {
  const Place place(folder);
  METE_TRY(ThinPool pool, ThinPool::lock(directory_));
  METE_CHECK(pool.require(policy_));
  return make_thin(pool, place, policy_.root_size, std::nullopt,
                   [&place](const ThinVolume&) { return make_directories(place.thin_tree()); });
}

Result<ContainerRoot> ThinDriver::make(const RootWish& wish) {
  const Place place(wish.place);
  METE_CHECK(refuse_others(place, WrittenForm::kVolume, name()));
  if (::access(place.volume_note().c_str(), F_OK) != 0) {
    METE_CHECK(make_container(place, wish));
  } else {
    METE_CHECK(unmount_broken(place));
    METE_CHECK(mount_written(wish.place));
  }
  METE_CHECK(note_quota(place, wish.limit));
  return ContainerRoot{place.thin_tree(), std::nullopt};
}

Status ThinDriver::make_container(const Place& place, const RootWish& wish) {
  METE_TRY(const std::string base, bases_.of(wish.layers));
  METE_CHECK(link_to_base(place, base));
  METE_TRY(const VolumeNote origin, note_in(Place(std::filesystem::path(base).parent_path().parent_path().string())));
  METE_TRY(ThinPool pool, ThinPool::lock(directory_));
  METE_CHECK(pool.require(policy_));
  (void)pool.sweep();
  const auto of_base = pool.find(origin.id);
  if (!of_base) return fail(base + ": found no volume of it in the book of " + directory_ + ", expected one");
  return make_thin(pool, place, of_base->size, origin.id, [&](const ThinVolume& volume) {
    return wish.limit ? limit_volume(pool, volume, place, *wish.limit) : Status();
  });
}

Status ThinDriver::prune() {
  METE_CHECK(bases_.prune());
  METE_TRY(ThinPool pool, ThinPool::lock(directory_));
  if (!pool.has_pool()) return {};
  METE_CHECK(pool.start());
  METE_CHECK(pool.sweep());
  return pool.book().volumes.empty() ? pool.remove() : Status();
}

Status ThinDriver::close() {
  for (const std::string& folder : bases_.folders()) METE_CHECK(unmount(Place(folder).thin()));
  METE_TRY(ThinPool pool, ThinPool::lock(directory_));
  if (!pool.has_pool()) return {};
  METE_CHECK(pool.start());
  METE_CHECK(pool.sweep());
  return pool.stop();
}

Result<std::optional<PoolUse>> ThinDriver::look_after() {
  const auto look = [this]() -> Result<std::optional<PoolUse>> {
    METE_TRY(ThinPool pool, ThinPool::lock(directory_));
    if (!pool.has_pool()) return std::optional<PoolUse>();
    METE_CHECK(pool.start());
    const auto swept = pool.sweep();
    METE_TRY(PoolUse use, pool.use());
    if (!swept && use.fault.empty()) return tl::unexpected(swept.error());
    return use;
  };
  auto found = look();
  const std::lock_guard<std::mutex> lock(seen_);
  use_ = found ? *found : std::nullopt;
  return found;
}

std::optional<PoolUse> ThinDriver::last_use() const {
  const std::lock_guard<std::mutex> lock(seen_);
  return use_;
}

Status retire_thin_pool(const std::string& of_drivers) {
  const std::string directory = directory_of(of_drivers);
  if (!ThinPool::is_known(directory)) return {};
  METE_TRY(ThinPool pool, ThinPool::lock(directory));
  METE_CHECK(pool.start());
  METE_CHECK(pool.sweep());
  const auto& volumes = pool.book().volumes;
  const auto is_base = [](const ThinVolume& each) { return each.owner == "images"; };
  if (!std::all_of(volumes.begin(), volumes.end(), is_base)) return {};
  for (std::error_code ignored; const auto& each : std::filesystem::directory_iterator(images_of(directory), ignored)) {
    METE_CHECK(release_thin(Place(each.path().string())));
    METE_CHECK(remove_tree(each.path().string()));
  }
  METE_CHECK(pool.remove());
  return remove_tree(directory);
}

}  // namespace mete::runtime::storage
