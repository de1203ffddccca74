// SPDX-License-Identifier: Apache-2.0
// A thin pool of device mapper and the volumes in it: of its own on a file of the state folder or on a block device, or
// one that others made. DIRECTORY/book is what is known of it (thin_book.h), DIRECTORY/pool.img that file.
//
// One process at a time has it: an object of this class holds DIRECTORY/lock. Devices and mounts outlive the process.
#pragma once

#include <optional>
#include <string>

#include "config/base/result.h"
#include "config/model/storage_policy.h"
#include "runtime/fd.h"
#include "runtime/storage/driver.h"
#include "runtime/storage/mapper/device_mapper.h"
#include "runtime/storage/mapper/thin_book.h"

namespace mete::runtime::storage {

class ThinPool {
 public:
  // Waits for the lock, and reads the book: there may be none yet.
  [[nodiscard]] static Result<ThinPool> lock(const std::string& directory);
  // False without making anything where there never was a pool.
  [[nodiscard]] static bool is_known(const std::string& directory);

  [[nodiscard]] bool has_pool() const { return !book_.pool.empty(); }
  [[nodiscard]] const ThinBook& book() const { return book_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }

  // Makes the pool that the policy says where there is none, and starts it. The error: another one has volumes still.
  [[nodiscard]] Status require(const config::ThinPoolPolicy& policy);
  // Makes its devices, as after a boot, and compares it with its book. Does nothing where they are there.
  [[nodiscard]] Status start();
  [[nodiscard]] Result<PoolStatus> status() const;
  [[nodiscard]] Result<PoolUse> use() const;

  // `origin`: of which the new volume is a snapshot; its device is read-only, or there is none.
  [[nodiscard]] Result<ThinVolume> make_volume(const std::string& owner, Bytes size,
                                               std::optional<std::uint32_t> origin);
  [[nodiscard]] std::optional<ThinVolume> find(std::uint32_t id) const;
  // The path of its device, which is made where there is none.
  [[nodiscard]] Result<std::string> open_volume(const ThinVolume& volume, MapperAccess access) const;
  // Error code EBUSY: it is mounted somewhere.
  [[nodiscard]] Status close_volume(std::uint32_t id) const;
  // Its device is open.
  [[nodiscard]] Status grow_volume(std::uint32_t id, Bytes size);
  // Gives its blocks back to the pool, and those to the disk.
  [[nodiscard]] Status remove_volume(std::uint32_t id);
  // Removes the volumes that no place has a note of. Those that are mounted still stay, for the next time.
  [[nodiscard]] Status sweep();

  // Takes its devices off, where nothing is mounted.
  [[nodiscard]] Status stop() const;
  // The same, and removes the pool with all that is in it.
  [[nodiscard]] Status remove();

 private:
  ThinPool(std::string directory, UniqueFd lock, DeviceMapper mapper)
      : directory_(std::move(directory)), lock_(std::move(lock)), mapper_(std::move(mapper)) {}
  [[nodiscard]] std::string name_of(const std::string& part) const { return "mete-" + book_.pool + "-" + part; }
  [[nodiscard]] std::string pool_name() const;
  [[nodiscard]] std::string file() const { return directory_ + "/pool.img"; }
  [[nodiscard]] Status save() const;
  [[nodiscard]] Status read_book();
  [[nodiscard]] Status begin(const PoolSource& source, const config::ThinPoolPolicy& policy);
  [[nodiscard]] Status make_devices() const;
  [[nodiscard]] Status settle();
  [[nodiscard]] Status grow(const config::ThinPoolPolicy& policy) const;
  [[nodiscard]] bool is_owned(const ThinVolume& volume) const;

  std::string directory_;
  UniqueFd lock_;
  DeviceMapper mapper_;
  ThinBook book_;
};

}  // namespace mete::runtime::storage
