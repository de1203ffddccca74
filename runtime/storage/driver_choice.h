// SPDX-License-Identifier: Apache-2.0
// Which storage driver a machine can have. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/model/storage_policy.h"

namespace mete::runtime::storage {

struct StorageFacts {
  std::set<std::string> file_systems;  // that the kernel knows (fsopen(2)), of those that were asked for
  std::string state_type;      // file system of the agent's state: "ext4", "btrfs", "" where it has no name here
  std::string state;           // its path, for errors
  bool device_mapper = false;  // the kernel has it
  bool thin_pools = false;     // with its target thin-pool
  bool mkfs_ext4 = false;      // the program is installed
  bool mkfs_erofs = false;     // the program is installed
};

// The file systems whose presence decides about `wanted`: those are asked for, because asking may load a module.
[[nodiscard]] std::set<std::string> file_systems_to_ask(config::StorageDriver wanted);

// Never kAutomatic. The error names what kernel, file system or machine lacks.
[[nodiscard]] Result<config::StorageDriver> choose_driver(config::StorageDriver wanted, const StorageFacts& facts);

[[nodiscard]] std::string_view word_of(config::StorageDriver driver);

}  // namespace mete::runtime::storage
