// SPDX-License-Identifier: Apache-2.0
// A container's cgroup: what it is told, what it counted, and its end.
#include "agent/enforcement/cpu_enforcer.h"
#include "agent/enforcement/drift_watch.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/pods/container.h"
#include "agent/pods/pod.h"
#include "enforcers/asked_limits.h"

namespace mete::agent {

void Container::open_cgroup() {
  ++limit_changes_;
  guard_oom();
  enforcer_->open();
  cpu_enforcer_->open();
  limit_events_.open(limits_.pids && !limits_.pids->is_unlimited());
  if (drift_->is_open()) return;
  drift_->open();
  oom_watch_->open();
}

void Container::close_cgroup() {
  drift_->close();
  enforcer_->close();
  cpu_enforcer_->close();
  limit_events_.close();
  stop_lowering();
  boosted_quota_.reset();
  oom_watch_->close();
}

void Container::fold_cgroup() {
  auto& own = record();
  base_ = std::make_shared<const collectors::Sample>(
      collectors::add(*base_, collectors::from_text(own.last_sample).value_or(collectors::Sample())));
  own.base_sample = collectors::to_text(*base_);
  own.last_sample.clear();
  oom_record_.fold();
  own.cgroup_id = 0;
}

bool Container::remove_cgroup() {
  auto& own = record();
  if (own.cgroup_id != 0) {
    oom_watch_->poll();
    // Not before it is empty: what still runs in it still counts.
    if (const auto populated = cgroup_.populated(); populated && *populated) return false;
    if (const auto last = read_kernel()) own.last_sample = collectors::to_text(*last);
    fold_cgroup();
    pod_.save(runtime::Durability::durable);
    close_cgroup();
  }
  give_up_cores();
  return cgroup_.remove().has_value();
}

std::optional<collectors::Sample> Container::read_kernel() {
  if (record().cgroup_id == 0) return std::nullopt;
  auto sampler = collectors::CgroupSampler::open(services_.collection, cgroup_);
  if (!sampler || sampler->read() == collectors::CgroupSampler::Outcome::kGone) return std::nullopt;
  return sampler->sample();
}

collectors::Sample Container::read() {
  const auto live = read_kernel();
  return live ? collectors::add(*base_, *live) : *base_;
}

void Container::choose_oom_counter() {
  if (!oom_record_.counter_is_other()) return;
  oom_watch_->poll();
  oom_record_.change_counter();
}

void Container::apply_limits() {
  if (spec() == nullptr || record().cgroup_id == 0) return;
  look_for_disks();
  see_to_cores();
  see_to_raise();
  limits_ = enforcers::changed_limits(limits_, asked_limits());
  choose_oom_counter();
  const auto applied = cgroup_.apply_each(limits_);
  limits_are_written();
  services_.instruments.enforcement("limits", "apply", applied ? "done" : "failed");
  if (!applied) pod_.tell(Severity::kWarning, "LimitFailed", record().name, applied.error().what);
  change_devices();
  ++limit_changes_;
  guard_oom();
  enforcer_->open();
  cpu_enforcer_->open();
  limit_events_.open(limits_.pids && !limits_.pids->is_unlimited());
}

}  // namespace mete::agent
