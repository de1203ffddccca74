// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {

void run_init(int command) {
  // sigwait also gets the blocked signals of a namespace's pid 1 whose default action would be to ignore them.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  while (true) {
    int signal = 0;
    if (::sigwait(&all, &signal) != 0) continue;
    if (signal == SIGCHLD) {
      int status = 0;
      for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid != command) continue;
        // The shim reads this process's status as the container's.
        ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
      }
    } else if (command > 0) {
      ::kill(command, signal);
    } else if (signal == SIGTERM || signal == SIGINT) {
      ::_exit(0);
    }
  }
}

}  // namespace mete::runtime::process
