// SPDX-License-Identifier: Apache-2.0
// Block devices made of files (drivers/block/loop.c).
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::storage {

// So many at most are on the machine, those of others included, when one more is asked for.
inline constexpr int kMostLoopDevices = 1024;

struct LoopDevice {
  std::string path;  // "/dev/loop7"
  UniqueFd device;   // without a mount, the device goes with this descriptor
};

enum class LoopUse { kReadWrite, kReadOnly };

// The file is read and written without the page cache where its file system can do that, so that nothing is cached
// twice. The kernel gives the device back when nothing has it open or mounted any more, whoever dies.
[[nodiscard]] Result<LoopDevice> attach_loop(const std::string& file, LoopUse use);

}  // namespace mete::runtime::storage
