// SPDX-License-Identifier: Apache-2.0
// Writes the limits of the pod's own cgroup, the parent of its containers' cgroups.
#include <algorithm>

#include "agent/base/digest.h"
#include "agent/pods/pod.h"
#include "agent/pods/pod_resize.h"
#include "enforcers/asked_limits.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/cpu.h"

namespace mete::agent {

Status Pod::write_limits(runtime::cgroup::Limits limits) {
  if (auto applied = cgroup_.apply(limits); !applied) return tl::unexpected(std::move(applied.error()));
  limits_ = std::move(limits);
  // The launch of its first container saves the record of a new pod.
  if (const auto before = record_.limits_written; note_limits() && !before.empty())
    save(runtime::Durability::volatile_);
  return {};
}

bool Pod::note_limits() {
  record_.pids_limited = limits_.pids && !limits_.pids->is_unlimited();
  const auto before = std::exchange(record_.limits_written, digest(limits_, services_.hierarchies));
  return before != record_.limits_written;
}

// By an earlier policy, of an earlier agent perhaps.
bool Pod::is_idle() const {
  return runtime::cgroup::is_cpu_idle(cgroup_);
}

// An earlier agent may have held it back.
bool Pod::has_quota() const {
  return runtime::cgroup::cpu_quota(cgroup_).has_value();
}

// The pod's limits are sums, so that what a policy gave one container more is added to them.
runtime::cgroup::Limits Pod::limits_for(const config::PodSpec& spec) const {
  auto limits = enforcers::pod_limits(spec, services_.hierarchies);
  const auto* const policy = enforcers::in_force(plan_->policy ? &*plan_->policy : nullptr);
  const bool idle = policy != nullptr && policy->cpu.idle;
  if (idle) limits.cpu_shares.reset();  // an idle group has no weight, and refuses one
  if (idle || is_idle()) limits.cpu_idle = idle;
  if (held_cpu_) {
    constexpr std::chrono::microseconds kPeriod(100'000);
    limits.cpu_bandwidth = {
        std::chrono::microseconds(static_cast<std::int64_t>(*held_cpu_ * static_cast<double>(kPeriod.count()))),
        kPeriod};
  } else if (!limits.cpu_bandwidth && has_quota()) {
    limits.cpu_bandwidth = runtime::cgroup::CpuBandwidth();
  }
  // The manifest had one, for an earlier agent perhaps.
  if (!limits.pids && record_.pids_limited) limits.pids = runtime::cgroup::Limit<std::uint64_t>();
  Bytes more(0);
  std::chrono::microseconds lent(0);
  for_each_container(spec, [&](std::size_t i, const config::Container& container) {
    const auto& own = container.resources.limits;
    const Bytes raised(record_.containers[i].raised_memory);
    if (own.memory && raised > *own.memory) more += raised - *own.memory;
    const auto& boosted = containers_[i]->control().limits().lent_quota();
    if (own.cpu && boosted) lent += *boosted - enforcers::cpu_bandwidth(own.cpu).quota.value();
  });
  if (limits.memory && !limits.memory->is_unlimited())
    limits.memory = runtime::cgroup::Limit<Bytes>(limits.memory->value() + more);
  if (limits.cpu_bandwidth && !limits.cpu_bandwidth->quota.is_unlimited())
    limits.cpu_bandwidth->quota = limits.cpu_bandwidth->quota.value() + lent;
  return limits;
}

namespace {

std::string text_of(const std::optional<runtime::cgroup::Limit<std::uint64_t>>& limit) {
  return limit && !limit->is_unlimited() ? std::to_string(limit->value()) : "none";
}

}  // namespace

// The kernel takes a limit below what there is: then nothing is forked until some have ended.
void Pod::resize_pids() {
  if (!cgroup_.exists()) return;
  const auto before = limits_.pids;
  const auto now = limits_for(plan_->pod.spec).pids;
  if (text_of(before) == text_of(now)) return;
  auto limits = limits_;
  limits.pids = now;
  if (const Status written = write_limits(std::move(limits)); !written)
    return report(Severity::kWarning, name_of(Reason::kLimitFailed), "", written.error().what);
  watch_pids();
  for (auto& container : containers_) container->control().watch().pids_limits_changed();
  const std::string change = "pids limit " + text_of(before) + " -> " + text_of(now);
  report(Severity::kNormal, name_of(Reason::kResized), "", "Pod " + record_.key() + " goes on with " + change,
         {{"change", change}});
}

// Few pods have such a limit.
void Pod::watch_pids() {
  if (!record_.pids_limited) return limit_events_.reset();
  if (limit_events_ == nullptr)
    limit_events_ = std::make_unique<LimitEvents>(
        services_, cgroup_, LimitEvents::Whose::kAbove,
        [this](std::string reason, const std::string& message, LimitEvents::Fields fields) {
          report(Severity::kWarning, std::move(reason), "", "Pod " + record_.key() + ": " + message, std::move(fields));
        });
  limit_events_->open(true);
}

// All that is left in it is to die. An agent that dies now leaves a record by which the next one writes the limits.
void Pod::lift_quota() {
  if (!limits_.cpu_bandwidth || limits_.cpu_bandwidth->quota.is_unlimited()) return;
  auto lifted = limits_;
  lifted.cpu_bandwidth->quota = {};
  quota_lifted_ = write_limits(std::move(lifted)).has_value();  // whoever cannot have it dies later
}

void Pod::lift_quota_of_last(const std::string& name) {
  if (!has_other_active(name)) lift_quota();
}

Status Pod::give_quota() {
  return std::exchange(quota_lifted_, false) ? make_room() : Status();
}

Status Pod::make_room() {
  if (!plan_) return {};
  return write_limits(limits_for(plan_->pod.spec));
}

void Pod::give_back() {
  for (const auto& container : containers_) {
    if (container->control().limits().lent_quota()) (void)container->loans().lend_quota(std::nullopt);
  }
  if (held_cpu_) hold_cpu(std::nullopt);
}

void Pod::hold_cpu(std::optional<double> cores) {
  const auto before = std::exchange(held_cpu_, cores);
  const Status done = make_room();
  const std::string text = cores ? std::to_string(static_cast<std::int64_t>(*cores * 1000)) + "m" : std::string();
  services_.instruments.enforcement("cpu", cores ? "suppress" : "suppress-end", done ? "done" : "failed");
  if (!done) {
    held_cpu_ = before;
    return report(Severity::kWarning, name_of(Reason::kLimitFailed), "", done.error().what);
  }
  if (before.has_value() == cores.has_value()) return;  // by how much changes each second
  report(Severity::kNormal, cores ? name_of(Reason::kCpuSuppressed) : name_of(Reason::kCpuSuppressEnded), "",
         cores ? "The machine is loaded: pod " + record_.key() + ", which asks for no CPU, is held to " + text
               : "Pod " + record_.key() + " may use the CPU again as it likes",
         {{"cores", text}});
}

}  // namespace mete::agent
