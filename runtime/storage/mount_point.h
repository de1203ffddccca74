// SPDX-License-Identifier: Apache-2.0
// Mounts that outlive the process that made them, because containers do.
#pragma once

#include <string>

#include "config/base/result.h"

namespace mete::runtime::storage {

[[nodiscard]] bool is_mount_point(const std::string& path);
// Also where something has it open still. Does nothing where nothing is mounted.
[[nodiscard]] Status unmount(const std::string& path);
// Moves what is mounted, where anything is. Mounted twice, one device would be two file systems that know nothing of
// each other.
[[nodiscard]] Status move_mount_point(const std::string& from, const std::string& to);

}  // namespace mete::runtime::storage
