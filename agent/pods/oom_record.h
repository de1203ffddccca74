// SPDX-License-Identifier: Apache-2.0
// The account of a container's OOM kills that its record keeps: exact over restarts of the container and of the agent,
// and over the removal of its cgroup.
//
// The number of kills is base + (kernel's counter - from). Which of the kernel's two counters is meant (kills of
// processes or of groups) stands in the record, because a policy can change memory.oom.group while the container runs.
// `told` in the record is where the counter stood when the last kill was reported: a crash between the kernel's kill
// and the event loses nothing and reports nothing twice.
#pragma once

#include <memory>
#include <string>

#include "agent/enforcement/oom_watch.h"
#include "agent/pods/container_slot.h"
#include "collectors/cumulative.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

class OomRecord : public OomAccount {
 public:
  // All of them outlive it; `limits` are those in force.
  OomRecord(const ContainerSlot& slot, const runtime::cgroup::Group& group, const runtime::cgroup::Limits& limits)
      : slot_(slot), group_(group), limits_(limits) {}

  [[nodiscard]] std::optional<Counts> counts() const override;
  [[nodiscard]] enforcers::OomAction usual_action() const override { return enforcers::OomAction::kKillContainer; }
  [[nodiscard]] bool kernel_kills_group() const override { return limits_.oom_group.value_or(false); }
  void enter(std::uint64_t counter) override;
  [[nodiscard]] std::uint64_t total() const override;
  [[nodiscard]] std::string pod_cgroup() const override;
  [[nodiscard]] std::string command_of(pid_t pid) const override;
  void note_scope(const std::string& scope) override;
  void reported(const ForensicRecord& record) override;

  // Of all kills, those that are not reported yet included.
  [[nodiscard]] std::uint64_t kills() const;
  // The last kill that this agent reported; null: none.
  [[nodiscard]] const std::shared_ptr<const collectors::Exemplar>& last() const { return last_; }

  // Do the limits ask for another counter than the record has? Then kills are to be polled, and the counter to be
  // changed, before the limits are written.
  [[nodiscard]] bool counter_is_other() const { return slot_.record().oom_by_group != kernel_kills_group(); }
  void change_counter();
  // The cgroup is gone: its kills go to the base.
  void fold();
  // Of the first process, which may be dead before an OOM is looked at.
  void remember_command();

 private:
  [[nodiscard]] std::optional<std::uint64_t> counter() const;

  const ContainerSlot& slot_;
  const runtime::cgroup::Group& group_;
  const runtime::cgroup::Limits& limits_;
  std::string first_command_;
  std::shared_ptr<const collectors::Exemplar> last_;
};

}  // namespace mete::agent
