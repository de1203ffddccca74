// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_watch.h"

#include "agent/pods/pod.h"

namespace mete::agent {

ContainerWatch::ContainerWatch(const ContainerSlot& slot, Subject& subject, const runtime::cgroup::Group& group,
                               const runtime::cgroup::Limits& limits, std::function<void()> written)
    : slot_(slot),
      group_(group),
      limits_(limits),
      written_(std::move(written)),
      memory_(slot.enforcement(), subject),
      cpu_(slot.enforcement(), subject),
      oom_record_(slot, group, limits),
      oom_(slot.enforcement(), subject, oom_record_, memory_),
      limit_events_(slot.services(), group, LimitEvents::Whose::kContainer,
                    [this](std::string reason, const std::string& message, auto fields) {
                      slot_.report(Severity::kWarning, std::move(reason),
                                   "Container " + slot_.record().name + ": " + message, std::move(fields));
                    }),
      drift_(slot.services(), group, *this) {}

const runtime::cgroup::Limits* ContainerWatch::wanted_limits() {
  const bool none =
      slot_.spec() == nullptr || slot_.record().cgroup_id == 0 || slot_.pod().is_killed() || is_being_made();
  return none ? nullptr : &limits_;
}

bool ContainerWatch::leaves_drift() const {
  return slot_.policy() != nullptr && slot_.policy()->drift == config::OnDrift::kReport;
}

void ContainerWatch::report_drift(std::string message, EventFields fields) {
  slot_.report(Severity::kWarning, name_of(Reason::kLimitDrift), std::move(message), std::move(fields));
}

// Another runtime writes to the group's files meanwhile; the shim puts back what differs (foreign_runtime.h).
bool ContainerWatch::is_being_made() const {
  const auto* const plan = slot_.pod().plan();
  return slot_.record().state == ContainerState::kStarting && plan != nullptr && !plan->runtime.empty();
}

void ContainerWatch::open() {
  memory_.open();
  cpu_.open();
  limit_events_.open(limits_.pids && !limits_.pids->is_unlimited());
  if (drift_.is_open()) return;
  drift_.open();
  oom_.open(drift_.sees_groups());
}

void ContainerWatch::pids_limits_changed() {
  if (drift_.is_open()) limit_events_.open(limits_.pids && !limits_.pids->is_unlimited());
}

bool ContainerWatch::freeze_asked() {
  if (!drift_.sees_freezes()) return group_.freeze_asked().value_or(false);
  if (!freeze_asked_) freeze_asked_ = group_.freeze_asked().value_or(false);
  return *freeze_asked_;
}

void ContainerWatch::close() {
  drift_.close();
  memory_.close();
  cpu_.close();
  limit_events_.close();
  oom_.close();
}

}  // namespace mete::agent
