// SPDX-License-Identifier: Apache-2.0
#include "agent/base/spawn_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <thread>

#include "agent/base/blocked_signals.h"
#include "agent/base/other_processor.h"

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

}  // namespace

// Named, because StartingProcess::Start holds them.
namespace start_parts {

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
  sigset_t signals;  // that are blocked in the child
  int error = 0;     // of the child, which shares the memory until its exec
};

}  // namespace start_parts

namespace {

using start_parts::Copies;
using start_parts::Request;

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

// Clones for the loop while that does something else.
class CloneThread {
 public:
  CloneThread() {
    const BlockedSignals blocked;
    thread_ = std::thread([this] { run(); });
  }
  ~CloneThread() {
    next_ = nullptr;
    wanted_ = true;
    asked_.release();
    thread_.join();
  }
  CloneThread(const CloneThread&) = delete;
  CloneThread& operator=(const CloneThread&) = delete;
  void begin(std::function<void()> clone) {
    next_ = std::move(clone);
    under_way_ = true;
    wanted_ = true;
    processor_.leave_mine();
    asked_.release();
  }
  // What the thread has not begun yet is done here.
  void hurry() {
    if (!under_way_ || !wanted_.exchange(false)) return;
    under_way_ = false;
    next_();
  }
  void wait() {
    hurry();
    if (std::exchange(under_way_, false)) done_.acquire();
  }

 private:
  void run() {
    while (true) {
      asked_.acquire();
      processor_.take_all();  // also for what is started
      if (!wanted_.exchange(false)) continue;
      if (!next_) return;
      next_();
      done_.release();
    }
  }
  OtherProcessor processor_;
  bool under_way_ = false;  // on the thread; of the loop
  std::function<void()> next_;
  std::atomic<bool> wanted_ = false;  // who makes it false has next_
  std::counting_semaphore<> asked_{0};
  std::binary_semaphore done_{0};
  std::thread thread_;
};

// Made at the first use: an agent that starts nothing has no such thread.
std::unique_ptr<CloneThread> clone_thread;

// Two starts at once would give their children the same low numbers.
void wait_for_clone() {
  if (clone_thread) clone_thread->wait();
}

}  // namespace

// All that a start needs, at one place in memory. run() may be called on any thread, and allocates nothing.
struct StartingProcess::Start {
  Start(std::string name, std::vector<std::string> words, char** variables)
      : program(std::move(name)), args(std::move(words)), environment(variables) {}

  // On the loop's thread. `mount`: of the program; -1: its path is executed.
  Status prepare(int mount, const ChildDescriptors& descriptors) {
    wait_for_clone();
    if (!null.valid()) return fail_errno("open /dev/null");
    METE_CHECK(copies.add(descriptors.input < 0 ? null.get() : descriptors.input));
    METE_CHECK(copies.add(descriptors.output < 0 ? null.get() : descriptors.output));
    METE_CHECK(copies.add(descriptors.errors < 0 ? null.get() : descriptors.errors));
    for (const int fd : descriptors.more) METE_CHECK(copies.add(fd));
    if (mount >= 0) METE_CHECK(copies.add(mount));
    for (auto& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    request = {program.c_str(), mount >= 0, argv.data(), environment, &copies, {}};
    ::pthread_sigmask(SIG_SETMASK, nullptr, &request.signals);
    return {};
  }

  void run() {
    const auto top = reinterpret_cast<std::uintptr_t>(stack.get() + kStackBytes) & ~std::uintptr_t{15};
    const BlockedSignals blocked;
    constexpr int kFlags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
    pid = ::clone(run_child, reinterpret_cast<void*>(top), kFlags, &request, &pidfd);
    error = errno;
  }

  Result<SpawnedProcess> result() {
    if (pid < 0) return fail_errno("start " + program, error);
    SpawnedProcess spawned{pid, runtime::UniqueFd(pidfd)};
    if (request.error == 0) return spawned;
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return fail_errno("start " + program, request.error);
  }

  const std::string program;
  std::vector<std::string> args;
  char** const environment;
  std::vector<char*> argv;
  const runtime::UniqueFd null = open_null();
  start_parts::Copies copies{null.get()};
  const std::unique_ptr<char[]> stack{new char[kStackBytes]};
  start_parts::Request request{};
  pid_t pid = -1;
  int pidfd = -1;
  int error = 0;
};

StartingProcess::StartingProcess(std::unique_ptr<Start> start) : start_(std::move(start)) {}
StartingProcess::StartingProcess(StartingProcess&&) noexcept = default;

StartingProcess::~StartingProcess() {
  if (start_) (void)wait();
}

Result<StartingProcess> StartingProcess::begin(ReadOnlyProgram& program, std::vector<std::string> args,
                                               char** environment, const ChildDescriptors& descriptors) {
  auto start = std::make_unique<Start>(program.path(), std::move(args), environment);
  METE_CHECK(start->prepare(program.mount(), descriptors));
  if (!clone_thread) clone_thread = std::make_unique<CloneThread>();
  clone_thread->begin([own = start.get()] { own->run(); });
  return StartingProcess(std::move(start));
}

void StartingProcess::hurry() {
  if (clone_thread) clone_thread->hurry();
}

Result<SpawnedProcess> StartingProcess::wait() {
  wait_for_clone();
  const auto start = std::move(start_);
  return start->result();
}

namespace {

Result<SpawnedProcess> spawn(const std::string& program, int mount, std::vector<std::string> args, char** environment,
                             const ChildDescriptors& descriptors) {
  StartingProcess::Start start(program, std::move(args), environment);
  METE_CHECK(start.prepare(mount, descriptors));
  start.run();
  return start.result();
}

}  // namespace

void reserve_low_descriptors() {
  const runtime::UniqueFd null = open_null();
  bool free = null.valid() && null.get() < kFirstLow;
  for (int fd = kFirstLow; fd < kNextAfterLow; ++fd) free = free && ::fcntl(fd, F_GETFD) < 0;
  for (int fd = kFirstLow; free && fd < kNextAfterLow; ++fd) free = ::dup3(null.get(), fd, O_CLOEXEC) == fd;
  low_reserved = free;
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
