// SPDX-License-Identifier: Apache-2.0
// The CPUs that a container may run on: some of its own, which are in its record before they are written, or those that
// are shared.
#pragma once

#include <string>

#include "agent/pods/container/container_slot.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

class ContainerCores {
 public:
  ContainerCores(const ContainerSlot& slot, const runtime::cgroup::Group& group) : slot_(slot), group_(group) {}

  // Claims or gives up CPUs, as its policy wants. Before limits are asked for.
  void reconcile();
  void give_up();
  // Claims the CPUs that an earlier agent assigned. Called before any other container can claim them.
  void adopt();
  // The CPUs of its own, or those that all share. Empty: nothing needs to be written.
  [[nodiscard]] std::string cpus() const;
  // CPUs to write once; empty: none. An agent may have died after it had released CPUs and before it had written them
  // to the containers that share them.
  [[nodiscard]] std::string leftover() const;

 private:
  const ContainerSlot& slot_;
  const runtime::cgroup::Group& group_;
  std::string refusal_;  // that was reported: why it has no CPUs of its own
};

}  // namespace mete::agent
