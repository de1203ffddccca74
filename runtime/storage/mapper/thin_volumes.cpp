// SPDX-License-Identifier: Apache-2.0
// The volumes of a pool.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "runtime/file.h"
#include "runtime/storage/mapper/thin_pool.h"
#include "runtime/storage/place.h"

namespace mete::runtime::storage {
namespace {

// Without a device: blocks that nobody shares go to the pool, and the pool's to the disk, which a deletion does not do.
void discard(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  std::uint64_t range[2] = {0, 0};
  // A disk that cannot discard keeps its blocks: nothing is lost.
  if (fd.valid() && ::ioctl(fd.get(), BLKGETSIZE64, &range[1]) == 0) (void)::ioctl(fd.get(), BLKDISCARD, range);
}

// What cannot be read may be a note.
bool has_note(const std::string& place, std::uint32_t id) {
  const auto text = read_file(AT_FDCWD, Place(place).volume_note());
  if (!text) return text.error().code != ENOENT && text.error().code != ENOTDIR;
  const auto note = parse_note(*text);
  return note && note->id == id;
}

}  // namespace

Result<ThinVolume> ThinPool::make_volume(const std::string& owner, Bytes size, std::optional<std::uint32_t> origin) {
  METE_TRY(const PoolStatus found, status());
  METE_CHECK(check_room(found));
  ThinBook next = book_;
  ++next.transaction;
  const ThinVolume volume{free_volume_id(next), size,
                          std::filesystem::path(owner).lexically_relative(directory_).string()};
  next.volumes.push_back(volume);
  // The book first: what is made from here on is found by it.
  std::swap(book_, next);
  if (auto saved = save(); !saved) {
    std::swap(book_, next);
    return tl::unexpected(std::move(saved.error()));
  }
  const std::string id = std::to_string(volume.id);
  METE_CHECK(
      mapper_.message(pool_name(), origin ? "create_snap " + id + " " + std::to_string(*origin) : "create_thin " + id));
  METE_CHECK(settle());
  return volume;
}

std::optional<ThinVolume> ThinPool::find(std::uint32_t id) const {
  for (const ThinVolume& each : book_.volumes) {
    if (each.id == id) return each;
  }
  return std::nullopt;
}

Result<std::string> ThinPool::open_volume(const ThinVolume& volume, MapperAccess access) const {
  const std::string name = name_of(std::to_string(volume.id));
  METE_TRY(auto device, mapper_.find(name));
  if (device && device->is_read_only != (access == MapperAccess::kReadOnly)) {
    METE_CHECK(close_volume(volume.id));
    device.reset();
  }
  if (!device) {
    METE_TRY(const auto pool, mapper_.find(pool_name()));
    if (!pool) return fail(pool_name() + ": found no such device, expected the thin pool");
    METE_TRY(device, mapper_.create(name, thin_table(text_of_device(pool->number), volume.id, volume.size), access));
  }
  return node_of(device->number);
}

Status ThinPool::close_volume(std::uint32_t id) const {
  // Others look into a new device for a moment; a mount namespace that ends takes its time.
  constexpr int kTries = 10;
  constexpr auto kAgain = std::chrono::milliseconds(30);
  for (int tries = 1;; ++tries) {
    auto removed = mapper_.remove(name_of(std::to_string(id)));
    if (removed || removed.error().code != EBUSY || tries == kTries) return removed;
    std::this_thread::sleep_for(kAgain);
  }
}

Status ThinPool::grow_volume(std::uint32_t id, Bytes size) {
  for (ThinVolume& each : book_.volumes) {
    if (each.id != id || each.size >= size) continue;
    each.size = size;
    METE_CHECK(save());
    METE_TRY(const auto pool, mapper_.find(pool_name()));
    if (!pool) return fail(pool_name() + ": found no such device, expected the thin pool");
    METE_CHECK(mapper_.reload(name_of(std::to_string(id)), thin_table(text_of_device(pool->number), id, size)));
  }
  return {};
}

Status ThinPool::remove_volume(std::uint32_t id) {
  const auto volume = find(id);
  if (!volume) return {};
  METE_CHECK(close_volume(id));
  // One that was half made is in the book alone.
  if (const auto path = open_volume(*volume, MapperAccess::kReadWrite)) discard(*path);
  METE_CHECK(close_volume(id));
  const auto deleted = mapper_.message(pool_name(), "delete " + std::to_string(id));
  if (!deleted && deleted.error().code != ENODATA) return deleted;
  std::erase_if(book_.volumes, [id](const ThinVolume& each) { return each.id == id; });
  return save();
}

bool ThinPool::is_owned(const ThinVolume& volume) const {
  const std::string owner = (std::filesystem::path(directory_) / volume.owner).lexically_normal().string();
  if (has_note(owner, volume.id)) return true;
  std::error_code failed;
  std::filesystem::directory_iterator places(owner, failed);
  if (failed) return failed != std::errc::no_such_file_or_directory;
  for (; places != std::filesystem::directory_iterator(); places.increment(failed)) {
    if (failed || has_note(places->path().string(), volume.id)) return true;
  }
  return bool(failed);
}

Status ThinPool::sweep() {
  const auto volumes = book_.volumes;
  for (const ThinVolume& each : volumes) {
    if (is_owned(each)) continue;
    const auto removed = remove_volume(each.id);
    if (!removed && removed.error().code != EBUSY) return removed;
  }
  return {};
}

}  // namespace mete::runtime::storage
