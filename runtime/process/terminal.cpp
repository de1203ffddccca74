// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/file.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::process {
namespace {

void copy_size(const UniqueFd& terminal) {
  struct winsize size {};
  for (const int own : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(own, TIOCGWINSZ, &size) != 0) continue;
    ::ioctl(terminal.get(), TIOCSWINSZ, &size);
    return;
  }
}

class Relay {
 public:
  Relay(const UniqueFd& terminal, const UniqueFd& pidfd, UniqueFd signals)
      : terminal_(terminal), pidfd_(pidfd), signals_(std::move(signals)) {}

  void run() {
    while (step()) {
    }
  }

 private:
  bool step() {
    constexpr int kLastOutputMilliseconds = 50;
    pollfd waits[4] = {{input_ ? STDIN_FILENO : -1, POLLIN, 0},
                       {terminal_.get(), POLLIN, 0},
                       {ended_ ? -1 : pidfd_.get(), POLLIN, 0},
                       {signals_.get(), POLLIN, 0}};
    const int ready = ::poll(waits, 4, ended_ ? kLastOutputMilliseconds : -1);
    if (ready < 0) return errno == EINTR;
    if (ready == 0) return false;
    if (waits[3].revents != 0) pass_signal();
    if (waits[0].revents != 0) read_input();
    if (waits[1].revents != 0 && !copy_output()) return false;
    ended_ = ended_ || waits[2].revents != 0;
    return true;
  }

  void read_input() {
    const ssize_t got = ::read(STDIN_FILENO, buffer_, sizeof buffer_);
    if (got <= 0 || !write_all(terminal_.get(), {buffer_, static_cast<std::size_t>(got)})) input_ = false;
  }

  bool copy_output() {
    const ssize_t got = ::read(terminal_.get(), buffer_, sizeof buffer_);
    if (got <= 0) return got < 0 && errno == EINTR;
    (void)write_all(STDOUT_FILENO, {buffer_, static_cast<std::size_t>(got)});
    return true;
  }

  void pass_signal() {
    struct signalfd_siginfo info {};
    if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGWINCH) {
      copy_size(terminal_);
    } else if (number != SIGCHLD) {
      (void)send_signal(pidfd_, number);
    }
  }

  const UniqueFd& terminal_;
  const UniqueFd& pidfd_;
  UniqueFd signals_;
  bool input_ = true;
  bool ended_ = false;
  char buffer_[4096];
};

}  // namespace

RawTerminal::RawTerminal(LineEnds ends) {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  raw_ = true;
  struct termios now = before_;
  ::cfmakeraw(&now);
  if (ends == LineEnds::added) now.c_oflag |= OPOST;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

RawTerminal::~RawTerminal() {
  if (raw_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

void prepare_foreground(const UniqueFd& terminal) {
  copy_size(terminal);
  struct termios now {};
  if (::tcgetattr(terminal.get(), &now) != 0) return;
  now.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  ::tcsetattr(terminal.get(), TCSANOW, &now);
}

void relay(const UniqueFd& terminal, const UniqueFd& pidfd, sigset_t passed_on) {
  const RawTerminal raw(LineEnds::added);
  ::sigaddset(&passed_on, SIGWINCH);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &passed_on, &before);
  Relay(terminal, pidfd, UniqueFd(::signalfd(-1, &passed_on, SFD_CLOEXEC))).run();
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace mete::runtime::process
