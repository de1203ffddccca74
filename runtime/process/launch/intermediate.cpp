// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/intermediate.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "runtime/descriptor_passing.h"
#include "runtime/file.h"

namespace mete::runtime::process {
namespace {

struct ClonedWord {
  int error = 0;
  char tried[240] = {};
};

[[noreturn]] void give_up(int socket, const JoinFailure& failure) {
  ClonedWord word;
  word.error = failure.error;
  std::strncpy(word.tried, failure.tried, sizeof word.tried - 1);
  if (*failure.path != '\0') {
    std::strncat(word.tried, " ", sizeof word.tried - 1 - std::strlen(word.tried));
    std::strncat(word.tried, failure.path, sizeof word.tried - 1 - std::strlen(word.tried));
  }
  (void)::send(socket, &word, sizeof word, MSG_NOSIGNAL);
  ::_exit(1);
}

[[noreturn]] void intermediate(int socket, struct clone_args args, const std::function<JoinFailure()>& prepare,
                               const std::function<void()>& child) {
  if (const JoinFailure failure = prepare(); failure.tried != nullptr) give_up(socket, failure);
  int pidfd = -1;
  args.flags |= CLONE_PARENT;
  args.exit_signal = 0;  // clone3 requires 0: with CLONE_PARENT the caller's exit signal is used
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) give_up(socket, {"clone3", "", errno});
  if (pid == 0) {
    ::close(socket);
    child();
    ::_exit(127);
  }
  ClonedWord word;
  (void)send_with_descriptor(socket, &word, sizeof word, pidfd);
  ::_exit(0);
}

// The pid of a pidfd's process, in the caller's PID namespace (proc(5), fdinfo of a pidfd).
Result<pid_t> pid_of(const UniqueFd& pidfd) {
  METE_TRY(const std::string text, read_file(AT_FDCWD, "/proc/self/fdinfo/" + std::to_string(pidfd.get())));
  constexpr std::string_view kKey = "Pid:\t";
  const auto at = text.find(kKey);
  pid_t pid = 0;
  if (at != std::string::npos) std::from_chars(text.data() + at + kKey.size(), text.data() + text.size(), pid);
  if (pid <= 0) return fail("the container's first process ended before it could execute its command");
  return pid;
}

const JoinNamespaces* joins_of(const Plan& plan) {
  for (const auto& op : plan.ops) {
    if (const auto* joins = std::get_if<JoinNamespaces>(&op)) return joins;
  }
  return nullptr;
}

}  // namespace

Result<Cloned> clone_through_intermediate(const struct clone_args& args, const std::function<JoinFailure()>& prepare,
                                          const std::function<void()>& child) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return fail_errno("socketpair");
  const UniqueFd ours(sockets[0]);
  UniqueFd theirs(sockets[1]);
  const pid_t between = ::fork();
  if (between < 0) return fail_errno("fork");
  if (between == 0) intermediate(theirs.get(), args, prepare, child);
  theirs.reset();
  ClonedWord word;
  Cloned cloned;
  const ssize_t got = receive_with_descriptor(ours.get(), &word, sizeof word, cloned.pidfd);
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (got != static_cast<ssize_t>(sizeof word)) return fail("the process that was to join namespaces was ended");
  word.tried[sizeof word.tried - 1] = '\0';
  if (word.error != 0) return fail_errno(word.tried, word.error);
  if (!cloned.pidfd.valid()) return fail("the clone made no process");
  METE_TRY(cloned.pid, pid_of(cloned.pidfd));
  return cloned;
}

std::vector<NamespaceUse> joined_by_intermediate(const Plan& plan, bool with_pid) {
  const bool new_user = (plan.clone_flags & CLONE_NEWUSER) != 0;
  if (!new_user && plan.join_user_namespace.empty() && !with_pid) return {};
  const auto* joins = joins_of(plan);
  std::vector<NamespaceUse> all = joins == nullptr ? std::vector<NamespaceUse>() : joins->all;
  if (!plan.join_user_namespace.empty()) all.push_back({NamespaceKind::user, plan.join_user_namespace});
  if (with_pid) all.push_back({NamespaceKind::pid, plan.join_pid_namespace});
  return all;
}

JoinFailure prepare_namespaces(const Plan& plan, const std::vector<NamespaceUse>& joins, KindSet& joined) {
  const JoinFailure failure = join_namespaces(joins, true, joined);
  if (failure.tried != nullptr) return failure;
  for (const auto& use : joins) {
    // These two count for the clone; the others it may join itself.
    const bool needed = use.kind == NamespaceKind::user || use.kind == NamespaceKind::pid;
    if (needed && (joined & set_of(use.kind)) == 0) return {name_of(use.kind), use.path.c_str(), EPERM};
  }
  if (plan.join_user_namespace.empty()) return {};
  // Before it becomes root: until then the process may write its own files in /proc.
  if (plan.new_time_namespace) {
    const JoinFailure made = make_time_namespace(plan.time_offsets);
    if (made.tried != nullptr) return made;
  }
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0)
    return {"become root of the user namespace", plan.join_user_namespace.c_str(), errno};
  return {};
}

JoinFailure make_time_namespace(const std::string& offsets) {
  if (::unshare(static_cast<int>(clone_flag(NamespaceKind::time))) != 0) return {"make time namespace", "", errno};
  if (offsets.empty()) return {};
  constexpr const char* kOffsets = "/proc/self/timens_offsets";
  const int fd = ::open(kOffsets, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return {"open", kOffsets, errno};
  const ssize_t written = ::write(fd, offsets.data(), offsets.size());
  const int error = errno;
  ::close(fd);
  return written < 0 ? JoinFailure{"set the clocks in", kOffsets, error} : JoinFailure{};
}

}  // namespace mete::runtime::process
