// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/shared_launch.h"

#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "runtime/process/child/child.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/launch/child_arguments.h"
#include "runtime/process/launch/clone_guards.h"
#include "runtime/process/launch/conversation.h"
#include "runtime/process/namespace_files.h"

namespace mete::runtime::process {
namespace {

// Joins the PID and time namespaces of another process for the next clone; the destructor restores the caller's own. A
// process that shares its memory could not join a time namespace itself (kernel/time/namespace.c, timens_install).
class Visit {
 public:
  bool enter(int process) {
    entered_ = ::setns(process, kKinds) == 0;
    return entered_;
  }
  Visit() = default;
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (!entered_) return;
    // getpid() and pidfds are of the caller's own PID namespace all the time.
    const UniqueFd own(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (own.valid()) (void)!::setns(own.get(), kKinds);
  }

 private:
  static constexpr int kKinds = CLONE_NEWPID | CLONE_NEWTIME;
  bool entered_ = false;
};

struct Start {
  const Plan& plan;
  const ChildFds& fds;
  char* const* arguments;
  char* const* environment;
};

[[noreturn]] void begin(void* given) {
  const auto& start = *static_cast<const Start*>(given);
  run_child(start.plan, start.fds, start.arguments, start.environment);
}

// The child begins on a stack of its own: on the launcher's it would write over what the launcher returns to.
long clone_sharing([[maybe_unused]] struct clone_args& args, [[maybe_unused]] Start& start) {
#ifdef __x86_64__
  long result = SYS_clone3;
  register void (*function)(void*) asm("r12") = begin;
  register void* given asm("r13") = &start;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&args), "S"(sizeof args), "r"(function), "r"(given)
      : "rcx", "r11", "memory");
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
#else
  errno = ENOSYS;
#endif
  return -1;
}

// What the child needs and the launcher keeps until it goes on.
class SharedLaunch {
 public:
  SharedLaunch(const Plan& plan, const LaunchOptions& options) : plan_(plan), options_(options) {}

  std::optional<Result<Launched>> start() {
    auto directory = open_v2(plan_.cgroup);
    auto entry = open_v1(plan_.cgroup);
    if (!directory || !entry || !entry->procs_files.empty()) return std::nullopt;
    Visit visit;
    if (!visit.enter(options_.process)) return std::nullopt;
    if (const int error = clone(*directory, *entry); error != 0)
      return Result<Launched>(tl::unexpected<Error>(fail_errno("clone3", error)));
    if (!report_.failed && report_.reached_exec) return Result<Launched>(launched());
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    if (report_.failed) return Result<Launched>(explain(plan_, report_.report));
    was_killed_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return Result<Launched>(fail("the container's first process was ended before it could execute its command"));
  }

  // After a failure: a SIGKILL of another process ended the child before its exec.
  [[nodiscard]] bool was_killed() const { return was_killed_; }

 private:
  int clone(const UniqueFd& directory, const V1Entry& entry) {
    struct clone_args args {};
    int pidfd = -1;
    args.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (directory.valid()) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<std::uint64_t>(directory.get());
    }
    constexpr std::size_t kStack = 64 << 10;
    alignas(64) char stack[kStack];  // NOLINT: only what is used becomes memory
    args.stack = reinterpret_cast<std::uint64_t>(stack);
    args.stack_size = kStack;
    for (const auto& file : entry.tasks) tasks_.push_back(file.get());
    const std::string score = plan_.has_oom_score_adj ? std::to_string(plan_.oom_score_adj) : "";
    const SharedChild shared{&report_, tasks_, plan_.has_oom_score_adj ? score.c_str() : nullptr};
    const auto arguments = pointers(plan_.args);
    const auto environment = pointers(plan_.env);
    ChildFds fds;
    fds.stdin_fd = options_.stdin_fd;
    fds.stdout_fd = options_.stdout_fd;
    fds.stderr_fd = options_.stderr_fd;
    fds.process = options_.process;
    fds.preserved = options_.preserved;
    fds.joined = set_of(NamespaceKind::time);
    fds.shared = &shared;
    const auto kept = kept_descriptors(fds);
    fds.kept = kept;
    const Undumpable hidden(true);
    Start start{plan_, fds, arguments.data(), environment.data()};
    const long pid = clone_sharing(args, start);
    if (pid < 0) return errno;
    pid_ = static_cast<pid_t>(pid);
    pidfd_ = UniqueFd(pidfd);
    return 0;
  }

  Launched launched() {
    Launched launched;
    launched.pid = pid_;
    launched.pidfd = std::move(pidfd_);
    if (report_.refused_adjustment)
      launched.warnings.push_back("oom_score_adj " + std::to_string(plan_.oom_score_adj) + " was refused");
    return launched;
  }

  const Plan& plan_;
  const LaunchOptions& options_;
  bool was_killed_ = false;
  SharedReport report_;
  std::vector<int> tasks_;
  pid_t pid_ = 0;
  UniqueFd pidfd_;
};

}  // namespace

bool can_share_memory(const Plan& plan, const LaunchOptions& options) {
  const bool is_alone = options.process >= 0 && options.start_gate < 0 && !options.make_cgroups && !options.record;
  const bool is_plain = plan.clone_flags == 0 && plan.join_user_namespace.empty() && plan.uid_mappings.empty() &&
                        !plan.stdio_owner && plan.final == Final::exec;
  const bool has_listener = (plan.identity.seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
  return is_alone && is_plain && !has_listener && std::all_of(plan.ops.begin(), plan.ops.end(), [](const SetupOp& op) {
           return std::holds_alternative<AwaitCgroups>(op) || std::holds_alternative<JoinProcess>(op) ||
                  std::holds_alternative<JoinKeyring>(op) || std::holds_alternative<EnterDirectory>(op) ||
                  std::holds_alternative<OpenProfile>(op) || std::holds_alternative<OpenRoot>(op) ||
                  std::holds_alternative<EnterRoot>(op) || std::holds_alternative<Tune>(op) ||
                  std::holds_alternative<SetAffinity>(op);
         });
}

std::optional<Result<Launched>> launch_sharing_memory(const Plan& plan, const LaunchOptions& options) {
  SharedLaunch first(plan, options);
  auto launched = first.start();
  // See launch(): a cgroup that was once ended by cgroup.kill kills what is cloned into it.
  if (launched && !*launched && first.was_killed()) return std::nullopt;
  return launched;
}

}  // namespace mete::runtime::process
