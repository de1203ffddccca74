// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/memory/reclaim.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <optional>

#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

constexpr std::int64_t kPiece = 16 << 20;
constexpr long kSliceNanoseconds = 2'000'000;
constexpr int kFruitless = 3;  // pieces in a row that have freed nothing

// Interrupts what this thread waits for, every 2 ms, for as long as it lives.
class Interrupter {
 public:
  Interrupter() {
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};  // no SA_RESTART: the call is to end with EINTR
    ::sigaction(kSignal(), &nothing, nullptr);
    sigset_t ours;
    ::sigemptyset(&ours);
    ::sigaddset(&ours, kSignal());
    ::pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
    struct sigevent event {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kSignal();
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    made_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
    const struct itimerspec every {
      {0, kSliceNanoseconds}, { 0, kSliceNanoseconds }
    };
    if (made_) ::timer_settime(timer_, 0, &every, nullptr);
  }
  ~Interrupter() {
    if (made_) ::timer_delete(timer_);
  }
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;
  [[nodiscard]] bool works() const { return made_; }

 private:
  static int kSignal() { return SIGRTMIN + 7; }
  timer_t timer_{};
  bool made_ = false;
};

// One write, which may end early: what it has freed shows in the usage. Other errors: the group is gone.
Status free_piece(int file, const Group& group, bool v1, Bytes wanted) {
  const std::string text = v1 ? "0" : std::to_string(std::min(wanted.count(), kPiece));
  if (::write(file, text.data(), text.size()) >= 0 || errno == EINTR || errno == EAGAIN || errno == EBUSY) return {};
  return fail_errno(group.path() + ": reclaim");
}

}  // namespace

void ask_to_reclaim(const Group& group, Bytes amount) {
  (void)group.write("memory", "memory.reclaim", std::to_string(amount.count()));
}

Result<Bytes> reclaim(const Group& group, Bytes target, const std::atomic<bool>& stop) {
  const bool v1 = group.hierarchies().on_v1("memory");
  METE_TRY(Bytes usage, memory_usage(group));
  METE_TRY(const UniqueFd file,
           open_at(AT_FDCWD, group.directory("memory") + (v1 ? "/memory.force_empty" : "/memory.reclaim"), O_WRONLY));
  std::optional<Interrupter> interrupter;
  if (v1) {
    interrupter.emplace();
    if (!interrupter->works()) return fail_errno("make a timer");
  }
  for (int fruitless = 0; usage > target && fruitless < kFruitless && !stop;) {
    METE_CHECK(free_piece(file.get(), group, v1, usage - target));
    METE_TRY(const Bytes left, memory_usage(group));
    fruitless = left < usage ? 0 : fruitless + 1;
    usage = left;
  }
  return usage;
}

}  // namespace mete::runtime::cgroup
