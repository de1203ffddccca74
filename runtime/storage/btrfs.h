// SPDX-License-Identifier: Apache-2.0
// Subvolumes and their quotas on btrfs (ioctl-btrfs, fs/btrfs/ioctl.c).
#pragma once

#include <string>

#include "config/base/result.h"
#include "config/base/units.h"

namespace mete::runtime::storage {

[[nodiscard]] bool is_subvolume(const std::string& path);
// `path` does not exist; its parent directory lies on btrfs.
[[nodiscard]] Status make_subvolume(const std::string& path);
[[nodiscard]] Status make_snapshot(const std::string& from, const std::string& path);
// With all files in it, and its quota group.
[[nodiscard]] Status remove_subvolume(const std::string& path);
// Bounds what the subvolume has that no other one shares: EDQUOT at the limit. Turns quotas on for the file system.
[[nodiscard]] Status limit_subvolume(const std::string& path, Bytes limit);

}  // namespace mete::runtime::storage
