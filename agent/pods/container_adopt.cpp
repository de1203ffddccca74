// SPDX-License-Identifier: Apache-2.0
// What a new agent makes of a container that an earlier one recorded.
#include <csignal>

#include "agent/base/digest.h"
#include "agent/base/spawn.h"
#include "agent/enforcement/drift_watch.h"
#include "agent/pods/container.h"
#include "agent/pods/pod.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/block_device.h"
#include "runtime/cgroup/oom.h"
#include "runtime/process/signals.h"

namespace mete::agent {
namespace {

constexpr auto kAdoptEvery = std::chrono::milliseconds(10);
constexpr int kAdoptTries = 3000;  // 30 s
constexpr int kLostCode = 255;     // as the kubelet reports an end that nobody saw

}  // namespace

void Container::adopt() {
  auto& own = record();
  const auto id = cgroup_.id();
  if (own.cgroup_id != 0 && (!id || *id != own.cgroup_id)) {
    fold_cgroup();
    pod_.save(runtime::Durability::durable);
  }
  if (spec() != nullptr) {
    if (own.cgroup_id != 0) look_for_disks();
    see_to_cores();
    if (own.cgroup_id != 0) see_to_raise();
    limits_ = asked_limits();
    if (const auto image = services_.images.find(spec()->image)) {
      image_name_ = image->name;
      stop_signal_ = runtime::process::signal_number(image->config.stop_signal).value_or(SIGTERM);
    }
  }
  if (own.cgroup_id != 0) {
    thaw_leftover();
    take_back_leftovers();
    write_what_has_changed();
    open_cgroup();
    choose_oom_counter();
    check_oom();
    drift_->check();
  }
  if (is_active()) adopt_attempt(kAdoptTries);
}

// The manifest or its policy is another one than when the last agent wrote its limits, or that agent had lent
// something: what differs then is nobody's drift.
void Container::write_what_has_changed() {
  if (spec() == nullptr || record().limits_written == digest(limits_, services_.hierarchies)) return;
  const auto applied = cgroup_.apply_each(limits_);
  services_.instruments.enforcement("limits", "apply", applied ? "done" : "failed");
  if (!applied && !runtime::cgroup::is_gone(applied.error()))
    pod_.tell(Severity::kWarning, "LimitFailed", record().name, applied.error().what);
  limits_are_written();
}

// A policy may have gone while no agent ran: what it alone had asked for is taken back, before the shim's watchdog is
// told that there is nothing to be undone. Where there was none the files hold that already, or are not there.
void Container::take_back_leftovers() {
  if (spec() == nullptr) return;
  runtime::cgroup::Limits asked;
  if (!limits_.cpu_burst) asked.cpu_burst = std::chrono::microseconds(0);
  asked.cpuset_cpus = leftover_cpus();
  if (!limits_.pids) asked.pids = runtime::cgroup::Limit<std::uint64_t>();
  for (auto& disk : runtime::cgroup::limited_disks(cgroup_)) {
    if (!limits_.io.contains(disk)) asked.io.try_emplace(std::move(disk));
  }
  for (auto& disk : runtime::cgroup::disks_with_latency(cgroup_)) {
    const auto at = limits_.io.find(disk);
    if (at != limits_.io.end() && at->second.latency) continue;
    auto& io = asked.io[disk];
    if (at != limits_.io.end()) io = at->second;
    io.latency = std::chrono::microseconds(0);
  }
  if (!limits_.net_class && runtime::cgroup::has_net_class(services_.hierarchies)) asked.net_class = 0;
  (void)cgroup_.apply(asked);
  change_devices();
  // Alone: whoever waits for memory must not go on doing so because another file could not be written.
  runtime::cgroup::Limits memory;
  if (!limits_.oom_kill_disable && runtime::cgroup::oom_kill_disabled(cgroup_)) memory.oom_kill_disable = false;
  if (!limits_.memory_high && runtime::cgroup::has_memory_high(services_.hierarchies))
    memory.memory_high = runtime::cgroup::Limit<Bytes>();
  if (const auto done = cgroup_.apply(memory); !done && !runtime::cgroup::is_gone(done.error()))
    pod_.tell(Severity::kWarning, "LimitFailed", record().name, done.error().what);
}

void Container::adopt_attempt(int tries_left) {
  auto& own = record();
  const auto files = this->files();
  const auto lock = files.try_lock();
  const bool shim_gone = !lock || lock->valid();
  const auto exit = files.exit();
  const auto started = files.started();
  if (shim_gone) {
    if (started && *started) own.started_at = (*started)->at;
    if (exit && *exit) {
      finish(**exit);
    } else if (pod_.record().boot_id != services_.boot_id) {
      runtime::shim::ExitStatus lost;
      lost.code = kLostCode;
      lost.at = std::chrono::system_clock::now();
      finish(lost, "Unknown");
    } else if (started && *started) {
      ended();
    } else {
      // Recorded, but its shim was never started: nothing was run, so nothing was run again.
      if (own.has_ended && own.restarts > 0) --own.restarts;
      own.state = ContainerState::kWaiting;
      own.next_start = {};
      pod_.container_ended();
    }
    return;
  }
  const auto shim = shim_of(files.lock());
  const bool known = shim && *shim && ((started && *started) || (exit && *exit));
  if (known) {
    if (auto pidfd = runtime::process::open_pidfd(**shim)) {
      if (started && *started) {
        own.state = ContainerState::kRunning;
        own.process = (*started)->id;
        own.started_at = (*started)->at;
        own.waiting_reason.clear();
        own.message.clear();
        remember_command();
        pod_.container_started();
      }
      watch_shim(std::move(*pidfd));
      wake_shim();  // its watchdog files may be this agent's
      if (own.state == ContainerState::kRunning) watch_process();
      if (own.state == ContainerState::kRunning && own.restart_wanted) go_on_with_restart();
      return;
    }
  }
  if (tries_left == 0) {
    pod_.tell(Severity::kWarning, "ShimStuck", own.name,
              "The shim of an earlier agent neither started nor failed in 30 s; it is killed");
    kill();
    if (shim && *shim) {
      if (const auto pidfd = runtime::process::open_pidfd(**shim)) (void)runtime::process::send_signal(*pidfd, SIGKILL);
    }
    tries_left = kAdoptTries;
  }
  adopt_timer_.expires_after(kAdoptEvery);
  adopt_timer_.async_wait(alive_.guard([this, tries_left] { adopt_attempt(tries_left - 1); }));
}

}  // namespace mete::agent
