// SPDX-License-Identifier: Apache-2.0
// Changes of the launcher's own state for the time of a clone. Internal to runtime/process.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>

#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/file.h"
#include "runtime/process/namespace_files.h"

namespace mete::runtime::process {

// Joins a PID namespace for the next clone; the destructor restores the caller's.
class PidNamespaceVisit {
 public:
  // That of the process with the pidfd `process`, else the one at `path`.
  Status enter(int process, const std::string& path) {
    METE_TRY(own_, open_at(AT_FDCWD, "/proc/self/ns/pid", O_RDONLY));
    if (process >= 0 && ::setns(process, CLONE_NEWPID) == 0) return {};
    KindSet joined = 0;
    const JoinFailure failure = join_namespaces({{NamespaceKind::pid, path}}, false, joined);
    return failure.tried == nullptr ? Status() : fail_errno(std::string(failure.tried) + " " + path, failure.error);
  }
  PidNamespaceVisit() = default;
  PidNamespaceVisit(const PidNamespaceVisit&) = delete;
  PidNamespaceVisit& operator=(const PidNamespaceVisit&) = delete;
  ~PidNamespaceVisit() {
    if (own_.valid()) (void)!::setns(own_.get(), CLONE_NEWPID);
  }

 private:
  UniqueFd own_;
};

// A process that enters another PID namespace is visible in its /proc from the clone on. Until the process has executed
// its command, processes without CAP_SYS_PTRACE must not look into it (ptrace(2), "Ptrace access mode checking"). The
// child inherits the flag.
class Undumpable {
 public:
  explicit Undumpable(bool wanted) : before_(wanted ? ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) : 0) {
    if (before_ == 1) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  Undumpable(const Undumpable&) = delete;
  Undumpable& operator=(const Undumpable&) = delete;
  ~Undumpable() {
    if (before_ == 1) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  }

 private:
  int before_;
};

}  // namespace mete::runtime::process
