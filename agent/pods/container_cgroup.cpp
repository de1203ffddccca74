// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container_cgroup.h"

#include <unistd.h>

#include "agent/base/digest.h"
#include "agent/enforcement/io_facts.h"
#include "agent/pods/pod.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/control_write.h"
#include "runtime/cgroup/memory.h"
#include "runtime/cgroup/oom.h"
#include "runtime/file.h"
#include "runtime/shim/watchdog.h"

namespace mete::agent {
namespace {

using runtime::cgroup::Limit;

runtime::cgroup::Group group_of(const ContainerSlot& slot) {
  const auto& pod = slot.pod().cgroup();
  // The pod's path was checked, and names of containers are DNS labels.
  return *runtime::cgroup::Group::at(pod.hierarchies(), pod.path() + "/" + slot.record().name);
}

}  // namespace

ContainerCgroup::ContainerCgroup(const ContainerSlot& slot, Subject& subject, Hooks hooks)
    : slot_(slot),
      services_(slot.services()),
      hooks_(std::move(hooks)),
      group_(group_of(slot)),
      counters_(slot, group_),
      devices_(slot, group_),
      cores_(slot, group_),
      watch_(slot, subject, group_, limits_, [this] { ++limit_changes_; }) {}

Status ContainerCgroup::claim() {
  if (slot_.record().cgroup_id == 0) {
    // One that is there has been folded into the record already, but its removal was not finished: counted again, its
    // kills would be told twice.
    (void)group_.kill_all();
    METE_CHECK(group_.remove());
  }
  METE_CHECK(group_.create_unified());
  // What an earlier attempt left behind outside its PID namespace must not live on beside the new one.
  if (const auto populated = group_.populated(); populated && *populated) return group_.kill_all();
  return {};
}

Status ContainerCgroup::prepare() {
  auto& own = slot_.record();
  METE_CHECK(group_.create());
  find_facts();
  limits_ = enforcers::changed_limits(limits_, asked_limits());
  METE_TRY(const std::uint64_t id, group_.id());
  own.limits_written = digest(limits_, services_.hierarchies);
  if (own.cgroup_id != id) {
    if (own.cgroup_id != 0) fold();  // somebody removed it meanwhile
    own.cgroup_id = id;
    own.oom_by_group = limits_.oom_group.value_or(false);
    // Before anything runs in it: an agent that finds no id in the record looks for no kills.
    slot_.save(runtime::Durability::volatile_);
  }
  watch_.choose_oom_counter();  // the policy may have changed since the last attempt
  METE_CHECK(group_.apply(limits_));
  METE_CHECK(devices_.set_up());
  open();
  return {};
}

void ContainerCgroup::open() {
  ++limit_changes_;
  guard_oom();
  watch_.open();
}

void ContainerCgroup::close() {
  watch_.close();
  lent_quota_.reset();
  hooks_.closed();
}

void ContainerCgroup::fold() {
  counters_.fold();
  watch_.oom_record().fold();
  slot_.record().cgroup_id = 0;
}

bool ContainerCgroup::remove() {
  if (slot_.record().cgroup_id != 0) {
    watch_.oom().poll();
    // Not before it is empty: what still runs in it still counts.
    if (const auto populated = group_.populated(); populated && *populated) return false;
    counters_.keep_last();
    fold();
    slot_.save(runtime::Durability::durable);
    close();
  }
  cores_.give_up();
  return group_.remove().has_value();
}

void ContainerCgroup::kill() {
  if (auto killed = group_.kill_all(); !killed && !runtime::cgroup::is_gone(killed.error()))
    slot_.warn("KillFailed", killed.error().what);
}

runtime::cgroup::Limits ContainerCgroup::limits_for(const config::Container& container) const {
  auto limits = enforcers::container_limits(container, slot_.policy(), services_.hierarchies, io_);
  const Bytes raised(slot_.record().raised_memory);
  if (limits.memory && !limits.memory->is_unlimited() && raised > limits.memory->value()) {
    limits.memory = Limit<Bytes>(raised);
    if (limits.memory_high) limits.memory_high = Limit<Bytes>(enforcers::tripwire_of(raised));
  }
  limits.cpuset_cpus = cores_.cpus();
  if (lent_quota_ && limits.cpu_bandwidth && !limits.cpu_bandwidth->quota.is_unlimited())
    limits.cpu_bandwidth->quota = std::max(limits.cpu_bandwidth->quota.value(), *lent_quota_);
  return limits;
}

void ContainerCgroup::find_facts() {
  if (slot_.record().cgroup_id != 0 || group_.exists()) find_disks();
  cores_.reconcile();
}

void ContainerCgroup::find_disks() {
  io_ = {};
  const auto* const policy = slot_.policy();
  if (policy == nullptr) return;
  const bool news = std::exchange(faults_reported_, *policy) != *policy;
  std::vector<std::string> faults = enforcers::not_to_be_had(*policy, services_.hierarchies);
  io_ = look_for_disks(policy->io, group_, faults);
  for (const auto& fault : news ? faults : std::vector<std::string>()) slot_.warn("NotEnforced", fault);
}

// So that the next agent can tell a limit that others have changed from one that this agent would have.
void ContainerCgroup::limits_are_written() {
  auto written = digest(limits_, services_.hierarchies);
  if (slot_.record().limits_written == written) return;
  slot_.record().limits_written = std::move(written);
  slot_.save(runtime::Durability::volatile_);
}

void ContainerCgroup::take_limits() {
  limits_ = asked_limits();
}

void ContainerCgroup::apply() {
  limits_ = enforcers::changed_limits(limits_, asked_limits());
  watch_.choose_oom_counter();
  const auto applied = group_.apply_each(limits_);
  limits_are_written();
  services_.instruments.enforcement("limits", "apply", applied ? "done" : "failed");
  if (!applied) slot_.warn("LimitFailed", applied.error().what);
  devices_.reconcile();
  open();
}

void ContainerCgroup::share_cpus() {
  if (slot_.record().cgroup_id == 0 || slot_.spec() == nullptr || !slot_.record().cores.empty()) return;
  runtime::cgroup::Limits only;
  only.cpuset_cpus = cores_.cpus();
  if (only.cpuset_cpus.empty() || limits_.cpuset_cpus == only.cpuset_cpus) return;
  const auto applied = group_.apply(only);
  if (applied) {
    limits_.cpuset_cpus = only.cpuset_cpus;
    limits_are_written();
  }
  if (!applied && !runtime::cgroup::is_gone(applied.error())) slot_.warn("LimitFailed", applied.error().what);
}

Status ContainerCgroup::resize(const config::Container& to) {
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
  limits_are_written();
  return {};
}

void ContainerCgroup::undo_resize(const Allotment& before) {
  slot_.record().raised_memory = before.raised_memory;
  lent_quota_ = before.lent_quota;
  if (slot_.record().cgroup_id == 0) return;
  limits_ = enforcers::changed_limits(limits_, before.limits);
  const auto applied = group_.apply(limits_);
  limits_are_written();
  if (!applied) slot_.warn("LimitFailed", applied.error().what);
}

void ContainerCgroup::resized() {
  if (slot_.record().cgroup_id == 0) return;
  services_.instruments.enforcement("limits", "resize", "done");
  open();
}

Status ContainerCgroup::let_kernel_decide() {
  // In limits_ too: else it would be put back as somebody else's doing.
  if (runtime::cgroup::can_wait_out_of_memory(services_.hierarchies)) {
    limits_.oom_kill_disable = false;
  } else {
    limits_.memory_high = Limit<Bytes>();
  }
  limits_are_written();
  return runtime::cgroup::write(group_, runtime::cgroup::leave_oom_to_kernel(services_.hierarchies));
}

Status ContainerCgroup::write_raise() {
  auto limits = enforcers::changed_limits(limits_, asked_limits());
  slot_.record().limits_written = digest(limits, services_.hierarchies);
  METE_CHECK(slot_.try_save(runtime::Durability::volatile_));
  METE_CHECK(slot_.pod().make_room());
  METE_CHECK(group_.apply(limits));
  limits_ = std::move(limits);
  return {};
}

Status ContainerCgroup::write_lent_quota() {
  const auto asked = asked_limits();
  runtime::cgroup::Limits cpu;
  cpu.cpu_bandwidth = asked.cpu_bandwidth;
  cpu.cpu_burst = asked.cpu_burst;
  METE_CHECK(group_.apply(cpu));
  limits_.cpu_bandwidth = cpu.cpu_bandwidth;
  return {};
}

void ContainerCgroup::note_change() {
  ++limit_changes_;
  limits_are_written();
}

std::optional<Bytes> ContainerCgroup::memory_above(Bytes limit) const {
  if (slot_.record().cgroup_id == 0) return std::nullopt;
  const auto usage = runtime::cgroup::memory_usage(group_);
  return usage && *usage > limit ? std::optional(*usage - limit) : std::nullopt;
}

void ContainerCgroup::guard_oom() {
  const std::string path = runtime::shim::oom_watchdog(slot_.files().directory());
  if (!limits_.oom_kill_disable.value_or(false)) {
    if (::unlink(path.c_str()) == 0) hooks_.wake_shim();
    return;
  }
  constexpr auto kUsual = std::chrono::seconds(5);
  runtime::shim::Undo undo;
  undo.memory_directory = group_.directory("memory");
  const auto& hold = slot_.policy()->memory.hold;
  undo.wait = hold ? std::chrono::ceil<std::chrono::milliseconds>(hold->timeout) : std::chrono::milliseconds(kUsual);
  const auto kill = runtime::cgroup::enable_oom_kill();
  undo.writes.push_back({path_of(group_, kill), kill.text});
  const auto written = runtime::replace_file(path, to_text(undo), 0600, runtime::Durability::volatile_);
  if (!written)
    return slot_.warn("NotEnforced",
                      "Without " + path + " nobody would free it, should this agent die: " + written.error().what);
  hooks_.wake_shim();
}

}  // namespace mete::agent
