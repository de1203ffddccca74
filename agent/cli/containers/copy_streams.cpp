// SPDX-License-Identifier: Apache-2.0
// The caller's standard streams at a container: frames apart, a terminal raw, signals and sizes passed on.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "agent/cli/containers/docker_client.h"
#include "runtime/file.h"
#include "runtime/process/terminal.h"
#include "runtime/shim/attach_client.h"

namespace mete::agent::cli {
namespace {

using runtime::UniqueFd;

class StreamCopy {
 public:
  StreamCopy(const DockerClient& client, DockerClient::Opened& opened, const StreamWishes& wishes)
      : client_(client),
        socket_(opened.socket),
        wishes_(wishes),
        pending_(std::move(opened.early)),
        reading_(wishes.input) {
    sigemptyset(&signals_);
    if (wishes.tty) {
      sigaddset(&signals_, SIGWINCH);
    } else {
      for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&signals_, signal);
    }
    ::sigprocmask(SIG_BLOCK, &signals_, &before_);
    told_ = UniqueFd(::signalfd(-1, &signals_, SFD_CLOEXEC));
  }
  StreamCopy(const StreamCopy&) = delete;
  StreamCopy& operator=(const StreamCopy&) = delete;
  ~StreamCopy() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  StreamEnd run() {
    std::optional<runtime::process::RawTerminal> raw;
    if (wishes_.tty && wishes_.input) raw.emplace(runtime::process::LineEnds::given);
    if (wishes_.tty) tell_size();
    if (!reading_) ::shutdown(socket_.get(), SHUT_WR);
    show();
    while (step()) {
    }
    if (asked_to_end_ >= kForce) return StreamEnd::kForced;
    return keys_.detached() ? StreamEnd::kDetached : StreamEnd::kClosed;
  }

 private:
  bool step() {
    pollfd waits[3] = {{reading_ ? STDIN_FILENO : -1, POLLIN, 0}, {socket_.get(), POLLIN, 0}, {told_.get(), POLLIN, 0}};
    if (::poll(waits, 3, -1) < 0) return errno == EINTR;
    if (waits[2].revents != 0) signalled();
    if (asked_to_end_ >= kForce) return false;
    if (waits[1].revents != 0 && !receive()) return false;
    return waits[0].revents == 0 || type();
  }

  void signalled() {
    struct signalfd_siginfo info {};
    if (::read(told_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
    if (info.ssi_signo == SIGWINCH) return tell_size();
    if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM) ++asked_to_end_;
    if (wishes_.kill.empty()) return;
    (void)client_.request("POST", wishes_.kill + "?signal=" + std::to_string(info.ssi_signo));
  }

  void tell_size() {
    struct winsize size {};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 && ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) return;
    (void)client_.request("POST",
                          wishes_.resize + "?h=" + std::to_string(size.ws_row) + "&w=" + std::to_string(size.ws_col));
  }

  bool receive() {
    const ssize_t got = ::read(socket_.get(), buffer_, sizeof buffer_);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (got == 0) return false;
    pending_.append(buffer_, static_cast<std::size_t>(got));
    show();
    return true;
  }

  // Whole frames, or with a terminal the bytes as they are.
  void show() {
    if (wishes_.tty) {
      (void)runtime::write_all(STDOUT_FILENO, pending_);
      pending_.clear();
      return;
    }
    constexpr std::size_t kHead = 8;
    std::size_t at = 0;
    while (pending_.size() - at >= kHead) {
      std::size_t size = 0;
      for (std::size_t i = 4; i < kHead; ++i) size = (size << 8U) | static_cast<unsigned char>(pending_[at + i]);
      if (pending_.size() - at < kHead + size) break;
      const int to = pending_[at] == 2 ? STDERR_FILENO : STDOUT_FILENO;
      (void)runtime::write_all(to, std::string_view(pending_).substr(at + kHead, size));
      at += kHead + size;
    }
    pending_.erase(0, at);
  }

  bool type() {
    const ssize_t got = ::read(STDIN_FILENO, buffer_, sizeof buffer_);
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) {
      reading_ = false;
      ::shutdown(socket_.get(), SHUT_WR);
      return true;
    }
    std::string typed(buffer_, static_cast<std::size_t>(got));
    if (wishes_.tty) typed = keys_.pass(typed);
    (void)runtime::write_all(socket_.get(), typed);
    return !keys_.detached();
  }

  static constexpr unsigned kForce = 3;  // docker's: the third Ctrl-C ends the command

  const DockerClient& client_;
  const UniqueFd& socket_;
  const StreamWishes& wishes_;
  std::string pending_;
  bool reading_;
  unsigned asked_to_end_ = 0;
  sigset_t signals_{};
  sigset_t before_{};
  UniqueFd told_;
  runtime::shim::DetachKeys keys_;
  char buffer_[16384];
};

}  // namespace

StreamEnd copy_streams(const DockerClient& client, DockerClient::Opened& opened, const StreamWishes& wishes) {
  std::signal(SIGPIPE, SIG_IGN);
  return StreamCopy(client, opened, wishes).run();
}

}  // namespace mete::agent::cli
