// SPDX-License-Identifier: Apache-2.0
// Everything that watches the cgroup of a container while it exists: its enforcers of memory and CPU, the OOM watch,
// the drift watch, and the counters of limits it has run into.
#pragma once

#include <functional>
#include <optional>

#include "agent/enforcement/cpu_enforcer.h"
#include "agent/enforcement/drift_watch.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/enforcement/oom_watch.h"
#include "agent/pods/container/container_slot.h"
#include "agent/pods/container/limit_events.h"
#include "agent/pods/container/oom_record.h"

namespace mete::agent {

class ContainerWatch : private DriftOwner {
 public:
  // All of them outlive it. `limits` are those in force; `written` is called after a write to a setting, by anybody.
  ContainerWatch(const ContainerSlot& slot, Subject& subject, const runtime::cgroup::Group& group,
                 const runtime::cgroup::Limits& limits, std::function<void()> written);

  // Begins to watch a cgroup that exists. Called again after its limits or its policy have changed.
  void open();
  void close();

  [[nodiscard]] MemoryEnforcer& memory() { return memory_; }
  [[nodiscard]] const MemoryEnforcer& memory() const { return memory_; }
  [[nodiscard]] OomWatch& oom() { return oom_; }
  [[nodiscard]] OomRecord& oom_record() { return oom_record_; }
  [[nodiscard]] const OomRecord& oom_record() const { return oom_record_; }
  void check_drift() { drift_.check(); }
  // Whether somebody has asked for a freeze. The kernel is asked once, and again after it has told of a change.
  [[nodiscard]] bool freeze_asked();
  // Of the pod, whose cgroup is above this one.
  void pids_limits_changed();
  void forget_freeze() { freeze_asked_.reset(); }
  // The kernel tells of each write to a setting. False: it could not be asked to (inotify's limit).
  [[nodiscard]] bool sees_writes() const { return drift_.is_open(); }

 private:
  [[nodiscard]] bool is_being_made() const;
  // See DriftOwner.
  [[nodiscard]] const runtime::cgroup::Limits* wanted_limits() override;
  [[nodiscard]] bool leaves_drift() const override;
  void report_drift(std::string message, EventFields fields) override;
  void setting_written() override { written_(); }
  void memory_event() override { oom_.woken(); }
  void limit_event() override { limit_events_.poll(); }
  [[nodiscard]] bool wants_groups() const override { return true; }
  void group_made() override { oom_.group_made(); }
  void freeze_event() override { forget_freeze(); }
  [[nodiscard]] Status write_again(const runtime::cgroup::Limits& limits) override { return group_.apply_each(limits); }

  const ContainerSlot& slot_;
  const runtime::cgroup::Group& group_;
  const runtime::cgroup::Limits& limits_;
  std::function<void()> written_;
  MemoryEnforcer memory_;
  CpuEnforcer cpu_;
  OomRecord oom_record_;
  OomWatch oom_;
  LimitEvents limit_events_;
  std::optional<bool> freeze_asked_;  // empty: not known
  DriftWatch drift_;
};

}  // namespace mete::agent
