// SPDX-License-Identifier: Apache-2.0
#include "enforcers/signal_process.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "runtime/fd.h"

namespace mete::enforcers {

Status signal_process(const runtime::process::ProcessId& process, int number) {
  METE_TRY(const runtime::UniqueFd pidfd, runtime::process::open_pidfd(process));
  return runtime::process::send_signal(pidfd, number);
}

// The pid was read a moment ago: it is asked once more whether it is in the group.
Status kill_process(pid_t pid, const runtime::cgroup::Group& group) {
  const runtime::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return errno == ESRCH ? Status() : fail_errno("pidfd of " + std::to_string(pid));
  METE_TRY(const auto pids, group.processes());
  if (std::find(pids.begin(), pids.end(), pid) == pids.end()) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
    return fail_errno("kill " + std::to_string(pid));
  return {};
}

}  // namespace mete::enforcers
