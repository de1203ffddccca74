// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/child/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "runtime/descriptor_passing.h"
#include "runtime/process/child/child_context.h"

namespace mete::runtime::process {
namespace {

// Search path for a command without a slash when the environment has no PATH (as in execvp and runc).
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The container must not see host descriptors (CVE-2024-21626, CVE-2016-9962). In a PID namespace with other processes,
// one of them could look through /proc/PID/fd as soon as the clone is made.
void close_foreign_descriptors(const ChildContext& child, const ChildFds& fds) {
  auto next = 3U + static_cast<unsigned>(fds.preserved);
  for (const int fd : fds.kept) {
    const auto number = static_cast<unsigned>(fd);
    if (number > next) child.must(::close_range(next, number - 1, 0), "close_range");
    next = std::max(next, number + 1);
  }
  child.must(::close_range(next, ~0U, 0), "close_range");
}

// The exec closes all descriptors but stdio and the preserved ones. A child that waits at the start gate may wait for
// long, so it closes them now and holds no host file open.
void close_host_descriptors(const ChildContext& child, const ChildFds& fds) {
  const auto first = 3U + static_cast<unsigned>(fds.preserved);
  child.must(::close_range(first, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
  if (fds.start_gate < 0) return;
  int kept[] = {child.control(), fds.start_gate, child.profile};
  std::sort(std::begin(kept), std::end(kept));
  ChildFds waiting = fds;
  // Without a profile the first entry is -1; it is skipped.
  waiting.kept = std::span<const int>(kept).subspan(kept[0] < 0 ? 1 : 0);
  close_foreign_descriptors(child, waiting);
}

// Root made the pipes and terminals, so a command with another user could not open them again as /dev/stdout. Files
// whose owner must not change (a device of the host, a file of a read-only file system, a socket) are left alone.
void give_stdio(std::uint32_t uid) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct stat info {};
    if (::fstat(fd, &info) != 0 || info.st_uid == uid || (S_ISCHR(info.st_mode) && ::isatty(fd) == 0)) continue;
    (void)!::fchown(fd, uid, static_cast<gid_t>(-1));
  }
}

void set_stdio(const ChildContext& child, const ChildFds& fds) {
  const bool own = child.terminal >= 0;
  child.must(::dup2(own ? child.terminal : fds.stdin_fd, STDIN_FILENO), "dup2 stdin");
  child.must(::dup2(own ? child.terminal : fds.stdout_fd, STDOUT_FILENO), "dup2 stdout");
  child.must(::dup2(own ? child.terminal : fds.stderr_fd, STDERR_FILENO), "dup2 stderr");
  if (own) child.must(::ioctl(STDIN_FILENO, TIOCSCTTY, 0), "take the terminal");
}

// The caller's CPU affinity is not the container's, which runs on all CPUs of its cgroup. (Since Linux 6.2 a task
// that enters a cpuset keeps what was set for it before.) The kernel leaves out what the cpuset does not have.
void use_all_cpus() {
  unsigned char all[8192 / CHAR_BIT];
  std::memset(all, 0xff, sizeof all);
  (void)::syscall(SYS_sched_setaffinity, 0, sizeof all, all);
}

void adjust_own_score(const SharedChild& shared) {
  if (shared.oom_score_adj == nullptr) return;
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  const auto length = static_cast<ssize_t>(std::strlen(shared.oom_score_adj));
  shared.report->refused_adjustment = ::write(file, shared.oom_score_adj, static_cast<std::size_t>(length)) != length;
  ::close(file);
}

void reset_signals() {
  // Raw system calls by number: libc's own signals (32, 33) may be ignored too, and libc's functions refuse them.
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    std::uint64_t mask;
  } const standard{};
  for (int signal = 1; signal < NSIG; ++signal)
    ::syscall(SYS_rt_sigaction, signal, &standard, nullptr, sizeof standard.mask);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// A getcwd() that begins with "(unreachable)" means that the directory lies outside the new root (CVE-2024-21626).
void verify_working_directory(const ChildContext& child) {
  char path[PATH_MAX];
  if (::getcwd(path, sizeof path) == nullptr || path[0] != '/')
    child.die("working directory is outside the container", "", EPERM);
}

// The gate is a FIFO open for reading and writing, so the read never sees its end: `start` writes one byte into it.
void wait_at_start_gate(const ChildContext& child, int gate) {
  child.tell(kAtGate);
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

// execvpe()'s search without its shell fallback and its allocation. Calls `attempt` with each path that the command may
// have, until it returns true. Otherwise returns the errno to report: a permission error outlives later "not found"s.
template <class Attempt>
int for_each_path(const char* name, char* const* env, Attempt attempt) {
  if (std::strchr(name, '/') != nullptr) return attempt(name) ? 0 : errno;
  int reason = ENOENT;
  char candidate[PATH_MAX];
  const std::size_t name_length = std::strlen(name);
  for (const char* start = path_variable(env);;) {
    const char* end = std::strchr(start, ':');
    const std::size_t length = end == nullptr ? std::strlen(start) : static_cast<std::size_t>(end - start);
    if (length > 0 && length + name_length + 2 <= sizeof candidate) {
      std::memcpy(candidate, start, length);
      candidate[length] = '/';
      std::memcpy(candidate + length + 1, name, name_length);
      candidate[length + 1 + name_length] = '\0';
      if (attempt(candidate)) return 0;
      if (errno != ENOENT && errno != ENOTDIR) reason = errno;
    }
    if (end == nullptr) return reason;
    start = end + 1;
  }
}

// Runs before the gate, so that `create` and not `start` reports a missing command, as in all runtimes.
void check_command(const ChildContext& child, const char* name, char* const* env) {
  const int reason = for_each_path(name, env, [](const char* path) {
    struct stat info {};
    if (::stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
      errno = EACCES;
      return false;
    }
    return ::access(path, X_OK) == 0;
  });
  // Any other error may be a seccomp filter's answer to the check itself; the exec will report the real one.
  if (reason == ENOENT || reason == ENOTDIR || reason == EACCES) child.die("execute", name, reason);
}

[[noreturn]] void execute_command(const ChildContext& child, const char* file, char* const* args, char* const* env) {
  const int reason = for_each_path(file, env, [&](const char* path) {
    ::execve(path, args, env);
    return false;
  });
  child.die("execute", file, reason);
}

void run_as_init(const ChildContext& child, const Plan& plan) {
  if (plan.final == Final::pause) {
    // No step can fail any more: the socket closes and the parent takes this for a successful exec.
    ::prctl(PR_SET_NAME, "mete-pause");
    ::close_range(0, ~0U, 0);
    run_init(0);
  }
  // Blocked before the fork; otherwise the command's end could be missed.
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
  // The init's executable is a host file: no process of the container may reach it through /proc/1/exe (CVE-2019-5736).
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
  if (shared != nullptr) {
    shared->report->report = report;
    shared->report->failed = true;
    ::_exit(127);
  }
  // When the parent is gone, there is no one to report to and nothing else to do.
  (void)!::send(control_, &report, sizeof report, MSG_NOSIGNAL);
  ::_exit(127);
}

void ChildContext::tell(char word, int fd) const {
  // Not send(): a seccomp filter may be loaded by now, and every filter allows write(). If the parent is gone, SIGPIPE
  // ends the child.
  if (fd < 0) {
    must(::write(control_, &word, 1), "send to the launcher");
    return;
  }
  must(send_with_descriptor(control_, &word, 1, fd), "send a descriptor to the launcher");
}

void ChildContext::send_descriptor_number(char word, int fd) const {
  ChildNumber message;
  message.word = word;
  message.number = fd;
  must(::write(control_, &message, sizeof message), "send to the launcher");
}

void ChildContext::await(char word) const {
  char got = 0;
  ssize_t count = 0;
  do {
    count = ::read(control_, &got, 1);
  } while (count < 0 && errno == EINTR);
  if (count != 1 || got != word) die("wait for the launcher", "", EPIPE);
}

void run_child(const Plan& plan, const ChildFds& fds, char* const* args, char* const* env) {
  ChildContext child(fds.control);
  child.trees = fds.trees;
  child.joined = fds.joined;
  child.process = fds.process;
  child.shared = fds.shared;
  close_foreign_descriptors(child, fds);
  use_all_cpus();
  if (fds.shared != nullptr) adjust_own_score(*fds.shared);
  for (const auto& op : plan.ops) {
    std::visit([&](const auto& each) { execute(child, each); }, op);
    ++child.operation;
  }
  // Before the seccomp filter is loaded: it may forbid the call. No later step changes the directory.
  if (plan.final != Final::pause) verify_working_directory(child);
  child.operation = kReportIdentity;
  ::setsid();  // fails only for a group leader; a fresh clone is none
  if (plan.final != Final::pause) {
    set_stdio(child, fds);
    give_stdio(plan.identity.uid);
  }
  reset_signals();
  if (fds.shared == nullptr) child.await(kGo);
  close_host_descriptors(child, fds);
  become(child, plan.identity);
  if (plan.final != Final::exec) run_as_init(child, plan);
  child.operation = kReportCommand;
  const char* const file = plan.file.empty() ? args[0] : plan.file.c_str();
  if (fds.start_gate >= 0) {
    check_command(child, file, env);
    wait_at_start_gate(child, fds.start_gate);
  }
  if (fds.shared != nullptr) fds.shared->report->reached_exec = true;
  execute_command(child, file, args, env);
}

}  // namespace mete::runtime::process
