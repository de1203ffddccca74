// SPDX-License-Identifier: Apache-2.0
// Handles what an earlier agent has left in the cgroup of a container.
#include <unistd.h>

#include "agent/base/digest.h"
#include "agent/pods/container/container_cgroup.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/devices/block_device.h"
#include "runtime/cgroup/memory/oom.h"
#include "runtime/shim/watchdog.h"

namespace mete::agent {

void ContainerCgroup::find_out_whether_gone() {
  const auto& own = slot_.record();
  const auto id = group_.id();
  if (own.cgroup_id == 0 || (id && *id == own.cgroup_id)) return;
  fold();
  slot_.save(runtime::Durability::durable);
}

void ContainerCgroup::take_over() {
  thaw_leftover();
  take_back_leftovers();
  write_what_has_changed();
  open();
  if (slot_.record().oom_known_lost) watch_.oom_record().begin(OomRecord::Cgroup::kUnknown);
  watch_.oom().poll();
  watch_.check_drift();
}

// Thaws a group that an earlier agent froze. If a rule still asks for it, the group is frozen again.
void ContainerCgroup::thaw_leftover() {
  const std::string path = runtime::shim::freeze_watchdog(slot_.files().directory());
  if (::access(path.c_str(), F_OK) != 0) return;
  const auto thawed = group_.thaw();
  services_.instruments.enforcement("memory", "thaw", thawed ? "done" : "failed");
  if (!thawed) return slot_.warn(Reason::kThawFailed, thawed.error().what);
  (void)::unlink(path.c_str());
  hooks_.wake_shim();
}

// A policy may have gone while no agent ran: what it alone had asked for is taken back, before the shim's watchdog is
// told that there is nothing to be undone. Where there was none the files hold that already, or are not there.
void ContainerCgroup::take_back_leftovers() {
  if (slot_.spec() == nullptr) return;
  const auto& limits = limits_.current();
  runtime::cgroup::Limits asked;
  if (!limits.cpu_burst) asked.cpu_burst = std::chrono::microseconds(0);
  if (limits.cpuset_cpus.empty()) asked.cpuset_cpus = cores_.leftover();
  if (!limits.pids) asked.pids = runtime::cgroup::Limit<std::uint64_t>();
  for (auto& disk : runtime::cgroup::limited_disks(group_)) {
    if (!limits.io->contains(disk)) asked.io.edit().try_emplace(std::move(disk));
  }
  for (auto& disk : runtime::cgroup::disks_with_latency(group_)) {
    const auto at = limits.io->find(disk);
    if (at != limits.io->end() && at->second.latency) continue;
    auto& io = asked.io.edit()[disk];
    if (at != limits.io->end()) io = at->second;
    io.latency = std::chrono::microseconds(0);
  }
  if (!limits.net_class && runtime::cgroup::has_net_class(services_.hierarchies)) asked.net_class = 0;
  (void)group_.apply(asked);
  devices_.reconcile();
  take_back_oom_control();
}

// Alone: a process that waits for memory must not go on doing so because another file could not be written.
void ContainerCgroup::take_back_oom_control() {
  runtime::cgroup::Limits memory;
  if (!limits_.current().oom_kill_disable && runtime::cgroup::oom_kill_disabled(group_))
    memory.oom_kill_disable = false;
  if (!limits_.current().memory_high && runtime::cgroup::has_memory_high(services_.hierarchies))
    memory.memory_high = runtime::cgroup::Limit<Bytes>();
  if (const auto done = group_.apply(memory); !done && !runtime::cgroup::is_gone(done.error()))
    slot_.warn(Reason::kLimitFailed, done.error().what);
}

// The manifest or its policy is another one than when the last agent wrote its limits, or that agent had lent
// something: what differs then is nobody's drift.
void ContainerCgroup::write_what_has_changed() {
  if (slot_.spec() == nullptr || slot_.record().limits_written == digest(limits_.current(), services_.hierarchies))
    return;
  const auto written = limits_.write_each();
  if (!written && !runtime::cgroup::is_gone(written.error())) slot_.warn(Reason::kLimitFailed, written.error().what);
}

}  // namespace mete::agent
