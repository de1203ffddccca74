// SPDX-License-Identifier: Apache-2.0
// `mete-shim exec`: runs a command in a running container with a timeout. Exits with the command's exit code, or 124
// after the timeout.
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "runtime/file.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/plan/enter.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/process_id.h"
#include "runtime/shim/attempt_files.h"
#include "runtime/shim/shim.h"

namespace mete::runtime::shim {
namespace {

constexpr int kTimedOut = 124;  // as timeout(1) has it
constexpr int kNotRun = 125;

Result<process::Launched> start(const ExecOptions& options) {
  METE_TRY(const std::string bytes, read_file(AT_FDCWD, AttemptFiles(options.directory).plan()));
  METE_TRY(const process::Plan container, process::decode_plan(bytes));
  // Checked before and after the namespaces are read: the pid may have been reused by a process of the host.
  METE_TRY(const UniqueFd before, process::open_pidfd(options.process));
  METE_TRY(const process::Plan plan,
           process::make_enter_plan(container, {options.process.pid, options.command, {}, {}}));
  METE_TRY(const UniqueFd after, process::open_pidfd(options.process));
  METE_TRY(const UniqueFd null, open_at(AT_FDCWD, "/dev/null", O_RDWR));
  const int output = options.output_fd >= 0 ? options.output_fd : null.get();
  return process::launch(plan, {null.get(), output, output, -1});
}

}  // namespace

int run_exec(const ExecOptions& options) {
  // Containers do not inherit the agent's own priority.
  (void)::setpriority(PRIO_PROCESS, 0, 0);
  const auto launched = start(options);
  if (!launched) return launched.error().code == ENOENT ? 127 : launched.error().code == EACCES ? 126 : kNotRun;
  const auto end = std::chrono::steady_clock::now() + options.timeout;
  bool late = false;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd wait{launched->pidfd.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::clamp<long>(left + 1, 0, 86'400'000)));
    if (ready > 0) break;
    if (ready < 0 && errno == EINTR) continue;
    late = true;
    // The command has a session of its own: its children are killed with it.
    ::kill(-launched->pid, SIGKILL);
    (void)process::send_signal(launched->pidfd, SIGKILL);
    break;
  }
  int status = 0;
  while (::waitpid(launched->pid, &status, 0) < 0 && errno == EINTR) {
  }
  return late ? kTimedOut : exit_status_of(status).code;
}

}  // namespace mete::runtime::shim
