// SPDX-License-Identifier: Apache-2.0
// The cgroup of a container: its making, its end, and what is in between: limits, devices, CPUs, counters, and what
// watches it. It stays over the restarts of the container.
#pragma once

#include <functional>

#include "agent/pods/container/container_cores.h"
#include "agent/pods/container/container_counters.h"
#include "agent/pods/container/container_devices.h"
#include "agent/pods/container/container_limits.h"
#include "agent/pods/container/container_slot.h"
#include "agent/pods/container/container_watch.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

class ContainerCgroup {
 public:
  struct Hooks {
    std::function<void()> wake_shim;  // its watchdog files have changed
    std::function<void()> closed;     // the cgroup is not used any more
  };
  // `slot` and `subject` outlive it.
  ContainerCgroup(const ContainerSlot& slot, Subject& subject, Hooks hooks);

  // Called before the shim starts: makes the part of the cgroup that is in cgroup2, and kills processes left in it.
  [[nodiscard]] Status claim();
  // Makes the rest of the cgroup, writes its limits, and begins to watch it.
  [[nodiscard]] Status prepare();
  // After the agent's own restart. Was it removed meanwhile? Then its counters are folded.
  void find_out_whether_gone();
  // The second part, once the wanted limits are known: undoes leftovers of an earlier agent, writes changed limits, and
  // begins to watch.
  void take_over();
  // Writes the limits that are wanted now. The caller has called find_facts() of the limits and reconciled the loans.
  void apply();
  // All containers of the pod have been resized.
  void resized();
  // Ends it: its counters go to the record, and it is not watched any more. False: something is still inside, try
  // again.
  [[nodiscard]] bool retire();
  // The same, and removes it.
  [[nodiscard]] bool remove();
  // SIGKILL to everything in it; kill() reports what fails.
  void kill();
  [[nodiscard]] Status kill_all();
  // Nothing of it is watched any more.
  void close();

  [[nodiscard]] const runtime::cgroup::Group& group() const { return group_; }
  [[nodiscard]] ContainerCounters& counters() { return counters_; }
  [[nodiscard]] const ContainerCounters& counters() const { return counters_; }
  [[nodiscard]] ContainerDevices& devices() { return devices_; }
  [[nodiscard]] ContainerCores& cores() { return cores_; }
  [[nodiscard]] ContainerLimits& limits() { return limits_; }
  [[nodiscard]] const ContainerLimits& limits() const { return limits_; }
  [[nodiscard]] ContainerWatch& watch() { return watch_; }
  [[nodiscard]] const ContainerWatch& watch() const { return watch_; }

 private:
  [[nodiscard]] Status kill_processes();
  void open();
  void fold();
  void guard_oom();  // for the time in which there is no agent
  // container_leftovers.cpp
  void thaw_leftover();
  void take_back_leftovers();
  void take_back_oom_control();
  void write_what_has_changed();

  const ContainerSlot& slot_;
  Services& services_;
  Hooks hooks_;
  runtime::cgroup::Group group_;
  ContainerCounters counters_;
  ContainerDevices devices_;
  ContainerCores cores_;
  ContainerLimits limits_;
  ContainerWatch watch_;
  bool removed_ = false;  // since the last claim()
  bool claimed_ = false;  // once at least
};

}  // namespace mete::agent
