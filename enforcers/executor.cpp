// SPDX-License-Identifier: Apache-2.0
#include "enforcers/executor.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "runtime/fd.h"

namespace mete::enforcers {
namespace {

class KernelExecutor : public Executor {
 public:
  [[nodiscard]] bool dry_run() const override { return false; }

  Status signal(const runtime::process::ProcessId& process, int number) override {
    METE_TRY(const runtime::UniqueFd pidfd, runtime::process::open_pidfd(process));
    return runtime::process::send_signal(pidfd, number);
  }

  // The pid was read a moment ago and may have been reused. A pidfd cannot change its process, so membership in the
  // group is checked again after the pidfd was opened.
  Status kill_process(pid_t pid, const Group& group) override {
    const runtime::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) return errno == ESRCH ? Status() : fail_errno("pidfd of " + std::to_string(pid));
    METE_TRY(const auto pids, group.processes());
    if (std::find(pids.begin(), pids.end(), pid) == pids.end()) return {};
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
      return fail_errno("kill " + std::to_string(pid));
    return {};
  }

  Status kill_all(const Group& group) override { return group.kill_all(); }
  Status freeze(const Group& group) override { return group.freeze(); }
  Status thaw(const Group& group) override { return group.thaw(); }
};

class DryRunExecutor : public Executor {
 public:
  [[nodiscard]] bool dry_run() const override { return true; }
  Status signal(const runtime::process::ProcessId& /*process*/, int /*number*/) override { return {}; }
  Status kill_process(pid_t /*pid*/, const Group& /*group*/) override { return {}; }
  Status kill_all(const Group& /*group*/) override { return {}; }
  Status freeze(const Group& /*group*/) override { return {}; }
  Status thaw(const Group& /*group*/) override { return {}; }
};

}  // namespace

Executor& kernel_executor() {
  static KernelExecutor executor;
  return executor;
}

Executor& dry_run_executor() {
  static DryRunExecutor executor;
  return executor;
}

}  // namespace mete::enforcers
