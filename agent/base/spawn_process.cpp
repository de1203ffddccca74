// SPDX-License-Identifier: Apache-2.0
#include "agent/base/spawn_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>

namespace mete::agent {
namespace {

constexpr int kMostGiven = 24;  // descriptors of one child
constexpr int kFirstLow = 32;   // above the numbers that they get in the child
constexpr int kNextAfterLow = kFirstLow + kMostGiven;
constexpr std::size_t kStackBytes = std::size_t{64} << 10U;

bool low_reserved = false;

runtime::UniqueFd open_null() {
  return runtime::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

// Copies of descriptors with numbers that the child's own do not reach. A reserved number holds /dev/null when it is
// not used.
class Copies {
 public:
  explicit Copies(int null) : null_(null) {}
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;
  ~Copies() {
    for (int i = 0; i < count_; ++i) {
      if (numbers_[static_cast<std::size_t>(i)] >= kNextAfterLow) {
        ::close(numbers_[static_cast<std::size_t>(i)]);
      } else {
        (void)::dup3(null_, numbers_[static_cast<std::size_t>(i)], O_CLOEXEC);
      }
    }
  }

  [[nodiscard]] Status add(int fd) {
    if (count_ == kMostGiven) return fail("a child: found more than 24 descriptors for it");
    const int copy =
        low_reserved ? ::dup3(fd, kFirstLow + count_, O_CLOEXEC) : ::fcntl(fd, F_DUPFD_CLOEXEC, kNextAfterLow);
    if (copy < 0) return fail_errno("dup");
    numbers_[static_cast<std::size_t>(count_++)] = copy;
    return {};
  }
  [[nodiscard]] int count() const { return count_; }
  [[nodiscard]] int operator[](int index) const { return numbers_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] unsigned highest() const {
    return static_cast<unsigned>(*std::max_element(numbers_.begin(), numbers_.begin() + count_));
  }

 private:
  int null_;
  int count_ = 0;
  std::array<int, kMostGiven> numbers_{};
};

struct Request {
  const char* program;
  bool by_descriptor;  // the last of the descriptors is the program, and is not the child's
  char** arguments;
  char** environment;
  const Copies* descriptors;
  sigset_t signals;
  int error = 0;  // of the child, which shares the memory until its exec
};

// The agent's handlers must not run in the child, whose memory is the agent's. All signals are blocked here.
void forget_handlers() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    (void)::sigaction(signal, &action, nullptr);
  }
}

bool take_descriptors(const Copies& from) {
  if (::close_range(from.highest() + 1, ~0U, CLOSE_RANGE_UNSHARE) != 0) return false;
  for (int i = 0; i < from.count(); ++i) {
    if (::dup2(from[i], i) < 0) return false;
  }
  return ::close_range(static_cast<unsigned>(from.count()), ~0U, 0) == 0;
}

void execute(const Request& request) {
  ::pthread_sigmask(SIG_SETMASK, &request.signals, nullptr);
  if (request.by_descriptor) {
    const int program = request.descriptors->count() - 1;
    if (::fcntl(program, F_SETFD, FD_CLOEXEC) == 0)
      ::execveat(program, "", request.arguments, request.environment, AT_EMPTY_PATH);
  } else {
    ::execve(request.program, request.arguments, request.environment);
  }
}

int run_child(void* argument) {
  auto& request = *static_cast<Request*>(argument);
  forget_handlers();
  if (take_descriptors(*request.descriptors)) execute(request);
  request.error = errno;
  ::_exit(127);
}

Result<SpawnedProcess> start(Request& request) {
  const std::unique_ptr<char[]> stack(new char[kStackBytes]);
  const auto top = reinterpret_cast<std::uintptr_t>(stack.get() + kStackBytes) & ~std::uintptr_t{15};
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &request.signals);
  int pidfd = -1;
  constexpr int kFlags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
  const pid_t pid = ::clone(run_child, reinterpret_cast<void*>(top), kFlags, &request, &pidfd);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &request.signals, nullptr);
  if (pid < 0) return fail_errno(std::string("start ") + request.program, error);
  SpawnedProcess spawned{pid, runtime::UniqueFd(pidfd)};
  if (request.error == 0) return spawned;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return fail_errno(std::string("start ") + request.program, request.error);
}

// `mount`: of the program; -1: its path is executed.
Result<SpawnedProcess> spawn(const std::string& program, int mount, std::vector<std::string> args, char** environment,
                             const ChildDescriptors& descriptors) {
  const runtime::UniqueFd null = open_null();
  if (!null.valid()) return fail_errno("open /dev/null");
  Copies copies(null.get());
  METE_CHECK(copies.add(descriptors.input < 0 ? null.get() : descriptors.input));
  METE_CHECK(copies.add(descriptors.output < 0 ? null.get() : descriptors.output));
  METE_CHECK(copies.add(descriptors.errors < 0 ? null.get() : descriptors.errors));
  for (const int fd : descriptors.more) METE_CHECK(copies.add(fd));
  if (mount >= 0) METE_CHECK(copies.add(mount));
  std::vector<char*> argv;
  argv.reserve(args.size() + 1);
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  Request request{program.c_str(), mount >= 0, argv.data(), environment, &copies, {}};
  return start(request);
}

}  // namespace

void reserve_low_descriptors() {
  const runtime::UniqueFd null = open_null();
  bool free = null.valid() && null.get() < kFirstLow;
  for (int fd = kFirstLow; fd < kNextAfterLow; ++fd) free = free && ::fcntl(fd, F_GETFD) < 0;
  for (int fd = kFirstLow; free && fd < kNextAfterLow; ++fd) free = ::dup3(null.get(), fd, O_CLOEXEC) == fd;
  low_reserved = free;
}

int ReadOnlyProgram::mount() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return -1;
  const std::array<std::int64_t, 4> version = {static_cast<std::int64_t>(info.st_dev),
                                               static_cast<std::int64_t>(info.st_ino), info.st_ctim.tv_sec,
                                               info.st_ctim.tv_nsec};
  if (version == version_) return mount_.get();
  mount_ = runtime::UniqueFd(::open_tree(AT_FDCWD, path_.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  version_ = version;
  struct mount_attr read_only {};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_.valid() && ::mount_setattr(mount_.get(), "", AT_EMPTY_PATH, &read_only, sizeof read_only) != 0)
    mount_.reset();
  return mount_.get();
}

Result<SpawnedProcess> spawn_process(const std::string& program, std::vector<std::string> args, char** environment,
                                     const ChildDescriptors& descriptors) {
  return spawn(program, -1, std::move(args), environment, descriptors);
}

Result<SpawnedProcess> spawn_process(ReadOnlyProgram& program, std::vector<std::string> args, char** environment,
                                     const ChildDescriptors& descriptors) {
  return spawn(program.path(), program.mount(), std::move(args), environment, descriptors);
}

}  // namespace mete::agent
