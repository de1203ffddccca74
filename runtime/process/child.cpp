// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/child.h"

#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "runtime/process/child_context.h"

namespace mete::runtime::process {
namespace {

// Where a command without a slash is looked for when the environment has no PATH (as in execvp and runc).
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Host descriptors must not reach the container (CVE-2024-21626). All but stdio and the control socket, which exec closes.
void close_host_descriptors(const ChildContext& child) {
  child.must(::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
}

void set_stdio(const ChildContext& child, const ChildFds& fds) {
  child.must(::dup2(fds.stdin_fd, STDIN_FILENO), "dup2 stdin");
  child.must(::dup2(fds.stdout_fd, STDOUT_FILENO), "dup2 stdout");
  child.must(::dup2(fds.stderr_fd, STDERR_FILENO), "dup2 stderr");
  if (fds.controlling_terminal) child.must(::ioctl(STDIN_FILENO, TIOCSCTTY, 0), "take the terminal");
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// getcwd() that begins with "(unreachable)" means that the directory lies outside the new root (CVE-2024-21626).
void verify_working_directory(const ChildContext& child) {
  char path[PATH_MAX];
  if (::getcwd(path, sizeof path) == nullptr || path[0] != '/') child.die("working directory is outside the container", "", EPERM);
}

// The gate is a FIFO open for reading and writing, so it never reports an end: `start` writes one byte into it.
void wait_at_start_gate(const ChildContext& child, int gate) {
  if (gate < 0) return;
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(gate, &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) child.die("wait at the start gate");
}

const char* path_variable(char* const* env) {
  for (; *env != nullptr; ++env) {
    if (std::strncmp(*env, "PATH=", 5) == 0) return *env + 5;
  }
  return kDefaultPath;
}

// execvpe() without its shell fallback and its allocation: the first permission error outlives later "not found"s.
[[noreturn]] void execute_command(const ChildContext& child, char* const* args, char* const* env) {
  const char* name = args[0];
  if (std::strchr(name, '/') != nullptr) {
    ::execve(name, args, env);
    child.die("execute", name);
  }
  int reason = ENOENT;
  char candidate[PATH_MAX];
  const std::size_t name_length = std::strlen(name);
  for (const char* start = path_variable(env);;) {
    const char* end = std::strchr(start, ':');
    const std::size_t length = end == nullptr ? std::strlen(start) : static_cast<std::size_t>(end - start);
    if (length > 0 && length + name_length + 2 <= sizeof candidate) {
      std::memcpy(candidate, start, length);
      candidate[length] = '/';
      std::memcpy(candidate + length + 1, name, name_length + 1);
      ::execve(candidate, args, env);
      if (errno != ENOENT && errno != ENOTDIR) reason = errno;
    }
    if (end == nullptr) break;
    start = end + 1;
  }
  child.die("execute", name, reason);
}

void run_as_init(const ChildContext& child, const Plan& plan) {
  if (plan.final == Final::pause) {
    // Nothing more can fail: the parent sees the socket close, as at an exec.
    ::prctl(PR_SET_NAME, "mete-pause");
    ::close_range(0, ~0U, 0);
    run_init(0);
  }
  // Blocked before the fork, or the command's end could be missed.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t command = ::fork();
  child.must(command, "fork");
  if (command == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return;
  }
  ::prctl(PR_SET_NAME, "mete-init");
  // Its executable is the host's: nobody in the container may reach it through /proc/1/exe (CVE-2019-5736).
  ::prctl(PR_SET_DUMPABLE, 0);
  ::close_range(0, ~0U, 0);
  run_init(command);
}

}  // namespace

void ChildContext::die(const char* tried, const char* object, int error) const {
  ChildReport report;
  report.error = error != 0 ? error : errno;
  report.operation = operation;
  std::size_t used = 0;
  const auto append = [&](const char* text) {
    while (*text != '\0' && used + 1 < sizeof report.detail) report.detail[used++] = *text++;
  };
  append(tried);
  if (*object != '\0') append(" ");
  append(object);
  // A parent that is gone cannot be told; there is nothing else to do.
  (void)!::send(control_, &report, sizeof report, MSG_NOSIGNAL);
  ::_exit(127);
}

void ChildContext::await(char word) const {
  char got = 0;
  ssize_t count = 0;
  do {
    count = ::recv(control_, &got, 1, 0);
  } while (count < 0 && errno == EINTR);
  if (count != 1 || got != word) die("wait for the launcher", "", EPIPE);
}

void run_child(const Plan& plan, const ChildFds& fds, char* const* args, char* const* env) {
  ChildContext child(fds.control);
  for (const auto& op : plan.ops) {
    std::visit([&](const auto& each) { execute(child, each); }, op);
    ++child.operation;
  }
  child.operation = kReportIdentity;
  ::setsid();  // fails only for a group leader, which a fresh clone is not
  if (plan.final != Final::pause) set_stdio(child, fds);
  reset_signals();
  child.await(kGo);
  close_host_descriptors(child);
  become(child, plan.identity);
  if (plan.final != Final::exec) run_as_init(child, plan);
  verify_working_directory(child);
  child.operation = kReportCommand;
  wait_at_start_gate(child, fds.start_gate);
  execute_command(child, args, env);
}

}  // namespace mete::runtime::process
