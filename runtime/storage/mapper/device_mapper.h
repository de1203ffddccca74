// SPDX-License-Identifier: Apache-2.0
// Devices of device mapper (linux/dm-ioctl.h, drivers/md/dm-ioctl.c), each of one target. Without libdevmapper: its
// part of udev needs semaphores of the machine, and of the rest these eight calls are used.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/storage/mapper/mapper_tables.h"

namespace mete::runtime::storage {

enum class MapperAccess { kReadWrite, kReadOnly };

struct MappedDevice {
  dev_t number = 0;
  std::uint32_t open_count = 0;
  bool is_read_only = false;
};

// "MAJOR:MINOR", as tables name it.
[[nodiscard]] std::string text_of_device(dev_t number);
// The path of its node, which is made where /dev is no devtmpfs: "/dev/dm-3".
[[nodiscard]] Result<std::string> node_of(dev_t number);

class DeviceMapper {
 public:
  // The error names what the kernel lacks.
  [[nodiscard]] static Result<DeviceMapper> open();

  // Whether the kernel has the target: its module is loaded where there is one.
  [[nodiscard]] bool has_target(const std::string& target) const;
  // Empty: there is none of that name.
  [[nodiscard]] Result<std::optional<MappedDevice>> find(const std::string& name) const;
  [[nodiscard]] Result<MappedDevice> create(const std::string& name, const MapperTable& table,
                                            MapperAccess access = MapperAccess::kReadWrite) const;
  // Gives the device another table. What was written before is on the old one.
  [[nodiscard]] Status reload(const std::string& name, const MapperTable& table) const;
  // Error code EBUSY: something has it open. No error where there is none of that name.
  [[nodiscard]] Status remove(const std::string& name) const;
  [[nodiscard]] Result<MapperTable> table(const std::string& name) const;
  // Of its target. A pool does not write its metadata for it.
  [[nodiscard]] Result<std::string> status(const std::string& name) const;
  // The error has the kernel's code.
  [[nodiscard]] Status message(const std::string& name, const std::string& text) const;

 private:
  explicit DeviceMapper(UniqueFd control) : control_(std::move(control)) {}
  class Call;
  [[nodiscard]] Status load(const std::string& name, const MapperTable& table, MapperAccess access) const;
  [[nodiscard]] Status suspend(const std::string& name, bool suspended) const;
  [[nodiscard]] Result<MapperTable> ask(const std::string& name, unsigned flags, const char* what) const;

  UniqueFd control_;
};

}  // namespace mete::runtime::storage
