// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/launcher.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/descriptor_passing.h"
#include "runtime/file.h"
#include "runtime/process/child/child.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/launch/child_arguments.h"
#include "runtime/process/launch/clone_guards.h"
#include "runtime/process/launch/conversation.h"
#include "runtime/process/launch/id_mappings.h"
#include "runtime/process/launch/intermediate.h"
#include "runtime/process/launch/prepared_trees.h"
#include "runtime/process/launch/shared_launch.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::process {
namespace {

void set_oom_score_adj(pid_t pid, const Plan& plan, std::vector<std::string>& warnings) {
  if (!plan.has_oom_score_adj) return;
  const auto set =
      write_control(AT_FDCWD, "/proc/" + std::to_string(pid) + "/oom_score_adj", std::to_string(plan.oom_score_adj));
  // A value below the launcher's own needs CAP_SYS_RESOURCE, which not every root has; the container runs all the same.
  if (!set)
    warnings.push_back("oom_score_adj " + std::to_string(plan.oom_score_adj) + " was refused: " + set.error().what);
}

class Child {
 public:
  Child(const Plan& plan, const LaunchOptions& options, bool clone_into_cgroup)
      : plan_(plan),
        options_(options),  // A process of another user namespace may not clone into this one's cgroups.
        clone_into_cgroup_(clone_into_cgroup && plan.join_user_namespace.empty()) {}

  Result<Launched> start() {
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return fail_errno("socketpair");
    control_ = UniqueFd(sockets[0]);
    // See kSilent.
    constexpr struct timeval kPatience { 1, 0 };
    if (::setsockopt(control_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience) != 0)
      return fail_errno("setsockopt");
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

  // True after a failed start() when a SIGKILL of another process ended the child before it sent a word.
  [[nodiscard]] bool was_killed() const { return was_killed_; }

 private:
  Status clone(int child_end) {
    METE_TRY(const PreparedTrees trees, prepare_trees(plan_));
    if (plan_.stdio_owner)
      give_pipes({{options_.stdin_fd, options_.stdout_fd, options_.stderr_fd}}, *plan_.stdio_owner);
    PidNamespaceVisit visit;
    bool pid_later = false;
    if (!plan_.join_pid_namespace.empty()) {
      auto entered = visit.enter(options_.process, plan_.join_pid_namespace);
      pid_later = !entered && entered.error().code == EPERM;
      if (!entered && !pid_later) return entered;
    }
    METE_TRY(v2_directory_, open_v2(plan_.cgroup));
    if (!options_.make_cgroups) {
      METE_TRY(v1_entry_, open_v1(plan_.cgroup));
    }
    struct clone_args args {};
    int pidfd = -1;
    args.flags = plan_.clone_flags | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (v2_directory_.valid() && clone_into_cgroup_) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<std::uint64_t>(v2_directory_.get());
    }
    // Everything the child needs is made here, because the child may not allocate.
    arguments_ = pointers(plan_.args);
    environment_ = pointers(plan_.env);
    const auto tree_fds = trees.numbers();
    ChildFds fds{child_end,
                 options_.stdin_fd,
                 options_.stdout_fd,
                 options_.stderr_fd,
                 options_.process,
                 options_.start_gate,
                 tree_fds,
                 options_.preserved,
                 {},
                 0};
    kept_ = kept_descriptors(fds);
    fds.kept = kept_;
    const Undumpable hidden(!plan_.join_pid_namespace.empty());
    const auto child = [&] {
      ::close(control_.get());
      run_child(plan_, fds, arguments_.data(), environment_.data());
    };
    if (const auto joins = joined_by_intermediate(plan_, pid_later); !joins.empty()) {
      const auto prepare = [&] { return prepare_namespaces(plan_, joins, fds.joined); };
      METE_TRY(Cloned cloned, clone_through_intermediate(args, prepare, child));
      pid_ = cloned.pid;
      pidfd_ = std::move(cloned.pidfd);
      return {};
    }
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0) return fail_errno("clone3");
    if (pid == 0) child();
    pid_ = static_cast<pid_t>(pid);
    pidfd_ = UniqueFd(pidfd);
    return {};
  }

  Status prepare() {
    if (!plan_.uid_mappings.empty()) {
      METE_CHECK(or_report(plan_, control_, write_id_mappings(pid_, plan_.uid_mappings, plan_.gid_mappings)));
      METE_CHECK(say(kMappingsWritten));
    }
    if (options_.make_cgroups) {
      METE_CHECK(options_.make_cgroups());
      METE_TRY(v1_entry_, open_v1(plan_.cgroup));
    }
    METE_CHECK(or_report(plan_, control_, join_cgroups()));
    set_oom_score_adj(pid_, plan_, launched_.warnings);
    if (options_.record) METE_CHECK(options_.record(pid_));
    METE_CHECK(tell_to_enter());
    if (!has<AwaitHooks>() && !has<OpenTerminal>()) METE_CHECK(say(kGo));
    return converse();
  }

  // Writes the pid into the cgroups that the child cannot enter by itself.
  Status join_cgroups() const {
    const std::string text = std::to_string(pid_);
    for (const auto& file : v1_entry_.procs_files) METE_CHECK(write_control(AT_FDCWD, file, text));
    if (!v2_directory_.valid() || clone_into_cgroup_) return {};
    return write_control(v2_directory_.get(), std::string(cgroup::kProcsFile), text);
  }

  Status tell_to_enter() {
    std::vector<int> tasks;
    tasks.reserve(v1_entry_.tasks.size());
    for (const auto& file : v1_entry_.tasks) tasks.push_back(file.get());
    if (send_with_descriptors(control_.get(), &kEnterCgroups, 1, tasks) != 1) {
      return or_report(plan_, control_, fail_errno("send the cgroups to the container's first process"));
    }
    return {};
  }

  template <class Op>
  [[nodiscard]] bool has() const {
    const auto is_one = [](const SetupOp& op) { return std::holds_alternative<Op>(op); };
    return std::any_of(plan_.ops.begin(), plan_.ops.end(), is_one);
  }

  // Answers the child's words until it has executed its command or waits at the start gate.
  Status converse() {
    while (true) {
      METE_TRY(ChildSays says, next_word(plan_, control_));
      switch (says.word) {
        case kTerminal:
          if (!options_.terminal) return fail("the plan opens a terminal, but the caller takes none");
          METE_CHECK(options_.terminal(std::move(says.descriptor)));
          // Not before: the command finds its terminal as the caller wants it.
          if (!has<AwaitHooks>()) METE_CHECK(say(kGo));
          break;
        case kAtHooks:
          if (options_.hooks) METE_CHECK(options_.hooks(pid_));
          METE_CHECK(say(kHooksRan));
          METE_CHECK(say(kGo));
          break;
        case kListener:
          METE_CHECK(take_listener(says.number));
          METE_CHECK(say(kListenerTaken));
          break;
        case kAtGate:
          return {};
        case kSilent:
          METE_CHECK(refuse_frozen());
          break;
        default:
          return options_.start_gate < 0 ? Status()
                                         : fail("the container's first process ended before it could be started");
      }
    }
  }

  // Nothing can be heard from a frozen process, and on v1 it cannot be killed.
  Status refuse_frozen() {
    std::vector<std::string> directories = {plan_.cgroup.v2_directory};
    for (const auto& file : plan_.cgroup.procs_files) directories.push_back(file.substr(0, file.rfind('/')));
    for (const auto& directory : directories) {
      if (directory.empty() || !cgroup::is_frozen(directory)) continue;
      // In this order: thawed without the signal it would go on to its command.
      (void)send_signal(pidfd_, SIGKILL);
      killed_here_ = true;
      cgroup::leave_frozen(directory, pid_);
      return fail("cgroup " + directory + ": found it frozen, expected it to run: no process can start in it");
    }
    return {};
  }

  Status take_listener(int number) {
    UniqueFd listener(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd_.get(), number, 0)));
    if (!listener.valid()) return fail_errno("fetch the seccomp listener");
    if (!options_.listener) return fail("the seccomp filter has a listener, but the caller takes none");
    return options_.listener(std::move(listener), pid_);
  }

  Status say(char word) {
    if (::send(control_.get(), &word, 1, MSG_NOSIGNAL) == 1) return {};
    return or_report(plan_, control_, fail_errno("let the container's first process continue"));
  }

  void end() {
    // A child that is ending by itself is waited for, so that its own end is not mistaken for the kill below: long,
    // where its end of the socket is closed and only a busy machine keeps it from its last step.
    constexpr int kEndingMilliseconds = 50;
    constexpr int kClosedMilliseconds = 5'000;
    pollfd closed{control_.get(), POLLRDHUP, 0};
    (void)::poll(&closed, 1, 0);
    const bool is_closed = (closed.revents & (POLLRDHUP | POLLHUP)) != 0;
    pollfd ended{pidfd_.get(), POLLIN, 0};
    (void)::poll(&ended, 1, is_closed ? kClosedMilliseconds : kEndingMilliseconds);
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      was_killed_ = !killed_here_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
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
  bool killed_here_ = false;
  UniqueFd v2_directory_;
  V1Entry v1_entry_;
  UniqueFd control_;
  UniqueFd pidfd_;
  pid_t pid_ = 0;
  // What the clone was given. Freed and closed when the child has executed its command: every microsecond before that
  // is the child's, too, which may have to wait for this processor.
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
  std::vector<int> kept_;
  Launched launched_;
};

}  // namespace

Result<Launched> launch(const Plan& plan, const LaunchOptions& options) {
  if (can_share_memory(plan, options)) {
    if (auto launched = launch_sharing_memory(plan, options)) return std::move(*launched);
  }
  Child child(plan, options, true);
  auto launched = child.start();
  if (launched || !child.was_killed()) return launched;
  // Kernel 6.18 kills what is cloned into a cgroup that was once ended by cgroup.kill: it compares the cgroup's kill
  // count with the parent cgroup's. A child that is moved in after the clone lives.
  return Child(plan, options, false).start();
}

Status await_exec(const Plan& plan, const UniqueFd& control) {
  ChildSays says{kSilent, {}, 0};
  while (says.word == kSilent) {
    METE_TRY(says, next_word(plan, control));
  }
  if (says.word != 0)
    return fail("the container's first process waits at a start gate, expected it to execute its command");
  return {};
}

}  // namespace mete::runtime::process
