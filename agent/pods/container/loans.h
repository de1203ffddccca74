// SPDX-License-Identifier: Apache-2.0
// What a container has beyond its manifest: memory that a policy has raised, and CPU time that is lent to it. The raise
// is in the record, before it is written; the loan of CPU is in none, and an agent that comes back takes it back.
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
  // Before limits are asked for, whenever its policy may be another one: what no policy has raised is as its manifest
  // says. A limit below usage would kill (v2) or be refused (v1): it waits until there is room.
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
  std::shared_ptr<std::atomic<bool>> lowering_;  // a raised limit that is to go back; set to true reclaim ends early
  Alive alive_;
};

}  // namespace mete::agent
