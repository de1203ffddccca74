// SPDX-License-Identifier: Apache-2.0
// The layers that a build uses and makes. All are locked until the build ends, so that nobody removes them before an
// image has them. Stages use it side by side.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/layer_lock.h"
#include "runtime/image/store.h"

namespace mete::runtime::build {

class BuildLayers {
 public:
  BuildLayers(image::Store& store, std::optional<std::int64_t> epoch) : store_(&store), epoch_(epoch) {}

  // Locks a layer that is there. False: it is not.
  [[nodiscard]] Result<bool> use(const std::string& layer);
  // The diff_id of a layer: as it came, or that of the archive which a push would make.
  [[nodiscard]] Result<std::string> diff_id_of(const std::string& layer) const;
  // The upper directory, which nothing mounts any more, becomes a layer. Its diff_id; empty: it changes nothing.
  // `on_device`: is told the path of each device node, which no layer has.
  [[nodiscard]] Result<std::string> keep(const std::string& upper,
                                         const std::function<void(const std::string& path)>& on_device);
  // The same, as a layer even when it is empty.
  [[nodiscard]] Result<std::string> keep_empty(const std::string& directory);

 private:
  image::Store* store_;
  std::optional<std::int64_t> epoch_;
  void hold(image::LayerLock lock);
  std::mutex mutex_;
  std::vector<image::LayerLock> locks_;
};

// The name in the store of the layer with this diff_id.
[[nodiscard]] std::string layer_of(const std::string& diff_id);

}  // namespace mete::runtime::build
