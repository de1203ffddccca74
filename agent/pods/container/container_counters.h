// SPDX-License-Identifier: Apache-2.0
// A container's counters over all its cgroups. The kernel's own go on while a cgroup stays; when it goes they are
// folded into the record's base, so that no restart and no removal sets a counter back.
#pragma once

#include <memory>
#include <optional>

#include "agent/pods/container/container_slot.h"
#include "collectors/cumulative.h"
#include "collectors/sampler.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

class ContainerCounters {
 public:
  ContainerCounters(const ContainerSlot& slot, const runtime::cgroup::Group& group);

  // Counters over all attempts, gauges of now. Reads the kernel when there is a cgroup.
  [[nodiscard]] collectors::Sample read() const;
  // The counters of the cgroups that are gone. Never null; the object is immutable.
  [[nodiscard]] const std::shared_ptr<const collectors::Sample>& base() const { return base_; }

  // Reads the kernel's counters into the record, which is not saved: after an exit, and before a cgroup is removed.
  // The second of the two reads nothing when the first found no task: without one no counter moves.
  void keep_last();
  // In place of keep_last(), for a container with whose end its pod goes: nobody asks for its counters any more.
  void drop() { final_ = dropped_ = true; }
  // True: base() is less than was told of it before.
  [[nodiscard]] bool are_dropped() const { return dropped_; }
  // Tasks may come from now on.
  void begin() { final_ = false; }
  // The cgroup is gone: what was kept last goes to the base. The record is not saved.
  void fold();

 private:
  [[nodiscard]] std::optional<collectors::Sample> read_kernel() const;  // empty: there is no cgroup to be read

  const ContainerSlot& slot_;
  const runtime::cgroup::Group& group_;
  std::shared_ptr<const collectors::Sample> base_;
  bool final_ = false;  // the record's last counters were read when there was no task
  bool dropped_ = false;
};

}  // namespace mete::agent
