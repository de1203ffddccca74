// SPDX-License-Identifier: Apache-2.0
// How the root file system of a container is made of an image's layers.
//
//   overlay  the layers, unpacked once, under a writable directory            overlay_driver.cpp
//   erofs    the same with one image file a layer, which is mounted           overlay_driver.cpp, erofs_layers.h
//   btrfs    a snapshot of a subvolume that holds the layers' files           tree_driver.cpp, btrfs.h
//   vfs      a copy of them                                                   tree_driver.cpp
//   devicemapper  a snapshot of a thin volume that holds the layers' files    mapper/thin_driver.h
//
// What a container has lies in its attempt's directory (its place, place.h). That directory tells what was made there:
// an agent that was started with another driver still reads and removes it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/base/units.h"
#include "config/model/storage_policy.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::storage {

struct RootWish {
  std::string place;                // the attempt's directory, with what an earlier attempt wrote where that is kept
  std::vector<std::string> layers;  // names in the store, topmost first
  std::optional<Bytes> limit;       // of what the container writes
};

struct ContainerRoot {
  std::string directory;                        // the root, or the empty directory that `overlay` is mounted on
  std::optional<process::OverlayRoot> overlay;  // mounted by the container's launcher; empty: `directory` is the root
};

// The one place of bounded size that all containers of a driver share.
struct PoolUse {
  std::string name;  // as `dmsetup ls` shows it
  Bytes block, data_used, data_size, metadata_used, metadata_size;
  std::string fault;  // why it takes no writes; empty: it does
};

// Calls may come from several threads.
class Driver {
 public:
  Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  virtual ~Driver() = default;

  // As in agent.yaml.
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Whether make() may last longer than a loop can wait (copies, other programs): it is called on a thread then.
  [[nodiscard]] virtual bool takes_time(const RootWish& wish) const = 0;
  // Makes the root in `wish.place`, which exists. After an error release() and the removal of the place undo it.
  [[nodiscard]] virtual Result<ContainerRoot> make(const RootWish& wish) = 0;
  // The error says why no `limit` can be held.
  [[nodiscard]] virtual Status can_limit() const = 0;
  // Removes what was made of layers that the store does not have any more.
  [[nodiscard]] virtual Status prune() = 0;
  // Gives back what lasts longer than this process and no container needs: the agent ends for good.
  [[nodiscard]] virtual Status close() = 0;
  // Whether all containers share one place of bounded size.
  [[nodiscard]] virtual bool has_pool() const { return false; }
  // Looks at the pool, and removes what could not be removed before; takes time. Empty: there is none, or none yet.
  [[nodiscard]] virtual Result<std::optional<PoolUse>> look_after() { return std::optional<PoolUse>(); }
  // What look_after() saw the last time.
  [[nodiscard]] virtual std::optional<PoolUse> last_use() const { return std::nullopt; }
};

struct DriverSettings {
  config::StorageDriver wanted = config::StorageDriver::kAutomatic;
  std::string layers;     // the store's directory of layers
  std::string directory;  // of the driver's own files
  config::ThinPoolPolicy thin_pool = {};
};

// Looks at the kernel and the file system (driver_choice.h). The error names what is missing.
[[nodiscard]] Result<std::unique_ptr<Driver>> open_driver(const DriverSettings& settings);

}  // namespace mete::runtime::storage
