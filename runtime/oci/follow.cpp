// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/oci/commands.h"
#include "runtime/process/launch/own_image.h"
#include "runtime/process/terminal.h"

namespace mete::runtime::oci {
namespace {

sigset_t passed_on() {
  sigset_t set;
  ::sigfillset(&set);
  // Signals that stay with this process: faults and job control.
  for (const int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGPIPE})
    ::sigdelset(&set, own);
  return set;
}

}  // namespace

void hold_signals() {
  const sigset_t set = passed_on();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void give_back_image(const UniqueFd& pidfd) {
  struct pollfd ended = {.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, 0) > 0) return;
  process::release_own_image();
  process::drop_code_pages();
}

int follow_terminal(int pid, const UniqueFd& pidfd, const UniqueFd& terminal) {
  process::relay(terminal, pidfd, passed_on());
  return follow(pid, pidfd.get());
}

int follow(int pid, int pidfd) {
  const sigset_t set = passed_on();
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (ended < 0 && errno != EINTR) return 1;
    const int signal = ::sigwaitinfo(&set, nullptr);
    if (signal > 0 && signal != SIGCHLD) (void)::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
  }
}

}  // namespace mete::runtime::oci
