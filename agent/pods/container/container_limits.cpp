// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_limits.h"

#include <utility>

#include "agent/base/digest.h"
#include "agent/enforcement/io_facts.h"
#include "agent/pods/pod.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/limits/control_write.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/memory/oom.h"

namespace mete::agent {

using runtime::cgroup::Limit;

runtime::cgroup::Limits ContainerLimits::limits_for(const config::Container& container) const {
  auto limits = enforcers::container_limits(container, slot_.policy(), services_.hierarchies, io_);
  const Bytes raised(slot_.record().raised_memory);
  if (limits.memory && !limits.memory->is_unlimited() && raised > limits.memory->value()) {
    limits.memory = Limit<Bytes>(raised);
    if (limits.memory_high) limits.memory_high = Limit<Bytes>(enforcers::tripwire_of(raised));
  }
  if (limits.cpuset_cpus.empty()) limits.cpuset_cpus = cores_.cpus();
  if (lent_quota_ && limits.cpu_bandwidth && !limits.cpu_bandwidth->quota.is_unlimited())
    limits.cpu_bandwidth->quota = std::max(limits.cpu_bandwidth->quota.value(), *lent_quota_);
  return limits;
}

void ContainerLimits::find_facts() {
  if (slot_.record().cgroup_id != 0 || group_.exists()) find_disks();
  cores_.reconcile();
}

void ContainerLimits::find_disks() {
  io_ = {};
  const auto* const policy = slot_.policy();
  std::vector<std::string> faults;
  // Its own wishes were checked when it was made: a disk may have gone since.
  if (slot_.spec() != nullptr) io_ = find_policy_disks(slot_.spec()->extras->io, group_, faults);
  if (policy == nullptr) return;
  const bool news = faults_reported_ == nullptr || *faults_reported_ != *policy;
  if (news) faults_reported_ = std::make_unique<const config::Policy>(*policy);
  faults = enforcers::not_to_be_had(*policy, services_.hierarchies);
  auto of_policy = find_policy_disks(policy->io, group_, faults);
  io_.disks.merge(of_policy.disks);
  io_.has_weight |= of_policy.has_weight;
  io_.has_latency |= of_policy.has_latency;
  for (const auto& fault : news ? faults : std::vector<std::string>()) slot_.warn(Reason::kNotEnforced, fault);
}

void ContainerLimits::ask_again() {
  limits_ = enforcers::changed_limits(limits_, asked());
}

void ContainerLimits::ask_from_scratch() {
  limits_ = asked();
}

Status ContainerLimits::write_each() {
  Status written = group_.apply_each(limits_);
  services_.instruments.enforcement("limits", "apply", written ? "done" : "failed");
  note_written();
  return written;
}

void ContainerLimits::quota_is_lifted() {
  if (!limits_.cpu_bandwidth || limits_.cpu_bandwidth->quota.is_unlimited()) return;
  limits_.cpu_bandwidth->quota = {};
  quota_lifted_ = true;
}

void ContainerLimits::give_quota() {
  if (!std::exchange(quota_lifted_, false) || slot_.spec() == nullptr) return;
  const auto given = write_lent_quota();
  if (!given && !runtime::cgroup::is_gone(given.error())) slot_.warn(Reason::kLimitFailed, given.error().what);
}

void ContainerLimits::note_written() {
  auto written = digest(limits_, services_.hierarchies);
  if (slot_.record().limits_written == written) return;
  slot_.record().limits_written = std::move(written);
  slot_.save(runtime::Durability::volatile_);
}

void ContainerLimits::share_cpus() {
  if (slot_.record().cgroup_id == 0 || slot_.spec() == nullptr || !slot_.record().cores.empty() ||
      !slot_.spec()->extras->cpuset_cpus.empty())
    return;
  runtime::cgroup::Limits only;
  only.cpuset_cpus = cores_.cpus();
  if (only.cpuset_cpus.empty() || limits_.cpuset_cpus == only.cpuset_cpus) return;
  const auto applied = group_.apply(only);
  if (applied) {
    limits_.cpuset_cpus = only.cpuset_cpus;
    note_written();
  }
  if (!applied && !runtime::cgroup::is_gone(applied.error())) slot_.warn(Reason::kLimitFailed, applied.error().what);
}

Status ContainerLimits::resize(const config::Container& to) {
  if (slot_.record().cgroup_id == 0) return {};
  const Allotment before = allotment();
  const auto& now = slot_.spec()->resources.limits;
  // Whoever says a new limit has seen to what a policy had to raise.
  if (to.resources.limits.memory != now.memory) slot_.record().raised_memory = 0;
  if (to.resources.limits.cpu != now.cpu) lent_quota_.reset();
  auto limits = enforcers::changed_limits(limits_, limits_for(to));
  if (auto applied = group_.apply(limits); !applied) {
    undo_resize(before);
    return tl::unexpected(std::move(applied.error()));
  }
  limits_ = std::move(limits);
  note_written();
  return {};
}

void ContainerLimits::undo_resize(const Allotment& before) {
  slot_.record().raised_memory = before.raised_memory;
  lent_quota_ = before.lent_quota;
  if (slot_.record().cgroup_id == 0) return;
  limits_ = enforcers::changed_limits(limits_, before.limits);
  const auto applied = group_.apply(limits_);
  note_written();
  if (!applied) slot_.warn(Reason::kLimitFailed, applied.error().what);
}

Status ContainerLimits::let_kernel_decide() {
  // In limits_ too: else it would be put back as somebody else's doing.
  if (runtime::cgroup::can_wait_out_of_memory(services_.hierarchies)) {
    limits_.oom_kill_disable = false;
  } else {
    limits_.memory_high = Limit<Bytes>();
  }
  note_written();
  return runtime::cgroup::write(group_, runtime::cgroup::leave_oom_to_kernel(services_.hierarchies));
}

Status ContainerLimits::write_raise() {
  auto limits = enforcers::changed_limits(limits_, asked());
  slot_.record().limits_written = digest(limits, services_.hierarchies);
  METE_CHECK(slot_.try_save(runtime::Durability::volatile_));
  METE_CHECK(slot_.pod().make_room());
  METE_CHECK(group_.apply(limits));
  limits_ = std::move(limits);
  return {};
}

Status ContainerLimits::write_lent_quota() {
  const auto wanted = asked();
  runtime::cgroup::Limits cpu;
  cpu.cpu_bandwidth = wanted.cpu_bandwidth;
  cpu.cpu_burst = wanted.cpu_burst;
  METE_CHECK(group_.apply(cpu));
  limits_.cpu_bandwidth = cpu.cpu_bandwidth;
  return {};
}

std::optional<Bytes> ContainerLimits::memory_above(Bytes limit) const {
  if (slot_.record().cgroup_id == 0) return std::nullopt;
  const auto usage = runtime::cgroup::memory_usage(group_);
  return usage && *usage > limit ? std::optional(*usage - limit) : std::nullopt;
}

}  // namespace mete::agent
