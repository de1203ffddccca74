// SPDX-License-Identifier: Apache-2.0
// What enforcement changes about a container while it runs: a raised limit, a restart, who may kill in it.
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/digest.h"
#include "agent/enforcement/cpu_enforcer.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/io_facts.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/pods/container.h"
#include "agent/pods/container_subject.h"
#include "agent/pods/pod.h"
#include "enforcers/asked_limits.h"
#include "enforcers/core_assignment.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/control_write.h"
#include "runtime/cgroup/memory.h"
#include "runtime/cgroup/oom.h"
#include "runtime/file.h"
#include "runtime/shim/watchdog.h"

namespace mete::agent {

runtime::cgroup::Limits Container::limits_for(const config::Container& container) const {
  auto limits = enforcers::container_limits(container, policy(), services_.hierarchies, io_);
  const Bytes raised(record().raised_memory);
  if (limits.memory && !limits.memory->is_unlimited() && raised > limits.memory->value()) {
    limits.memory = runtime::cgroup::Limit<Bytes>(raised);
    if (limits.memory_high) limits.memory_high = runtime::cgroup::Limit<Bytes>(enforcers::tripwire_of(raised));
  }
  const auto& cores = record().cores;
  limits.cpuset_cpus = cores.empty() ? enforcement_.cores().shared() : enforcers::cpu_list_text(cores);
  if (boosted_quota_ && limits.cpu_bandwidth && !limits.cpu_bandwidth->quota.is_unlimited()) {
    limits.cpu_bandwidth->quota = std::max(limits.cpu_bandwidth->quota.value(), *boosted_quota_);
  }
  return limits;
}

void Container::look_for_disks() {
  io_ = {};
  const auto* const policy = this->policy();
  if (policy == nullptr) return;
  const bool news = std::exchange(faults_told_, *policy) != *policy;
  std::vector<std::string> faults = enforcers::not_to_be_had(*policy, services_.hierarchies);
  io_ = agent::look_for_disks(policy->io, cgroup_, faults);
  for (const auto& fault : news ? faults : std::vector<std::string>())
    pod_.tell(Severity::kWarning, "NotEnforced", record().name, fault);
}

// So that the next agent can tell a limit that others have changed from one that this agent would have.
void Container::limits_are_written() {
  auto written = digest(limits_, services_.hierarchies);
  if (record().limits_written == written) return;
  record().limits_written = std::move(written);
  pod_.save(runtime::Durability::volatile_);
}

Status Container::resize(const config::Container& to) {
  if (record().cgroup_id == 0) return {};
  const Allotment before = allotment();
  // Whoever says a new limit has seen to what a policy had to raise.
  if (to.resources.limits.memory != spec()->resources.limits.memory) record().raised_memory = 0;
  if (to.resources.limits.cpu != spec()->resources.limits.cpu) boosted_quota_.reset();
  auto limits = enforcers::changed_limits(limits_, limits_for(to));
  if (auto applied = cgroup_.apply(limits); !applied) {
    undo_resize(before);
    return tl::unexpected(std::move(applied.error()));
  }
  limits_ = std::move(limits);
  limits_are_written();
  return {};
}

void Container::undo_resize(const Allotment& before) {
  record().raised_memory = before.raised_memory;
  boosted_quota_ = before.boosted_quota;
  if (record().cgroup_id == 0) return;
  limits_ = enforcers::changed_limits(limits_, before.limits);
  const auto applied = cgroup_.apply(limits_);
  limits_are_written();
  if (!applied) pod_.tell(Severity::kWarning, "LimitFailed", record().name, applied.error().what);
}

void Container::resized() {
  if (record().cgroup_id == 0) return;
  services_.instruments.enforcement("limits", "resize", "done");
  ++limit_changes_;
  guard_oom();
  enforcer_->open();
  cpu_enforcer_->open();
}

Status Container::boost_cpu(std::optional<std::chrono::microseconds> quota) {
  const auto before = std::exchange(boosted_quota_, quota);
  const auto asked = asked_limits();
  runtime::cgroup::Limits cpu;
  cpu.cpu_bandwidth = asked.cpu_bandwidth;
  cpu.cpu_burst = asked.cpu_burst;
  const bool up = quota.value_or(std::chrono::microseconds(0)) > before.value_or(std::chrono::microseconds(0));
  // No container may have more than its pod: first the pod when it grows, last when it shrinks.
  const auto done = [&]() -> Status {
    if (up) METE_CHECK(pod_.make_room());
    if (auto applied = cgroup_.apply(cpu); !applied) return tl::unexpected(std::move(applied.error()));
    limits_.cpu_bandwidth = cpu.cpu_bandwidth;
    if (!up) METE_CHECK(pod_.make_room());
    return {};
  }();
  ++limit_changes_;
  limits_are_written();
  if (done) return {};
  boosted_quota_ = before;
  (void)pod_.make_room();
  return done;
}

std::optional<Bytes> Container::memory_above(Bytes limit) const {
  if (record().cgroup_id == 0) return std::nullopt;
  const auto usage = runtime::cgroup::memory_usage(cgroup_);
  return usage && *usage > limit ? std::optional(*usage - limit) : std::nullopt;
}

Status Container::restart(const std::string& reason) {
  auto& own = record();
  if (own.state != ContainerState::kRunning)
    return fail("container " + own.name + ": found it " + to_string(own.state) + ", expected it running");
  if (own.restart_wanted) return {};  // it is on its way
  if (const auto process = runtime::process::open_pidfd(own.process); !process) return tl::unexpected(process.error());
  own.restart_wanted = true;
  own.end_reason = reason;
  // Recorded first: should the agent die now, the next one knows that an end that was asked for here is no end for
  // good.
  pod_.save(runtime::Durability::volatile_);
  go_on_with_restart();
  return {};
}

void Container::go_on_with_restart() {
  ask_to_end(pod_.record().grace);
  restart_timer_.expires_after(pod_.record().grace);
  restart_timer_.async_wait(alive_.guard([this] { kill(); }));
}

Status Container::let_kernel_decide() {
  // In limits_ too: else it would be put back as somebody else's doing.
  if (runtime::cgroup::can_wait_out_of_memory(services_.hierarchies)) {
    limits_.oom_kill_disable = false;
  } else {
    limits_.memory_high = runtime::cgroup::Limit<Bytes>();
  }
  limits_are_written();
  return runtime::cgroup::write(cgroup_, runtime::cgroup::leave_oom_to_kernel(services_.hierarchies));
}

void Container::killed_by_policy(const std::string& reason) {
  auto& own = record();
  ++own.policy_kills;
  own.killed_by_policy = true;
  if (!reason.empty()) own.end_reason = reason;
  pod_.save(runtime::Durability::volatile_);
}

void Container::wake_shim() {
  if (shim_.is_open())
    ::syscall(SYS_pidfd_send_signal, shim_.native_handle(), runtime::shim::kFilesChanged, nullptr, 0);
}

void Container::thaw_leftover() {
  const std::string path = runtime::shim::freeze_watchdog(attempt_directory());
  if (::access(path.c_str(), F_OK) != 0) return;
  const auto thawed = cgroup_.thaw();
  services_.instruments.enforcement("memory", "thaw", thawed ? "done" : "failed");
  if (!thawed) return pod_.tell(Severity::kWarning, "ThawFailed", record().name, thawed.error().what);
  (void)::unlink(path.c_str());
  wake_shim();
}

void Container::guard_oom() {
  const std::string path = runtime::shim::oom_watchdog(attempt_directory());
  if (!limits_.oom_kill_disable.value_or(false)) {
    if (::unlink(path.c_str()) == 0) wake_shim();
    return;
  }
  constexpr auto kUsual = std::chrono::seconds(5);
  runtime::shim::Undo undo;
  undo.memory_directory = cgroup_.directory("memory");
  const auto& hold = policy()->memory.hold;
  undo.wait = hold ? std::chrono::ceil<std::chrono::milliseconds>(hold->timeout) : std::chrono::milliseconds(kUsual);
  const auto kill = runtime::cgroup::enable_oom_kill();
  undo.writes.push_back({path_of(cgroup_, kill), kill.text});
  const auto written = runtime::replace_file(path, to_text(undo), 0600, runtime::Durability::volatile_);
  if (!written) {
    pod_.tell(Severity::kWarning, "NotEnforced", record().name,
              "Without " + path + " nobody would free it, should this agent die: " + written.error().what);
    return;
  }
  wake_shim();
}

}  // namespace mete::agent
