// SPDX-License-Identifier: Apache-2.0
// The cgroup of a container: what is written into it (limits, device rules, CPUs), what watches it, and its end. It
// stays over the restarts of the container.
//
// Its limits are those that the manifest and the policy ask for, with what is lent (loans.h) added. A change goes in
// three steps: find_facts() of the machine, the loans are reconciled, then apply().
#pragma once

#include <functional>
#include <optional>

#include "agent/pods/container_cores.h"
#include "agent/pods/container_counters.h"
#include "agent/pods/container_devices.h"
#include "agent/pods/container_slot.h"
#include "agent/pods/container_watch.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

// What a container had before ContainerCgroup::resize().
struct Allotment {
  runtime::cgroup::Limits limits;
  std::int64_t raised_memory = 0;
  std::optional<std::chrono::microseconds> lent_quota;
};

class ContainerCgroup {
 public:
  struct Hooks {
    std::function<void()> wake_shim;  // its watchdog files have changed
    std::function<void()> closed;     // the cgroup is not used any more
  };
  // `slot` and `subject` outlive it.
  ContainerCgroup(const ContainerSlot& slot, Subject& subject, Hooks hooks);

  // Before the shim: nobody is in the cgroup, and its part in cgroup2 is there.
  [[nodiscard]] Status claim();
  // The rest of it, its limits and what watches them.
  [[nodiscard]] Status prepare();
  // After the agent's own restart. Was it removed meanwhile? Then its counters are folded.
  void find_out_whether_gone();
  // The rest of that, after take_limits(): undoes what an earlier agent has left, writes what has changed, watches.
  void take_over();
  // Ends it: its counters go to the record, then it is removed. False: something is still inside, try again.
  [[nodiscard]] bool remove();
  // SIGKILL to everything in it.
  void kill();
  // Nothing of it is watched any more.
  void close();

  // Disks and CPUs that the policy is about.
  void find_facts();
  // The limits that are asked for now, not written.
  void take_limits();
  // The same, written.
  void apply();
  // The CPUs that all share are others now.
  void share_cpus();
  // Writes the limits that `to` asks for. The error: it has what it had before. After all of a pod's: resized(), or
  // undo_resize() of those that were done.
  [[nodiscard]] Status resize(const config::Container& to);
  void undo_resize(const Allotment& before);
  void resized();
  [[nodiscard]] Allotment allotment() const { return {limits_, slot_.record().raised_memory, lent_quota_}; }
  // v1: the kernel kills at the limit again; v2: there is no memory.high any more.
  [[nodiscard]] Status let_kernel_decide();

  // For loans. The memory limit with what the record says is raised: the record is saved before it is written.
  [[nodiscard]] Status write_raise();
  [[nodiscard]] Status write_lent_quota();
  void set_lent_quota(std::optional<std::chrono::microseconds> quota) { lent_quota_ = quota; }
  [[nodiscard]] const std::optional<std::chrono::microseconds>& lent_quota() const { return lent_quota_; }
  // Its limits may have been changed: their digest goes to the record.
  void note_change();
  // By how much it uses more memory than this; empty: it does not, or is not there.
  [[nodiscard]] std::optional<Bytes> memory_above(Bytes limit) const;

  [[nodiscard]] const runtime::cgroup::Group& group() const { return group_; }
  [[nodiscard]] const runtime::cgroup::Limits& limits() const { return limits_; }
  // Grows whenever its limits may have been changed.
  [[nodiscard]] std::uint64_t limit_changes() const { return limit_changes_; }
  [[nodiscard]] ContainerCounters& counters() { return counters_; }
  [[nodiscard]] const ContainerCounters& counters() const { return counters_; }
  [[nodiscard]] ContainerDevices& devices() { return devices_; }
  [[nodiscard]] ContainerCores& cores() { return cores_; }
  [[nodiscard]] ContainerWatch& watch() { return watch_; }
  [[nodiscard]] const ContainerWatch& watch() const { return watch_; }

 private:
  [[nodiscard]] runtime::cgroup::Limits asked_limits() const { return limits_for(*slot_.spec()); }  // spec() not null
  [[nodiscard]] runtime::cgroup::Limits limits_for(const config::Container& container) const;
  void find_disks();
  void limits_are_written();
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
  runtime::cgroup::Limits limits_;
  std::optional<std::chrono::microseconds> lent_quota_;  // of a period of its own quota
  enforcers::IoFacts io_;
  config::Policy faults_reported_;  // what of it cannot be had
  std::uint64_t limit_changes_ = 0;
  ContainerCounters counters_;
  ContainerDevices devices_;
  ContainerCores cores_;
  ContainerWatch watch_;
};

}  // namespace mete::agent
