// SPDX-License-Identifier: Apache-2.0
// kill, pause, resume, update.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>

#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/kill.h"
#include "runtime/file.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/container.h"
#include "runtime/oci/control_lines.h"
#include "runtime/oci/systemd.h"
#include "runtime/oci/update_flags.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/signals.h"

namespace mete::runtime::oci {
namespace {

struct Found {
  Place place;
  State state;
  Life life;
};

Result<Found> find(const Options& options) {
  Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  METE_TRY(State state, place.load());
  const auto machine = hierarchies(state.cgroup_mounts);
  const Life life = life_of(place, state, machine ? *machine : nullptr);
  return Found{std::move(place), std::move(state), life};
}

Result<cgroup::Group> group_of(const Found& found, const char* for_what) {
  if (found.state.cgroup.empty()) {
    return fail("container \"" + found.place.id() + "\": found no cgroup of its own, expected one for " + for_what);
  }
  METE_TRY(const auto* machine, hierarchies(found.state.cgroup_mounts));
  return cgroup::Group::at(*machine, found.state.cgroup);
}

Status signal_all(const Found& found, int signal) {
  METE_TRY(const cgroup::Group group, group_of(found, "kill --all"));
  if (signal == SIGKILL) {
    auto killed = cgroup::kill_at_once(group);
    return !killed && cgroup::is_gone(killed.error()) ? Status() : killed;
  }
  const auto pids = group.processes();
  if (!pids) return cgroup::is_gone(pids.error()) ? Status() : tl::unexpected<Error>(pids.error());
  for (const pid_t pid : *pids) {
    const auto id = process::identify(pid);
    const auto pidfd = id ? process::open_pidfd(*id) : tl::unexpected<Error>(id.error());
    if (pidfd) (void)process::send_signal(*pidfd, signal);
  }
  return {};
}

// Throttled processes would die only when their next period begins.
void let_die_at_once(const Found& found) {
  const auto group = group_of(found, "kill");
  if (group) cgroup::lift_cpu_quota(*group);
}

bool has_own_pids(const Place& place) {
  const auto bytes = read_file(AT_FDCWD, place.plan());
  const auto plan = bytes ? process::decode_plan(*bytes) : tl::unexpected<Error>(bytes.error());
  return !plan || (plan->clone_flags & CLONE_NEWPID) != 0;
}

// Freezing and thawing take effect task by task after the request; this waits until they are complete.
Status freeze(const Found& found, bool wanted) {
  METE_TRY(const cgroup::Group group, group_of(found, wanted ? "pause" : "resume"));
  METE_CHECK(wanted ? group.freeze() : group.thaw());
  constexpr int kTries = 1'000;
  constexpr useconds_t kWait = 5'000;
  for (int i = 0; i < kTries; ++i) {
    METE_TRY(const bool frozen, group.frozen());
    if (frozen == wanted) return {};
    ::usleep(kWait);
  }
  if (wanted) (void)group.thaw();
  return fail("container \"" + found.place.id() + "\": found tasks that do not freeze within 5 s; thawed again");
}

Result<std::string> asked_of(const Options& options) {
  if (options.resources.empty()) return resources_of_flags(options);
  return options.resources == "-" ? read_all(STDIN_FILENO, "standard input") : read_document(options.resources);
}

}  // namespace

Result<int> kill(const Options& options) {
  const std::string name = options.words.size() > 1 ? options.words[1] : "TERM";
  // 0 sends nothing: it asks whether the process is there (kill(2)).
  const auto signal = name == "0" ? std::optional(0) : process::signal_number(name);
  if (!signal) return fail("signal: found \"" + name + "\", expected a number or a name such as TERM");
  METE_TRY(const Found found, find(options));
  if (*signal == SIGKILL) let_die_at_once(found);
  if (options.all) {
    METE_CHECK(signal_all(found, *signal));
    return 0;
  }
  // Without a PID namespace of the container's own the end of its first process ends no other.
  if (*signal == SIGKILL && !found.state.cgroup.empty() && !has_own_pids(found.place)) {
    METE_TRY(const cgroup::Group group, group_of(found, "kill"));
    if (const auto populated = group.populated(); populated && *populated) {
      METE_CHECK(signal_all(found, SIGKILL));
      return 0;
    }
  }
  // Clients search for "container not running".
  const auto not_running = [&] {
    return fail("container not running: found \"" + found.place.id() + "\" " + to_string(found.life));
  };
  if (found.life == Life::stopped || found.life == Life::creating) return not_running();
  const auto pidfd = process::open_pidfd(found.state.process);
  if (!pidfd) return not_running();
  METE_CHECK(process::send_signal(*pidfd, *signal));
  // A frozen process would receive SIGKILL only after it is thawed.
  if (found.life == Life::paused && *signal == SIGKILL) METE_CHECK(freeze(found, false));
  return 0;
}

Result<int> pause(const Options& options) {
  METE_TRY(const Found found, find(options));
  if (found.life != Life::running && found.life != Life::created) {
    return fail("container \"" + found.place.id() + "\": found it " + to_string(found.life) + ", expected it running");
  }
  METE_CHECK(freeze(found, true));
  return 0;
}

Result<int> resume(const Options& options) {
  METE_TRY(const Found found, find(options));
  if (found.life != Life::paused) {
    return fail("container \"" + found.place.id() + "\": found it " + to_string(found.life) + ", expected it paused");
  }
  METE_CHECK(freeze(found, false));
  return 0;
}

Result<int> update(const Options& options) {
  METE_TRY(const Found found, find(options));
  if (found.life == Life::stopped) return fail("container not running: found \"" + found.place.id() + "\" stopped");
  METE_TRY(const std::string text, asked_of(options));
  METE_TRY(const Resources resources, read_resources(text));
  METE_TRY(const cgroup::Group group, group_of(found, "update"));
  METE_TRY(const cgroup::Limits limits, change_resources(group, resources));
  if (found.state.unit.empty()) return 0;
  // systemd is told what the kernel has taken. It writes the files itself, and rounds: then they are written again.
  if (auto told = change_unit(found.state.unit, limits, cgroup::units_take_memory_max(group.hierarchies())); !told)
    return tl::unexpected<Error>(std::move(told.error()));
  METE_TRY(const cgroup::Limits again, change_resources(group, resources));
  (void)again;
  return 0;
}

}  // namespace mete::runtime::oci
