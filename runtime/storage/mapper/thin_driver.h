// SPDX-License-Identifier: Apache-2.0
// The driver devicemapper: the root of a container is a snapshot of the thin volume that has its image's files. A quota
// is what its file system has free. Internal to storage/.
#pragma once

#include <mutex>

#include "runtime/storage/base_trees.h"
#include "runtime/storage/driver.h"
#include "runtime/storage/mapper/thin_place.h"

namespace mete::runtime::storage {

class ThinDriver final : public Driver {
 public:
  // Makes the pool, or starts the one that there is, and removes what a killed agent left half made.
  [[nodiscard]] static Result<std::unique_ptr<Driver>> open(const DriverSettings& settings);
  explicit ThinDriver(const DriverSettings& settings);

  [[nodiscard]] std::string_view name() const override { return "devicemapper"; }
  [[nodiscard]] bool takes_time(const RootWish& wish) const override;
  [[nodiscard]] Result<ContainerRoot> make(const RootWish& wish) override;
  [[nodiscard]] Status can_limit() const override { return {}; }
  [[nodiscard]] Status prune() override;
  [[nodiscard]] Status close() override;
  [[nodiscard]] bool has_pool() const override { return true; }
  [[nodiscard]] Result<std::optional<PoolUse>> look_after() override;
  [[nodiscard]] std::optional<PoolUse> last_use() const override;

 private:
  [[nodiscard]] Status make_base(const std::string& folder) const;
  [[nodiscard]] Status make_container(const Place& place, const RootWish& wish);

  std::string directory_;
  config::ThinPoolPolicy policy_;
  BaseTrees bases_;
  mutable std::mutex seen_;
  std::optional<PoolUse> use_;
};

// For the other drivers, whose agent may have had this one before. `of_drivers`: the directory of all drivers. Removes
// volumes that no container has any more, and the pool with the last container's.
[[nodiscard]] Status retire_thin_pool(const std::string& of_drivers);

}  // namespace mete::runtime::storage
