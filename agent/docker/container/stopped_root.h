// SPDX-License-Identifier: Apache-2.0
// The files of a container that does not run: its image's layers, and above them what it has written. What is written
// there is there after its next start.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/image.h"
#include "runtime/image/store.h"

namespace mete::agent::docker {

// `place`: its last attempt's directory, in which the storage driver has made its root. The caller sees to it that it
// does not start meanwhile.
[[nodiscard]] Result<runtime::UniqueFd> open_stopped_root(const runtime::image::Store& store,
                                                          const std::vector<std::string>& layers,
                                                          const std::string& place);

// The target that `path` is at or below; empty: none. A volume is there while its container runs only. Pure.
[[nodiscard]] std::string mount_above(const std::string& path, const std::vector<std::string>& targets);

}  // namespace mete::agent::docker
