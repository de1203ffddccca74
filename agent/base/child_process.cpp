// SPDX-License-Identifier: Apache-2.0
#include "agent/base/child_process.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace mete::agent {
namespace {

// Polling interval when no descriptor for the child is available.
constexpr auto kLookAgain = std::chrono::milliseconds(50);

class Waiting : public std::enable_shared_from_this<Waiting> {
 public:
  Waiting(asio::io_context& loop, pid_t pid, std::function<void(int)> ended)
      : process_(loop), again_(loop), pid_(pid), ended_(std::move(ended)) {}

  void begin() {
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd < 0) return look();
    process_.assign(pidfd);
    process_.async_wait(Descriptor::wait_read, [self = shared_from_this()](ErrorCode error) {
      if (!error) self->look();
    });
  }

 private:
  void look() {
    int status = 0;
    const pid_t reaped = ::waitpid(pid_, &status, WNOHANG);
    if (reaped == 0 || (reaped < 0 && errno == EINTR)) {
      again_.expires_after(kLookAgain);
      again_.async_wait([self = shared_from_this()](ErrorCode error) {
        if (!error) self->look();
      });
      return;
    }
    process_.close();
    std::exchange(ended_, nullptr)(reaped == pid_ && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  }

  Descriptor process_;
  Timer again_;
  pid_t pid_;
  std::function<void(int)> ended_;
};

}  // namespace

void await_child(asio::io_context& loop, pid_t pid, std::function<void(int code)> ended) {
  std::make_shared<Waiting>(loop, pid, std::move(ended))->begin();
}

}  // namespace mete::agent
