// SPDX-License-Identifier: Apache-2.0
// The drivers behind driver.h. Internal to storage/.
#pragma once

#include "runtime/storage/base_trees.h"
#include "runtime/storage/driver.h"
#include "runtime/storage/erofs_layers.h"
#include "runtime/storage/limited_upper.h"

namespace mete::runtime::storage {

// overlay and erofs: what the container writes lies over the layers.
class OverlayDriver final : public Driver {
 public:
  enum class Layers { kDirectories, kErofs };
  OverlayDriver(const DriverSettings& settings, Layers layers);

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] bool takes_time(const RootWish& wish) const override;
  [[nodiscard]] Result<ContainerRoot> make(const RootWish& wish) override;
  [[nodiscard]] Status can_limit() const override;
  [[nodiscard]] Status prune() override;
  [[nodiscard]] Status close() override;

 private:
  [[nodiscard]] Status mount_layers(const std::vector<std::string>& layers);
  [[nodiscard]] Status limit(const Place& place, Bytes bytes, process::OverlayRoot& overlay);

  std::string layers_;
  std::string directory_;
  bool by_project_;  // the file system holds quotas itself
  LimitedUpper limited_;
  std::unique_ptr<ErofsLayers> images_;
};

// btrfs and vfs: the whole root is a copy.
class TreeDriver final : public Driver {
 public:
  enum class Copies { kSnapshots, kFiles };
  TreeDriver(const DriverSettings& settings, Copies copies);

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] bool takes_time(const RootWish& wish) const override;
  [[nodiscard]] Result<ContainerRoot> make(const RootWish& wish) override;
  [[nodiscard]] Status can_limit() const override;
  [[nodiscard]] Status prune() override;
  [[nodiscard]] Status close() override { return {}; }

 private:
  [[nodiscard]] Status copy(const std::string& base, const std::string& tree) const;

  Copies copies_;
  std::string directory_;
  BaseTrees bases_;
};

}  // namespace mete::runtime::storage
