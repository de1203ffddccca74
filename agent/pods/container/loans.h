// SPDX-License-Identifier: Apache-2.0
// Resources that a container has beyond its manifest: memory by which a policy has raised the limit, and CPU time of a
// boost. A raise is recorded before it is written. A boost is in no record: a restarted agent ends it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "agent/base/asio.h"
#include "agent/pods/container/container_cgroup.h"
#include "agent/pods/container/container_slot.h"

namespace mete::agent {

class Loans {
 public:
  // All of them outlive it. `apply_limits` writes the limits anew, once there is room for a lower one.
  Loans(const ContainerSlot& slot, ContainerCgroup& cgroup, std::function<void()> apply_limits);

  // The memory limit, for this attempt. The error: nothing is changed.
  [[nodiscard]] Status raise_memory(Bytes to);
  // A quota that is more than its own; empty: its own again. The error: nothing is changed.
  [[nodiscard]] Status lend_quota(std::optional<std::chrono::microseconds> quota);
  // Called before limits are computed, whenever the policy may have changed: a limit that the present policy does not
  // raise returns to the manifest's value. A limit below usage would kill (v2) or be refused (v1), so it is lowered
  // when usage has fallen.
  void reconcile();
  // The cgroup is not used any more.
  void stop_lowering();

 private:
  void lower_later(std::chrono::milliseconds delay);
  // The manifest's limit; empty: none, or there is no manifest.
  [[nodiscard]] std::optional<Bytes> own_limit() const;

  const ContainerSlot& slot_;
  ContainerCgroup& cgroup_;
  std::function<void()> apply_limits_;
  Timer lower_timer_;
  std::shared_ptr<std::atomic<bool>>
      lowering_;  // set while a raised limit is lowered again; true ends the reclaim early
  Alive alive_;
};

}  // namespace mete::agent
