// SPDX-License-Identifier: Apache-2.0
// The account of a container's OOM kills that its record keeps: exact over restarts of the container and of the agent,
// and over the removal of its cgroup.
//
// The record has the number of all kills that were told, and the kernel's counters up to which they were: a crash
// between the kernel's kill and the event loses nothing and reports nothing twice.
#pragma once

#include <memory>
#include <string>

#include "agent/enforcement/oom_watch.h"
#include "agent/pods/container/container_slot.h"
#include "collectors/cumulative.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

class OomRecord : public OomAccount {
 public:
  // All of them outlive it; `limits` are those in force.
  OomRecord(const ContainerSlot& slot, const runtime::cgroup::Group& group, const runtime::cgroup::Limits& limits)
      : slot_(slot), group_(group), limits_(limits) {}

  [[nodiscard]] const runtime::cgroup::OomCounters* known() const override;
  [[nodiscard]] enforcers::OomAction usual_action() const override { return enforcers::OomAction::kKillContainer; }
  [[nodiscard]] bool kernel_kills_group() const override { return limits_.oom_group.value_or(false); }
  void enter(const runtime::cgroup::OomCounters& counters, const Scopes& kills) override;
  [[nodiscard]] std::uint64_t total() const override { return slot_.record().oom_kills; }
  [[nodiscard]] std::string pod_cgroup() const override;
  [[nodiscard]] std::string command_of(pid_t pid) const override;
  void reported(const ForensicRecord& record) override;

  // A policy kills here; the next record of an act on the container is about it.
  void policy_kills() { policy_kills_ = true; }
  void recorded(const ForensicRecord& record);

  // The last kill of each kind that this agent reported; null: none.
  [[nodiscard]] const std::shared_ptr<const collectors::OomExemplars>& last() const { return last_; }

  // Begins the account of an attempt that starts or was adopted: earlier kills by limits of ancestors do not belong to
  // it. kUnknown: the record is older than this account, and does not tell which kills are known.
  enum class Cgroup : std::uint8_t { kNew, kOld, kUnknown };
  void begin(Cgroup cgroup);
  // The cgroup is gone.
  void fold();
  // Remembers the first process's command line: the process may be gone before its OOM kill is examined.
  void remember_command();

 private:
  const ContainerSlot& slot_;
  const runtime::cgroup::Group& group_;
  const runtime::cgroup::Limits& limits_;
  std::string first_command_;
  bool policy_kills_ = false;
  std::shared_ptr<const collectors::OomExemplars> last_;
};

}  // namespace mete::agent
