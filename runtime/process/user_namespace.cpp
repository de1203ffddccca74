// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "runtime/descriptor_passing.h"
#include "runtime/file.h"

namespace mete::runtime::process {
namespace {

struct Word {
  int error = 0;
  char tried[32] = {};
};

[[noreturn]] void give_up(int socket, const char* tried) {
  Word word;
  word.error = errno;
  std::strncpy(word.tried, tried, sizeof word.tried - 1);
  (void)::send(socket, &word, sizeof word, MSG_NOSIGNAL);
  ::_exit(1);
}

[[noreturn]] void intermediate(int socket, int user_namespace, struct clone_args args,
                               const std::function<void()>& child) {
  if (::setns(user_namespace, CLONE_NEWUSER) != 0) give_up(socket, "join");
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0) give_up(socket, "become root");
  int pidfd = -1;
  args.flags |= CLONE_PARENT;
  args.exit_signal = 0;  // clone3 requires 0: with CLONE_PARENT the caller's exit signal is used
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) give_up(socket, "clone3");
  if (pid == 0) {
    ::close(socket);
    child();
    ::_exit(127);
  }
  Word word;
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

}  // namespace

Result<Cloned> clone_in_user_namespace(const std::string& path, const struct clone_args& args,
                                       const std::function<void()>& child) {
  METE_TRY(const UniqueFd user_namespace, open_at(AT_FDCWD, path, O_RDONLY));
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return fail_errno("socketpair");
  const UniqueFd ours(sockets[0]);
  UniqueFd theirs(sockets[1]);
  const pid_t between = ::fork();
  if (between < 0) return fail_errno("fork");
  if (between == 0) intermediate(theirs.get(), user_namespace.get(), args, child);
  theirs.reset();
  Word word;
  Cloned cloned;
  const ssize_t got = receive_with_descriptor(ours.get(), &word, sizeof word, cloned.pidfd);
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (got != static_cast<ssize_t>(sizeof word))
    return fail("user namespace " + path + ": the process that was to join it was ended");
  if (word.error != 0) return fail_errno("user namespace " + path + ": " + word.tried, word.error);
  if (!cloned.pidfd.valid()) return fail("user namespace " + path + ": the clone made no process");
  METE_TRY(cloned.pid, pid_of(cloned.pidfd));
  return cloned;
}

}  // namespace mete::runtime::process
