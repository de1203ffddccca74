// SPDX-License-Identifier: Apache-2.0
// Continues an attempt that an earlier agent recorded: lock held, `started` and `exit` tell which of five situations it
// is in.
#include <csignal>

#include "agent/base/spawn.h"
#include "agent/pods/container/attempt.h"
#include "agent/pods/pod.h"
#include "runtime/process/signals.h"

namespace mete::agent {
namespace {

constexpr auto kAdoptEvery = std::chrono::milliseconds(10);
constexpr int kAdoptTries = 3000;  // 30 s
constexpr int kLostCode = 255;     // as the kubelet reports an end that nobody saw

}  // namespace

void Attempt::adopt_image() {
  if (const auto image = services_.images.find(slot_.spec()->image)) {
    image_name_ = image->name;
    take_stop_signal(*image);
  }
}

void Attempt::adopt() {
  adopt(kAdoptTries);
}

void Attempt::adopt(int tries_left) {
  {
    const auto lock = slot_.files().try_lock();
    if (!lock || lock->valid()) return adopt_end();
  }
  if (adopt_shim()) return;
  if (tries_left == 0) {
    slot_.warn(Reason::kShimStuck, "The shim of an earlier agent neither started nor failed in 30 s; it is killed");
    cgroup_.kill();
    if (const auto shim = shim_of(slot_.files().lock()); shim && *shim) {
      if (const auto pidfd = runtime::process::open_pidfd(**shim)) (void)runtime::process::send_signal(*pidfd, SIGKILL);
    }
    tries_left = kAdoptTries;
  }
  adopt_timer_.expires_after(kAdoptEvery);
  adopt_timer_.async_wait(alive_.guard([this, tries_left] { adopt(tries_left - 1); }));
}

void Attempt::adopt_end() {
  auto& own = slot_.record();
  const auto exit = slot_.files().exit();
  const auto started = slot_.files().started();
  if (started && *started) own.started_at = (*started)->at;
  if (exit && *exit) return finish(**exit);
  if (slot_.pod().record().boot_id != services_.boot_id) {
    runtime::shim::ExitStatus lost;
    lost.code = kLostCode;
    lost.at = std::chrono::system_clock::now();
    return finish(lost, "Unknown");
  }
  if (started && *started) return ended();
  // Recorded, but its shim was never started: nothing was run, so nothing was run again.
  if (own.has_ended && own.restarts > 0) --own.restarts;
  own.state = ContainerState::kWaiting;
  own.next_start = {};
  slot_.pod().container_ended();
}

bool Attempt::adopt_shim() {
  const auto files = slot_.files();
  const auto exit = files.exit();
  const auto started = files.started();
  const auto shim = shim_of(files.lock());
  const bool known = shim && *shim && ((started && *started) || (exit && *exit));
  if (!known) return false;
  auto pidfd = runtime::process::open_pidfd(**shim);
  if (!pidfd) return false;
  const bool news = slot_.record().state != ContainerState::kRunning;
  if (started && *started) running(**started);
  watch_shim(std::move(*pidfd));
  wake_shim();  // its watchdog files may be this agent's
  const auto& own = slot_.record();
  if (own.state == ContainerState::kRunning) watch_process();
  if (own.state != ContainerState::kRunning) return true;
  if (own.restart_wanted || own.end_within) {
    end_within(own.end_within.value_or(slot_.pod().record().grace));
  } else {
    probes_.running();
  }
  if (news) slot_.save(runtime::Durability::volatile_);
  slot_.pod().container_started();
  return true;
}

}  // namespace mete::agent
