// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/kill.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>

#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {
namespace {

constexpr int kFreezeLooks = 200;  // looks at freezer.state while a v1 group freezes
constexpr int kKillRounds = 64;    // rounds over the pids of a v1 group that would not freeze

// True when the file is not there because this kernel is older (or the hierarchy is not mounted), not the group gone.
bool unsupported(const Status& status) {
  return !status && status.error().code == EOPNOTSUPP;
}

// v1 freezes task by task: FREEZING until all have stopped. Bounded: a task in an uninterruptible sleep never does.
bool freeze_v1(const Group& group) {
  if (!group.write("freezer", "freezer.state", "FROZEN")) return false;
  for (int look = 0; look < kFreezeLooks; ++look) {
    const auto state = group.read("freezer", "freezer.state");
    if (!state) return false;
    if (trim(*state) == "FROZEN") return true;
    ::sched_yield();
  }
  return false;
}

// A threaded group has threads of processes that may have others elsewhere: it lists no process, and the kernel refuses
// to kill it as a whole. SIGKILL to one thread ends its process.
bool is_threaded(const std::string& unified) {
  const auto type = internal::read_control(unified, "cgroup.type");
  return type && trim(*type) == "threaded";
}

Status append_threads(const std::string& directory, bool nested, std::vector<pid_t>& threads) {
  METE_TRY(const std::string listed, internal::read_control(directory, "cgroup.threads"));
  for (std::string_view rest = listed; !rest.empty();) {
    if (const auto id = parse_u64(next_line(rest)); id && *id > 0) threads.push_back(static_cast<pid_t>(*id));
  }
  if (!nested) return {};
  METE_TRY(const auto below, internal::children(directory));
  for (const std::string& name : below) {
    auto got = append_threads(directory + "/" + name, true, threads);
    if (!got && !is_gone(got.error())) return got;
  }
  return {};
}

using AppendTasks = Status (*)(const std::string& directory, bool nested, std::vector<pid_t>& tasks);

// Signals every process in `directory` and below. Frozen groups cannot fork, so one round is all of it; else rounds go
// on until one finds no new process.
Status signal_all(const std::string& directory, bool frozen, AppendTasks append = internal::append_processes) {
  std::vector<pid_t> signalled;
  for (int round = 0; round < kKillRounds; ++round) {
    std::vector<pid_t> pids;
    METE_CHECK(append(directory, true, pids));
    bool found_new = false;
    for (const pid_t pid : pids) {
      if (std::find(signalled.begin(), signalled.end(), pid) != signalled.end()) continue;
      found_new = true;
      signalled.push_back(pid);
      // A pid read a moment ago: its process may be gone (ESRCH). It cannot have been reused by another group's within
      // this loop short of the whole pid range having been cycled through.
      if (::kill(pid, SIGKILL) != 0 && errno != ESRCH) return fail_errno("kill " + std::to_string(pid));
    }
    if (!found_new || frozen) return {};
  }
  return fail_errno(directory + ": its processes multiply faster than they can be killed", EAGAIN);
}

// A task that the v1 freezer has stopped gets its signal only after it is thawed. Then what an interrupted attach()
// left in a v1 hierarchy and not in the twin.
Status kill_in_v1(const Group& group) {
  (void)group.write("freezer", "freezer.state", "THAWED");
  const auto& hierarchies = group.hierarchies();
  if (hierarchies.v1.empty()) return {};
  auto strays = signal_all(hierarchies.v1_mounts().front() + group.path(), true);
  return !strays && is_gone(strays.error()) ? Status() : strays;
}

Status check_killable(const Group& group) {
  return group.path() == "/" ? fail("cgroup \"/\": expected a group below the root to kill") : Status();
}

}  // namespace

Status Group::kill_all() const {
  METE_CHECK(check_killable(*this));
  const std::string unified = unified_directory();
  if (!unified.empty()) {
    Status killed = internal::write_control(unified, "cgroup.kill", "1");
    if (!killed && !unsupported(killed)) return killed;
    if (killed) return kill_in_v1(*this);
    if (is_threaded(unified)) {
      METE_CHECK(signal_all(unified, false, append_threads));
      if (hierarchies_->v1.empty() || !internal::is_directory(hierarchies_->v1_mounts().front() + path_)) return {};
    }
  }
  std::string directory = hierarchies_->on_v1("freezer") ? this->directory("freezer") : primary_directory();
  const bool frozen = hierarchies_->on_v1("freezer") && freeze_v1(*this);
  Status killed = signal_all(directory, frozen);
  if (hierarchies_->on_v1("freezer")) {
    const Status thawed = write("freezer", "freezer.state", "THAWED");
    if (killed && !thawed && !is_gone(thawed.error())) return thawed;
  }
  return killed;
}

Status kill_at_once(const Group& group) {
  lift_cpu_quota(group);
  return group.kill_all();
}

// The freezer keeps them from forking on, and lets SIGKILL through.
Status kill_by_signals(const Group& group) {
  METE_CHECK(check_killable(group));
  lift_cpu_quota(group);
  const std::string unified = group.unified_directory();
  if (unified.empty()) return group.kill_all();
  const auto was_asked = group.freeze_asked();
  (void)group.freeze();
  const AppendTasks append = is_threaded(unified) ? append_threads : internal::append_processes;
  Status killed = signal_all(unified, false, append);
  if (was_asked && !*was_asked) (void)group.thaw();
  METE_CHECK(killed);
  return kill_in_v1(group);
}

Status Group::freeze() const {
  const std::string unified = unified_directory();
  if (!unified.empty()) {
    Status done = internal::write_control(unified, "cgroup.freeze", "1");
    if (!unsupported(done)) return done;
  }
  return write("freezer", "freezer.state", "FROZEN");
}

Status Group::thaw() const {
  const std::string unified = unified_directory();
  if (!unified.empty()) {
    Status done = internal::write_control(unified, "cgroup.freeze", "0");
    if (!done && !unsupported(done)) return done;
    // On hybrid someone else may have used the v1 freezer.
    if (done && !hierarchies_->on_v1("freezer")) return done;
  }
  return write("freezer", "freezer.state", "THAWED");
}

Result<bool> Group::frozen() const {
  const std::string unified = unified_directory();
  if (!unified.empty()) {
    METE_TRY(const std::string events, internal::read_control(unified, "cgroup.events"));
    if (value_of(events, "frozen").value_or(0) == 1) return true;
    if (!hierarchies_->on_v1("freezer")) return false;
  }
  METE_TRY(const std::string state, read("freezer", "freezer.state"));
  return trim(state) == "FROZEN";
}

Result<bool> Group::freeze_asked() const {
  const std::string unified = unified_directory();
  if (!unified.empty()) {
    const auto asked = internal::read_control(unified, "cgroup.freeze");
    if (asked && trim(*asked) == "1") return true;
    const bool old = !asked && asked.error().code == EOPNOTSUPP;
    if (!asked && !old) return tl::unexpected<Error>(asked.error());
    if (!hierarchies_->on_v1("freezer")) return false;
  }
  METE_TRY(const std::string state, read("freezer", "freezer.self_freezing"));
  return trim(state) == "1";
}

Result<std::vector<pid_t>> Group::processes(bool nested) const {
  std::vector<pid_t> pids;
  METE_CHECK(internal::append_processes(primary_directory(), nested, pids));
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

Result<bool> Group::populated() const {
  const std::string unified = unified_directory();
  if (!unified.empty()) {
    auto events = internal::read_control(unified, "cgroup.events");
    if (events) return value_of(*events, "populated").value_or(0) == 1;
    if (events.error().code != EOPNOTSUPP) return tl::unexpected<Error>(std::move(events.error()));
  }
  METE_TRY(const auto pids, processes());
  return !pids.empty();
}

}  // namespace mete::runtime::cgroup
