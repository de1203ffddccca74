// SPDX-License-Identifier: Apache-2.0
// Removes what builds keep for the next one: remembered steps with their layers, and the directories of
// --mount=type=cache.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "runtime/image/store.h"

namespace mete::runtime::build {

struct PruneWhat {
  bool all = false;  // also steps whose layer an image has, and the directories of cache mounts
  std::optional<std::chrono::system_clock::time_point> unused_since;  // only what was last used before
};

struct PrunedCache {
  std::vector<std::string> ids;  // of steps and of cache mounts
  std::int64_t bytes = 0;        // of layers and directories that are gone
};

// Layers in `in_use` stay. While a build runs, its layers and all cache mounts stay.
[[nodiscard]] Result<PrunedCache> prune_cache(image::Store& store, const PruneWhat& what,
                                              const std::vector<std::string>& in_use);

}  // namespace mete::runtime::build
