// SPDX-License-Identifier: Apache-2.0
// One cgroup in all hierarchies of the machine, behind one interface for v1, v2 and hybrid.
//
// On hybrid every group has a twin directory in the cgroup2 hierarchy, for pressure, cgroup.kill, cgroup.freeze and
// cgroup.events, besides its directories in the v1 hierarchies.
//
// A Group is a path and a pointer: it holds no file open, and thousands cost nothing. Any call may find the cgroup gone
// (ENOENT and ENODEV of the kernel): the error is then one for which is_gone() is true, and no other error is.
// A control file that this kernel lacks in a group that exists is an EOPNOTSUPP error. No function waits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/limits/limits.h"
#include "runtime/fd.h"

namespace mete::runtime::cgroup {

inline constexpr int kGone = ENODEV;
inline constexpr int kBusy = EBUSY;

[[nodiscard]] inline bool is_gone(const Error& error) {
  return error.code == kGone;
}
// remove(): processes or a mount are still inside, try again when they have ended. apply(): a memory limit is below
// what is used and could not be reclaimed.
[[nodiscard]] inline bool is_busy(const Error& error) {
  return error.code == kBusy;
}

class UndoLog;

struct Drift {
  std::string file;      // "memory.limit_in_bytes"
  std::string expected;  // as it would be read
  std::string found;
};

class Group {
 public:
  // `path` is absolute within each hierarchy: "/mete/default_web/main". Touches nothing. Fails on a relative path, on
  // "." and ".." and on empty components. `hierarchies` must outlive the group.
  [[nodiscard]] static Result<Group> at(const Hierarchies& hierarchies, std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const Hierarchies& hierarchies() const { return *hierarchies_; }
  [[nodiscard]] Result<Group> child(const std::string& name) const;

  // The directory in which this controller's files are; empty when the machine does not have it. Of no controller (""):
  // the unified_directory(), where cgroup.freeze is.
  [[nodiscard]] std::string directory(std::string_view controller) const;
  // The directory in cgroup2: the group itself on v2, its twin on hybrid, empty on v1.
  [[nodiscard]] std::string unified_directory() const;

  // mkdir in every hierarchy, missing ancestors too. On v1 empty cpuset.cpus and cpuset.mems are filled from the parent
  // (a task cannot join before); on v2 the controllers that are there are enabled in the ancestors' subtree_control,
  // from the root down. Idempotent. On failure what this call made is removed again.
  [[nodiscard]] Status create() const;
  // The part of create() that is in cgroup2: a process that is cloned into the group needs no more.
  [[nodiscard]] Status create_unified() const;
  [[nodiscard]] bool exists() const;  // in the primary hierarchy (see id)
  // rmdir in all hierarchies, with the child groups made inside by the container, depth first. A missing group is fine.
  // is_busy: something is still in it; call again later.
  [[nodiscard]] Status remove() const;
  // The inode of its directory in the primary hierarchy (cgroup2 when mounted, else memory, else the first): a group
  // made again under the same path has another one.
  [[nodiscard]] Result<std::uint64_t> id() const;
  // The same; for a group that is not in the primary hierarchy, the inode in the first hierarchy that has it. The two
  // never have the same number.
  [[nodiscard]] Result<std::uint64_t> id_anywhere() const;

  // Every cgroup.procs a process must be written to, in this order; v1 first, the twin last.
  [[nodiscard]] std::vector<std::string> procs_files() const;
  // Writes the process (with all its threads) to all procs_files. On failure it may be in some of them.
  [[nodiscard]] Status attach(pid_t pid) const;

  // Writes what is asked, in order (plan_writes), and returns what was written. All or nothing: when a write fails, the
  // files that were written have again what they had. On v2 a memory.max below memory.current is first reclaimed for,
  // then refused with is_busy: the kernel would kill.
  [[nodiscard]] Result<std::vector<ControlWrite>> apply(const Limits& limits) const;
  // The same, as a part of more that is undone together: after a failure the caller calls log.undo().
  [[nodiscard]] Status apply(const Limits& limits, UndoLog& log) const;
  // apply() for a group that the caller has just made: reads nothing, and undoes nothing after a failure.
  [[nodiscard]] Result<std::vector<ControlWrite>> set_up(const Limits& limits) const;
  // apply() for each of parts_of(limits) by itself. All parts are tried; the error is the first one.
  [[nodiscard]] Status apply_each(const Limits& limits) const;
  // The group's present values on which the writes of `limits` depend.
  [[nodiscard]] Present present(const Limits& limits) const;
  // The writes that apply(limits) would make now.
  [[nodiscard]] Result<std::vector<ControlWrite>> planned(const Limits& limits) const;
  // The files whose content is not what apply(limits) wrote.
  [[nodiscard]] Result<std::vector<Drift>> verify(const Limits& limits) const;

  // SIGKILL to all, nested groups included, such that a fork storm cannot outrun it: cgroup.kill on v2 and hybrid, on
  // v1 freeze, signal, thaw (a frozen v1 group would not die). Returns when all are signalled; they end later: see
  // populated() and cgroup.events.
  [[nodiscard]] Status kill_all() const;
  // v2 and hybrid cgroup.freeze, v1 freezer.state. Requests the freeze; frozen() tells when it is complete.
  [[nodiscard]] Status freeze() const;
  [[nodiscard]] Status thaw() const;
  [[nodiscard]] Result<bool> frozen() const;
  // True when freezing was requested, whether complete or not. A task that waits for a disk or for memory stops late.
  [[nodiscard]] Result<bool> freeze_asked() const;
  // Pids of this group, with `nested` also those of the groups below it. A process of another pid namespace is left
  // out.
  [[nodiscard]] Result<std::vector<pid_t>> processes(bool nested = true) const;
  [[nodiscard]] Result<bool> populated() const;  // nested groups included

  // v1: an eventfd that becomes readable when the group runs out of memory (before the victim is dead) and when the
  // group is removed. Count kills by oom_kill_count, never by wake-ups. EOPNOTSUPP where memory is on v2.
  [[nodiscard]] Result<UniqueFd> oom_eventfd() const;
  // v1: an eventfd for usage crossing `threshold` in either direction (memory.usage_in_bytes).
  [[nodiscard]] Result<UniqueFd> usage_eventfd(Bytes threshold) const;
  // v1: an eventfd for memory.pressure_level; `level` is "low", "medium" or "critical". It may fire thousands of times:
  // the caller must limit how often it reacts.
  [[nodiscard]] Result<UniqueFd> pressure_eventfd(std::string_view level) const;
  // True when a process of the group is blocked for memory (v1, memory.oom_control under_oom). False on v2.
  [[nodiscard]] Result<bool> under_oom() const;
  // v2: memory.events, for inotify (IN_MODIFY) or poll (POLLPRI); empty where memory is on v1.
  [[nodiscard]] std::string memory_events_file() const;
  // OOM kills since it was made, in it and in the groups below it, each once (oom_kills.h): a kill of a whole group is
  // one. On v1 those in a group below that is gone are lost.
  [[nodiscard]] Result<std::uint64_t> oom_kill_count() const;

  // Whole text of a control file. Errors as in the head of this file.
  [[nodiscard]] Result<std::string> read(std::string_view controller, const std::string& file) const;
  [[nodiscard]] Status write(std::string_view controller, const std::string& file, std::string_view text) const;

 private:
  Group(const Hierarchies* hierarchies, std::string path) : hierarchies_(hierarchies), path_(std::move(path)) {}
  [[nodiscard]] std::string primary_directory() const;
  [[nodiscard]] std::vector<std::string> directories() const;  // procs_files without the file name

  const Hierarchies* hierarchies_;
  std::string path_;
};

}  // namespace mete::runtime::cgroup
