// SPDX-License-Identifier: Apache-2.0
// A container's cgroup: what it is told, whether somebody else changed that, what it counted, and its end.
#include <sys/inotify.h>

#include <algorithm>

#include "agent/container.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/pod.h"
#include "enforcers/limits.h"

namespace mete::agent {

void Container::open_cgroup() {
  ++limit_changes_;
  guard_oom();
  enforcer_->open();
  if (!watches_.empty()) return;
  drift_given_up_ = false;
  watch_oom();
  for (const char* controller : {"cpu", "memory", "pids"}) {
    const std::string directory = cgroup_.directory(controller);
    if (directory.empty()) continue;
    // One watch a directory: foreign writes (IN_CLOSE_WRITE) and the kernel's own notices (IN_MODIFY).
    const auto watch = services_.files.watch(directory, IN_CLOSE_WRITE | IN_MODIFY, [this](std::string_view name, std::uint32_t mask) {
      if ((mask & IN_MODIFY) != 0 && name == "memory.events") oom_woken();
      if ((mask & (IN_CLOSE_WRITE | IN_Q_OVERFLOW)) == 0 || drift_check_posted_) return;
      if (name == "cgroup.procs" || name == "tasks" || name == "cgroup.event_control") return;
      drift_check_posted_ = true;
      asio::post(services_.loop, alive_.guard([this] { check_drift(); }));
    });
    if (watch && std::find(watches_.begin(), watches_.end(), *watch) == watches_.end()) watches_.push_back(*watch);
  }
}

void Container::close_cgroup() {
  for (const int watch : watches_) services_.files.forget(watch);
  watches_.clear();
  enforcer_->close();
  oom_event_.close();
  oom_timer_.cancel();
}

void Container::fold_cgroup() {
  auto& own = record();
  base_ = std::make_shared<const collectors::Sample>(collectors::add(*base_, collectors::from_text(own.last_sample).value_or(collectors::Sample())));
  own.base_sample = collectors::to_text(*base_);
  own.last_sample.clear();
  own.oom_kills_base += own.oom_kills_told - own.oom_kills_from;
  own.oom_kills_from = 0;
  own.oom_kills_told = 0;
  own.cgroup_id = 0;
}

bool Container::remove_cgroup() {
  auto& own = record();
  if (own.cgroup_id != 0) {
    check_oom();
    // Not before it is empty: what still runs in it still counts.
    if (const auto populated = cgroup_.populated(); populated && *populated) return false;
    if (const auto last = read_kernel()) own.last_sample = collectors::to_text(*last);
    fold_cgroup();
    pod_.save(runtime::Durability::durable);
    close_cgroup();
  }
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

std::uint64_t Container::oom_kills() {
  const auto& own = record();
  if (own.cgroup_id == 0) return own.oom_kills_base;
  return own.oom_kills_base + oom_counter().value_or(own.oom_kills_told) - own.oom_kills_from;
}

void Container::apply_limits() {
  if (spec() == nullptr || record().cgroup_id == 0) return;
  limits_ = enforcers::changed_limits(limits_, asked_limits());
  choose_oom_counter();
  const auto applied = cgroup_.apply(limits_);
  services_.instruments.enforcement("limits", "apply", applied ? "done" : "failed");
  if (!applied) pod_.tell(Severity::kWarning, "LimitFailed", record().name, applied.error().what);
  ++limit_changes_;
  guard_oom();
  enforcer_->open();
}

void Container::check_drift() {
  drift_check_posted_ = false;
  if (spec() == nullptr || record().cgroup_id == 0 || drift_given_up_) return;
  const auto woken = std::chrono::steady_clock::now();
  const auto drifts = cgroup_.verify(limits_);
  if (!drifts || drifts->empty()) return;
  const auto applied = cgroup_.apply(limits_);
  const auto left = cgroup_.verify(limits_);
  const bool restored = applied && left && left->empty();
  // Our own writes wake this check again: what cannot be put back must not be tried for ever.
  drift_given_up_ = !restored;
  for (const auto& drift : *drifts) {
    services_.instruments.drift(drift.file);
    services_.instruments.enforcement("limits", "restore", restored ? "done" : "failed");
    pod_.tell(Severity::kWarning, "LimitDrift", record().name,
              drift.file + " of " + cgroup_.path() + " was changed to " + drift.found + " by somebody else; " +
                  (restored ? "it is put back to " : "it could not be put back to ") + drift.expected,
              {{"file", drift.file}, {"found", drift.found}, {"expected", drift.expected}});
  }
  services_.instruments.reaction("limits", std::chrono::steady_clock::now() - woken);
  ++limit_changes_;
}

}  // namespace mete::agent
