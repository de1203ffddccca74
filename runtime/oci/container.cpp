// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/container.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/kill.h"
#include "runtime/file.h"
#include "runtime/oci/hooks.h"
#include "runtime/oci/notify.h"
#include "runtime/oci/systemd.h"

namespace mete::runtime::oci {
namespace {

// Waits for the process's end; its parent reaps it.
void kill_and_wait(const process::ProcessId& id) {
  constexpr int kLongestMilliseconds = 10'000;
  const auto pidfd = process::open_pidfd(id);
  if (!pidfd) return;
  (void)process::send_signal(*pidfd, SIGKILL);
  pollfd wait{pidfd->get(), POLLIN, 0};
  (void)::poll(&wait, 1, kLongestMilliseconds);
}

// The last processes leave their cgroup shortly after they end.
Status remove_group(const State& state) {
  METE_TRY(const auto* found, hierarchies(state.cgroup_mounts));
  METE_TRY(const cgroup::Group group, cgroup::Group::at(*found, state.cgroup));
  constexpr int kTries = 2'000;
  constexpr useconds_t kFirstWait = 100;
  constexpr useconds_t kLongestWait = 10'000;
  useconds_t wait = kFirstWait;
  for (int i = 0;; ++i) {
    auto removed = group.remove();
    if (removed) return {};
    if (!cgroup::is_busy(removed.error()) || i == kTries) return removed;
    if (auto killed = cgroup::kill_at_once(group); !killed && !cgroup::is_gone(killed.error())) return killed;
    (void)group.thaw();
    ::usleep(wait);
    wait = std::min(wait * 2, kLongestWait);
  }
}

Status open_gate(const Place& place) {
  METE_TRY(const UniqueFd gate, open_at(AT_FDCWD, place.gate(), O_WRONLY | O_NONBLOCK));
  const char go = 1;
  if (::write(gate.get(), &go, 1) != 1) return fail_errno("open the start gate of \"" + place.id() + "\"");
  // The exec closes the FIFO's last reader: after this wait no other call sees the container as "created".
  constexpr int kLongestMilliseconds = 10'000;
  pollfd wait{gate.get(), 0, 0};
  (void)::poll(&wait, 1, kLongestMilliseconds);
  return {};
}

}  // namespace

Status start_container(const Place& place, const State& state) {
  const auto with_hooks = [&]() -> Status {
    if (!state.hooks.start_container.empty()) {
      METE_TRY(const std::string plan, read_file(AT_FDCWD, place.plan()));
      METE_CHECK(run_start_hooks(state.hooks.start_container, spec_state(state, "created", state.process.pid), plan,
                                 state.process.pid));
    }
    METE_TRY(const UniqueFd notify, open_notify_socket(place));
    METE_TRY(const UniqueFd pidfd, process::open_pidfd(state.process));
    METE_CHECK(open_gate(place));
    pass_readiness(notify, state.process.pid, pidfd);
    return run_hooks(state.hooks.poststart, "poststart", spec_state(state, "running", state.process.pid),
                     {state.bundle});
  };
  auto started = with_hooks();
  const bool hooked = !state.hooks.start_container.empty() || !state.hooks.poststart.empty();
  if (!started && hooked) {
    (void)remove_container(place, state);
    (void)run_poststop(state);
  }
  return started;
}

std::vector<std::string> run_poststop(const State& state) {
  std::vector<std::string> warnings;
  // A failed hook does not stop the others.
  for (const auto& hook : state.hooks.poststop) {
    if (auto done = run_hooks({hook}, "poststop", spec_state(state, "stopped", 0), {state.bundle}); !done)
      warnings.push_back(done.error().what);
  }
  return warnings;
}

Status remove_container(const Place& place, const std::optional<State>& state) {
  Status first;
  if (state) {
    if (!state->cgroup.empty()) {
      // First: a frozen process does not die, a throttled one dies late.
      const auto found = hierarchies(state->cgroup_mounts);
      const auto group = found ? cgroup::Group::at(**found, state->cgroup) : tl::unexpected<Error>(found.error());
      if (group && state->process.pid != 0) {
        (void)group->thaw();
        cgroup::lift_cpu_quota(*group);
      }
    }
    kill_and_wait(state->process);
    if (!state->cgroup.empty()) first = remove_group(*state);
    if (!state->unit.empty()) (void)stop_unit(state->unit);  // usually it has ended with its last process
  }
  // The record is removed last: as long as parts are left, it tells what they are.
  METE_CHECK(std::move(first));
  return place.remove();
}

Result<const cgroup::Hierarchies*> hierarchies(const std::string& known) {
  static const Result<cgroup::Hierarchies> found = [&known]() -> Result<cgroup::Hierarchies> {
    if (auto same = cgroup::known_hierarchies(known)) return std::move(*same);
    return cgroup::find_hierarchies();
  }();
  if (!found) return tl::unexpected<Error>(found.error());
  return &*found;
}

Result<std::string> read_document(const std::string& path) {
  constexpr off_t kLargest = 16 << 20;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (S_ISDIR(info.st_mode)) return fail(path + ": found a directory, expected a file");
  if (info.st_size > kLargest)
    return fail(path + ": found " + std::to_string(info.st_size) + " bytes, expected at most 16 MiB");
  return read_file(AT_FDCWD, path);
}

}  // namespace mete::runtime::oci
