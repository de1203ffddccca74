// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container_cgroup.h"

#include <unistd.h>

#include <utility>

#include "agent/base/digest.h"
#include "agent/pods/pod.h"
#include "runtime/cgroup/kill.h"
#include "runtime/cgroup/limits/control_write.h"
#include "runtime/cgroup/memory/oom.h"
#include "runtime/file.h"
#include "runtime/shim/watchdog.h"

namespace mete::agent {
namespace {

// A docker client's container has its id for a name: cAdvisor and others know docker's containers by that.
std::string cgroup_name(const ContainerSlot& slot) {
  const PodWorkload& workload = *slot.pod().record().workload;
  return workload.kind == kDockerWorkload ? workload.uid : slot.record().name;
}

runtime::cgroup::Group group_of(const ContainerSlot& slot) {
  const auto& pod = slot.pod().cgroup();
  // The pod's path was checked; names of containers are DNS labels, and ids hexadecimal.
  const auto at = [&pod](const std::string& name) {
    return *runtime::cgroup::Group::at(pod.hierarchies(), pod.path() + "/" + name);
  };
  auto own = at(slot.record().name);
  const std::string name = cgroup_name(slot);
  // A docker client's container that runs since before 30 November 2026 has its own name there.
  return name == slot.record().name || own.exists() ? own : at(name);
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
      limits_(slot, group_, cores_),
      watch_(slot, subject, group_, limits_.current(), [this] { limits_.count_change(); }) {}

Status ContainerCgroup::claim() {
  removed_ = false;
  counters_.begin();
  const bool first = !std::exchange(claimed_, true);
  if (first && slot_.pod().has_new_cgroup()) return group_.create_unified();
  if (slot_.record().cgroup_id == 0) {
    // One that is there has been folded into the record already, but its removal was not finished: counted again, its
    // kills would be told twice.
    (void)runtime::cgroup::kill_at_once(group_);
    METE_CHECK(group_.remove());
  }
  METE_CHECK(group_.create_unified());
  // Processes of an earlier attempt outside its PID namespace must not live on beside the new one.
  if (const auto populated = group_.populated(); populated && *populated) return kill_processes();
  return {};
}

Status ContainerCgroup::prepare() {
  auto& own = slot_.record();
  METE_CHECK(group_.create());
  limits_.find_facts();
  limits_.ask_again();
  METE_TRY(const std::uint64_t id, group_.id());
  own.limits_written = digest(limits_.current(), services_.hierarchies);
  const bool fresh = own.cgroup_id != id;
  if (fresh) {
    if (own.cgroup_id != 0) fold();  // somebody removed it meanwhile
    own.cgroup_id = id;
    watch_.oom_record().begin(OomRecord::Cgroup::kNew);
    // Before anything runs in it: an agent that finds no id in the record looks for no kills.
    slot_.save(runtime::Durability::volatile_);
  } else {
    watch_.oom_record().begin(OomRecord::Cgroup::kOld);
  }
  METE_CHECK(fresh ? group_.set_up(limits_.current()) : group_.apply(limits_.current()));
  METE_CHECK(devices_.set_up());
  open();
  return {};
}

void ContainerCgroup::open() {
  limits_.count_change();
  guard_oom();
  watch_.open();
}

void ContainerCgroup::close() {
  watch_.close();
  limits_.set_lent_quota(std::nullopt);
  hooks_.closed();
}

void ContainerCgroup::fold() {
  counters_.fold();
  watch_.oom_record().fold();
  slot_.record().cgroup_id = 0;
}

bool ContainerCgroup::retire() {
  if (slot_.record().cgroup_id != 0) {
    watch_.oom().settle();
    // Not before it is empty: what still runs in it still counts.
    if (const auto populated = group_.populated(); populated && *populated) return false;
    counters_.keep_last();
    fold();
    slot_.save(runtime::Durability::durable);
    close();
  }
  cores_.give_up();
  return true;
}

bool ContainerCgroup::remove() {
  if (!retire()) return false;
  removed_ = removed_ || group_.remove().has_value();
  return removed_;
}

void ContainerCgroup::kill() {
  if (auto killed = kill_all(); !killed && !runtime::cgroup::is_gone(killed.error()))
    slot_.warn(Reason::kKillFailed, killed.error().what);
}

Status ContainerCgroup::kill_all() {
  limits_.quota_is_lifted();
  slot_.pod().lift_quota_of_last(slot_.record().name);
  return kill_processes();
}

// The next attempt of another runtime is cloned into the same cgroup.
Status ContainerCgroup::kill_processes() {
  const auto* const plan = slot_.pod().plan();
  const bool of_others = plan != nullptr && !plan->runtime.empty();
  return of_others ? runtime::cgroup::kill_by_signals(group_) : runtime::cgroup::kill_at_once(group_);
}

void ContainerCgroup::apply() {
  limits_.ask_again();
  if (const auto written = limits_.write_each(); !written) slot_.warn(Reason::kLimitFailed, written.error().what);
  devices_.reconcile();
  open();
}

void ContainerCgroup::resized() {
  if (slot_.record().cgroup_id == 0) return;
  services_.instruments.enforcement("limits", "resize", "done");
  open();
}

void ContainerCgroup::guard_oom() {
  const std::string path = runtime::shim::oom_watchdog(slot_.files().directory());
  // What a docker client asks for itself outlives this agent.
  const bool by_policy = slot_.spec() == nullptr || !slot_.spec()->extras->waits_out_of_memory;
  if (!limits_.current().oom_kill_disable.value_or(false) || !by_policy) {
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
    return slot_.warn(Reason::kNotEnforced,
                      "Without " + path + " nobody would free it, should this agent die: " + written.error().what);
  hooks_.wake_shim();
}

}  // namespace mete::agent
