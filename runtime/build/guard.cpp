// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "runtime/build/workspace.h"

namespace mete::runtime::build {
namespace {

constexpr int kLine = 3;
constexpr int kBuild = 4;

// Who reads the build's output waits for its end, not for this process's.
void keep_two_descriptors(int line, int build) {
  // Out of the way of each other first.
  const int line_copy = ::fcntl(line, F_DUPFD_CLOEXEC, kBuild + 1);
  const int build_copy = ::fcntl(build, F_DUPFD_CLOEXEC, kBuild + 1);
  ::dup2(line_copy, kLine);
  ::dup2(build_copy, kBuild);
  ::close_range(kBuild + 1, ~0U, 0);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < kLine; ++fd) ::dup2(null, fd);
  ::close(null);
}

[[noreturn]] void watch(int line, int build, const std::string& store, const cgroup::Hierarchies& hierarchies) {
  // A signal to the terminal's foreground is for the build.
  ::setsid();
  ::prctl(PR_SET_NAME, "mete-build-guard");
  keep_two_descriptors(line, build);
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(kLine, &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 0) ::_exit(0);
  // The line ends before the build has let go of its lock.
  pollfd ended{kBuild, POLLIN, 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  (void)remove_left_builds(store, hierarchies);
  ::_exit(0);
}

}  // namespace

Result<Guard> Guard::start(const std::string& store, const cgroup::Hierarchies& hierarchies) {
  int ends[2];
  if (::pipe2(&ends[0], O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  const UniqueFd build(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!build.valid()) return fail_errno("open the build's process");
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork the guard of a build");
  if (pid == 0) {
    write.reset();
    watch(read.get(), build.get(), store, hierarchies);
  }
  return Guard(pid, std::move(write));
}

Guard::Guard(Guard&& other) noexcept : pid_(std::exchange(other.pid_, 0)), line_(std::move(other.line_)) {}

Guard::~Guard() {
  if (pid_ == 0) return;
  (void)!::write(line_.get(), "", 1);
  line_.reset();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace mete::runtime::build
