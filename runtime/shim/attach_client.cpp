// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/attach_client.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "runtime/file.h"
#include "runtime/process/terminal.h"

namespace mete::runtime::shim {
namespace {

constexpr char kCtrlP = 'P' & 0x1f;
constexpr char kCtrlQ = 'Q' & 0x1f;

std::optional<attach::WindowSize> own_size() {
  struct winsize size {};
  for (const int own : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(own, TIOCGWINSZ, &size) == 0) return attach::WindowSize{size.ws_row, size.ws_col};
  }
  return std::nullopt;
}

class Session {
 public:
  Session(const UniqueFd& socket, const attach::Hello& hello, const AttachWishes& wishes, UniqueFd signals)
      : socket_(socket), hello_(hello), wishes_(wishes), signals_(std::move(signals)), reading_(wishes.input) {
    if (wishes_.terminal) tell_size();
    // Says whose input it is that ends, should it end without a byte.
    if (wishes_.input) to_send_.assign(1, attach::kInput);
    send();
  }

  AttachEnd run() {
    while (step()) {
    }
    // What was said before the input ended is here already, and is shown.
    while (!closed_ && receive()) {
      pollfd more{socket_.get(), POLLIN, 0};
      if (::poll(&more, 1, 0) <= 0) break;
    }
    return end_;
  }

 private:
  bool step() {
    const auto socket_events = static_cast<short>(POLLIN | (to_send_.empty() ? 0 : POLLOUT));
    pollfd waits[3] = {{reading_ && to_send_.empty() ? STDIN_FILENO : -1, POLLIN, 0},
                       {socket_.get(), socket_events, 0},
                       {signals_.get(), POLLIN, 0}};
    if (::poll(waits, 3, -1) < 0) return errno == EINTR;
    if (waits[2].revents != 0) {
      struct signalfd_siginfo info {};
      (void)!::read(signals_.get(), &info, sizeof info);
      tell_size();
    }
    if ((waits[1].revents & POLLOUT) != 0) send();
    if ((waits[1].revents & ~POLLOUT) != 0 && !receive()) return false;
    return waits[0].revents == 0 || read_input();
  }

  void tell_size() {
    const auto size = own_size();
    if (!size) return;
    // A full socket is one whose container takes no input; the size is of no use there.
    const std::string text = attach::message(*size);
    (void)::send(socket_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  void send() {
    if (to_send_.empty()) return;
    const ssize_t put = ::send(socket_.get(), to_send_.data(), to_send_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    to_send_.clear();
  }

  bool read_input() {
    const ssize_t got = ::read(STDIN_FILENO, buffer_, sizeof buffer_ - 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) return input_has_ended();
    std::string_view typed(buffer_, static_cast<std::size_t>(got));
    std::string passed;
    if (wishes_.terminal) {
      passed = keys_.pass(typed);
      typed = passed;
    }
    if (!typed.empty()) (to_send_ = attach::kInput) += typed;
    send();
    if (!keys_.detached()) return true;
    end_.detached = true;
    return false;
  }

  // What the container says to the last of the input is still shown when the container sees that end, too.
  bool input_has_ended() {
    reading_ = false;
    if (hello_.once && !hello_.terminal) {
      to_send_.assign(1, attach::kInputEnd);
      send();
      return true;
    }
    end_.detached = true;
    return false;
  }

  bool receive() {
    const ssize_t got = ::recv(socket_.get(), buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    closed_ = got == 0;
    if (closed_) return false;
    const std::string_view message(buffer_, static_cast<std::size_t>(got));
    if (message.front() == attach::kOutput) return static_cast<bool>(write_all(STDOUT_FILENO, message.substr(1)));
    if (message.front() == attach::kErrors) return static_cast<bool>(write_all(STDERR_FILENO, message.substr(1)));
    if (message.front() == attach::kSkipped) {
      std::fprintf(
          stderr,
          "mete: %llu bytes of output were left out here, because they were not read in time; `mete logs` has them\n",
          static_cast<unsigned long long>(attach::parse_skipped(message).value_or(0)));
    }
    if (message.front() != attach::kExited) return true;
    closed_ = true;
    end_.exit_code = attach::parse_exited(message);
    return false;
  }

  const UniqueFd& socket_;
  const attach::Hello& hello_;
  const AttachWishes& wishes_;
  UniqueFd signals_;
  bool reading_;
  std::string to_send_;
  bool closed_ = false;
  DetachKeys keys_;
  AttachEnd end_;
  char buffer_[attach::kLargestMessage];
};

}  // namespace

std::string DetachKeys::pass(std::string_view typed) {
  std::string passed;
  for (const char key : typed) {
    if (first_typed_ && key == kCtrlQ) {
      detached_ = true;
      return passed;
    }
    if (first_typed_) passed += kCtrlP;
    first_typed_ = key == kCtrlP;
    if (!first_typed_) passed += key;
  }
  return passed;
}

Result<attach::Hello> greet(const UniqueFd& socket) {
  constexpr int kPatienceMilliseconds = 10'000;
  pollfd wait{socket.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&wait, 1, kPatienceMilliseconds);
  } while (ready < 0 && errno == EINTR);
  char buffer[attach::kLargestMessage];
  const ssize_t got = ready > 0 ? ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT) : 0;
  const std::string_view message(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  const auto hello = message.starts_with(attach::kHello) ? attach::parse_hello(message) : std::nullopt;
  if (!hello)
    return fail("attach: found no answer of the container's shim, expected it to tell what the container has");
  return *hello;
}

AttachEnd attach_streams(const UniqueFd& socket, const attach::Hello& hello, const AttachWishes& wishes) {
  sigset_t resized;
  sigemptyset(&resized);
  sigaddset(&resized, SIGWINCH);
  sigset_t before;
  // Before the size is told: a change in between is not lost.
  ::sigprocmask(SIG_BLOCK, &resized, &before);
  AttachEnd end;
  {
    std::optional<process::RawTerminal> raw;
    if (wishes.terminal) raw.emplace(process::LineEnds::given);
    UniqueFd signals(wishes.terminal ? ::signalfd(-1, &resized, SFD_CLOEXEC) : -1);
    end = Session(socket, hello, wishes, std::move(signals)).run();
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return end;
}

}  // namespace mete::runtime::shim
