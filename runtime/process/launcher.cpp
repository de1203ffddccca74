// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launcher.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "runtime/file.h"
#include "runtime/process/cgroup_entry.h"
#include "runtime/process/child.h"
#include "runtime/process/plan.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::process {
namespace {

constexpr int kCloneNewTime = 0x80;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// Joining a PID namespace takes effect at the next clone; what we had is put back when this goes out of scope.
class PidNamespaceVisit {
 public:
  Status enter(const std::string& path) {
    METE_TRY(own_, open_at(AT_FDCWD, "/proc/self/ns/pid", O_RDONLY));
    METE_TRY(UniqueFd other, open_at(AT_FDCWD, path, O_RDONLY));
    if (::setns(other.get(), CLONE_NEWPID) != 0) return fail_errno("join PID namespace " + path);
    return {};
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

Status make_time_namespace(const Plan& plan) {
  if (::unshare(kCloneNewTime) != 0) return fail_errno("make time namespace");
  if (plan.time_offsets.empty()) return {};
  return write_control(AT_FDCWD, "/proc/self/timens_offsets", plan.time_offsets);
}

Status write_id_mappings(pid_t pid, const Plan& plan) {
  const auto text = [](const std::vector<IdMapping>& mappings) {
    std::string lines;
    for (const auto& each : mappings) {
      lines += std::to_string(each.inside) + " " + std::to_string(each.outside) + " " + std::to_string(each.count) + "\n";
    }
    return lines;
  };
  const std::string proc = "/proc/" + std::to_string(pid);
  METE_CHECK(write_control(AT_FDCWD, proc + "/uid_map", text(plan.uid_mappings)));
  return write_control(AT_FDCWD, proc + "/gid_map", text(plan.gid_mappings));
}

Status join_cgroups(pid_t pid, const std::vector<std::string>& procs_files) {
  const std::string text = std::to_string(pid);
  for (const auto& file : procs_files) METE_CHECK(write_control(AT_FDCWD, file, text));
  return {};
}

void set_oom_score_adj(pid_t pid, const Plan& plan, std::vector<std::string>& warnings) {
  if (!plan.has_oom_score_adj) return;
  const auto set = write_control(AT_FDCWD, "/proc/" + std::to_string(pid) + "/oom_score_adj", std::to_string(plan.oom_score_adj));
  // Lowering it below one's own needs CAP_SYS_RESOURCE, which not every root has; the container runs all the same.
  if (!set) warnings.push_back("oom_score_adj " + std::to_string(plan.oom_score_adj) + " was refused: " + set.error().what);
}

tl::unexpected<Error> explain(const Plan& plan, const ChildReport& report) {
  const int code = report.error;
  if (report.operation == kReportCommand) {
    std::string command = plan.args.empty() ? "" : plan.args.front();
    if (code == ENOENT) return fail_errno("command \"" + command + "\": not found in the container", code);
    if (code == EACCES) return fail_errno("command \"" + command + "\": not executable", code);
    return fail_errno("command \"" + command + "\"", code);
  }
  if (report.operation >= 0 && static_cast<std::size_t>(report.operation) < plan.ops.size()) {
    const std::string op = describe(plan.ops[static_cast<std::size_t>(report.operation)]);
    return fail_errno(op + " (" + report.detail + ")", code);
  }
  return fail_errno(report.detail, code);
}

// What the child has written. A child that ended with words of ours unread resets the connection: the error comes
// before what it wrote last, which is still there.
ssize_t receive(const UniqueFd& control, ChildReport& report, int flags) {
  bool was_reset = false;
  while (true) {
    const ssize_t got = ::recv(control.get(), &report, sizeof report, flags);
    if (got >= 0 || (errno != EINTR && (errno != ECONNRESET || was_reset))) return got == 0 && was_reset ? -1 : got;
    was_reset = was_reset || errno == ECONNRESET;
  }
}

// True: the child said that it waits at the gate. False: the socket closed, at the exec or with the child's end.
Result<bool> await_word(const Plan& plan, const UniqueFd& control) {
  ChildReport report;
  const ssize_t got = receive(control, report, 0);
  if (got == 0) return false;
  if (got == 1) return true;
  if (got != static_cast<ssize_t>(sizeof report)) return fail("the container's first process was ended before it could execute its command");
  report.detail[sizeof report.detail - 1] = '\0';
  return explain(plan, report);
}

class Child {
 public:
  Child(const Plan& plan, const LaunchOptions& options, bool clone_into_cgroup)
      : plan_(plan), options_(options), clone_into_cgroup_(clone_into_cgroup) {}

  Result<Launched> start() {
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return fail_errno("socketpair");
    control_ = UniqueFd(sockets[0]);
    UniqueFd child_end(sockets[1]);
    METE_CHECK(clone(child_end.get()));
    child_end.reset();
    if (auto prepared = prepare(); !prepared) {
      end();
      return tl::unexpected(std::move(prepared.error()));
    }
    launched_.pid = pid_;
    launched_.pidfd = std::move(pidfd_);
    launched_.control = std::move(control_);
    return std::move(launched_);
  }

  // After a failed start(): somebody else's SIGKILL ended the child before it could say a word.
  [[nodiscard]] bool was_killed() const { return was_killed_; }

 private:
  Status clone(int child_end) {
    PidNamespaceVisit visit;
    if (!plan_.join_pid_namespace.empty()) METE_CHECK(visit.enter(plan_.join_pid_namespace));
    if (plan_.new_time_namespace) METE_CHECK(make_time_namespace(plan_));
    METE_TRY(CgroupEntry entry, open_entry(plan_.cgroup));
    procs_files_ = std::move(entry.procs_files);
    if (entry.v2_directory.valid() && !clone_into_cgroup_) {
      procs_files_.push_back("/proc/self/fd/" + std::to_string(entry.v2_directory.get()) + "/cgroup.procs");
      v2_directory_ = std::move(entry.v2_directory);
    }
    std::vector<int> tasks;
    tasks.reserve(entry.tasks.size());
    for (const auto& file : entry.tasks) tasks.push_back(file.get());
    struct clone_args args {};
    int pidfd = -1;
    args.flags = plan_.clone_flags | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (entry.v2_directory.valid()) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<std::uint64_t>(entry.v2_directory.get());
    }
    // All the child needs is made here: it may not allocate.
    const auto arguments = pointers(plan_.args);
    const auto environment = pointers(plan_.env);
    const ChildFds fds{child_end, options_.stdin_fd, options_.stdout_fd, options_.stderr_fd, options_.start_gate, options_.controlling_terminal,
                       tasks, options_.preserved};
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0) return fail_errno("clone3");
    if (pid == 0) {
      ::close(control_.get());
      run_child(plan_, fds, arguments.data(), environment.data());
    }
    pid_ = static_cast<pid_t>(pid);
    pidfd_ = UniqueFd(pidfd);
    return {};
  }

  Status prepare() {
    if (!plan_.uid_mappings.empty()) {
      METE_CHECK(or_report(write_id_mappings(pid_, plan_)));
      METE_CHECK(say(kMappingsWritten));
    }
    METE_CHECK(or_report(join_cgroups(pid_, procs_files_)));
    set_oom_score_adj(pid_, plan_, launched_.warnings);
    if (options_.record) METE_CHECK(options_.record(pid_));
    METE_CHECK(say(kCgroupsJoined));
    METE_CHECK(say(kGo));
    if (options_.start_gate < 0) return await_exec(plan_, control_);
    METE_TRY(const bool waits, await_word(plan_, control_));
    if (!waits) return fail("the container's first process ended before it could be started");
    return {};
  }

  // The child may have died with a report of its own, which then is the better explanation of our failure.
  Status or_report(Status done) {
    if (done) return done;
    ChildReport report;
    if (receive(control_, report, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof report)) return explain(plan_, report);
    return done;
  }

  Status say(char word) {
    if (::send(control_.get(), &word, 1, MSG_NOSIGNAL) == 1) return {};
    return or_report(fail_errno("tell the container's first process to go on"));
  }

  void end() {
    // One that is ending by itself closed its socket first: its own end is waited for, to tell it from ours.
    constexpr int kEndingMilliseconds = 50;
    pollfd ended{pidfd_.get(), POLLIN, 0};
    (void)::poll(&ended, 1, kEndingMilliseconds);
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      was_killed_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
      return;
    }
    (void)send_signal(pidfd_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  const Plan& plan_;
  const LaunchOptions& options_;
  bool clone_into_cgroup_;
  bool was_killed_ = false;
  UniqueFd v2_directory_;  // open while its cgroup.procs is in procs_files_
  UniqueFd control_;
  UniqueFd pidfd_;
  pid_t pid_ = 0;
  std::vector<std::string> procs_files_;
  Launched launched_;
};

}  // namespace

Result<Launched> launch(const Plan& plan, const LaunchOptions& options) {
  Child child(plan, options, true);
  auto launched = child.start();
  if (launched || !child.was_killed()) return launched;
  // A cgroup that was once ended by cgroup.kill kills what is cloned into it: the kernel (6.18 seen) compares its count of
  // kills with the parent's cgroup's instead of its own. Moved in afterwards, the child lives.
  return Child(plan, options, false).start();
}

Status await_exec(const Plan& plan, const UniqueFd& control) {
  METE_TRY(const bool waits, await_word(plan, control));
  if (waits) return fail("the container's first process waits at a start gate, expected it to execute its command");
  return {};
}

}  // namespace mete::runtime::process
