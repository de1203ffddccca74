// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/attachments.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace mete::runtime::shim {
namespace {

constexpr std::size_t kMostAttachers = 64;
constexpr std::size_t kMostPending = 64U << 10U;
// Of the kernel's, and charged only while it is filled: what an attacher may be late.
constexpr int kLateBytes = 1 << 20;

void set_nonblocking(int fd) {
  (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void widen(const UniqueFd& socket) {
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kLateBytes, sizeof kLateBytes) != 0)
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &kLateBytes, sizeof kLateBytes);
}

bool send_now(const UniqueFd& socket, std::string_view message) {
  return ::send(socket.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(message.size());
}

}  // namespace

Status Attachments::listen(const std::string& path) {
  METE_TRY(listener_, attach::listen_at(path));
  return {};
}

void Attachments::take_input(UniqueFd pipe, bool once) {
  set_nonblocking(pipe.get());
  pipe_ = std::move(pipe);
  once_ = once;
}

void Attachments::take_terminal(int terminal, bool input) {
  set_nonblocking(terminal);
  terminal_ = terminal;
  terminal_input_ = input;
}

int Attachments::input_fd() const {
  return terminal_input_ ? terminal_ : pipe_.get();
}

bool Attachments::takes_more() const {
  return pending_.size() < kMostPending;
}

void Attachments::add_waits(std::vector<pollfd>& waits) const {
  waits.push_back({listener_.get(), POLLIN, 0});
  waits.push_back({pending_.empty() ? -1 : input_fd(), POLLOUT, 0});
  for (const auto& each : attachers_) {
    const auto events = (takes_more() ? POLLIN : 0) | (each.held.empty() ? 0 : POLLOUT);
    waits.push_back({each.socket.get(), static_cast<short>(events), 0});
  }
}

void Attachments::handle(const pollfd* waits) {
  const bool knocked = waits[0].revents != 0;
  if (waits[1].revents != 0) write_input();
  const pollfd* wait = waits + 2;
  for (auto& each : attachers_) {
    const int news = (wait++)->revents;
    if ((news & POLLOUT) != 0) send_held(each);
    if ((news & ~POLLOUT) == 0 || receive(each)) continue;
    input_ended(each);
    each.socket.reset();
  }
  std::erase_if(attachers_, [](const Attacher& each) { return !each.socket.valid(); });
  if (knocked) accept();
}

void Attachments::accept() {
  Attacher attacher;
  attacher.socket = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  // One too many is closed at once.
  if (!attacher.socket.valid() || attachers_.size() >= kMostAttachers) return;
  widen(attacher.socket);
  (void)send_now(attacher.socket, attach::message(attach::Hello{terminal_ >= 0, input_fd() >= 0, once_}));
  attachers_.push_back(std::move(attacher));
}

bool Attachments::receive(Attacher& attacher) {
  char buffer[attach::kLargestMessage];
  const ssize_t got = ::recv(attacher.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  take(attacher, {buffer, static_cast<std::size_t>(got)});
  return true;
}

void Attachments::take(Attacher& attacher, std::string_view message) {
  switch (message.front()) {
    case attach::kInput:
      if (input_fd() < 0 || attacher.input_ended) return;
      attacher.gave_input = true;
      pending_ += message.substr(1);
      write_input();
      break;
    case attach::kInputEnd:
      attacher.gave_input = true;
      input_ended(attacher);
      break;
    case attach::kResize:
      if (const auto size = attach::parse_size(message); size && terminal_ >= 0) resize(*size);
      break;
    case attach::kPatience:
      attacher.patient = true;
      break;
    default:
      break;
  }
}

void Attachments::take(UniqueFd socket) {
  set_nonblocking(socket.get());
  widen(socket);
  Attacher attacher;
  attacher.socket = std::move(socket);
  attacher.patient = true;
  attachers_.push_back(std::move(attacher));
}

bool Attachments::is_holding() {
  const auto now = std::chrono::steady_clock::now();
  bool holding = false;
  for (auto& each : attachers_) {
    if (each.held.empty()) continue;
    if (now - each.held_since > kLongestWait) lose_patience(each);
    holding = holding || !each.held.empty();
  }
  return holding;
}

void Attachments::lose_patience(Attacher& attacher) {
  attacher.patient = false;
  for (const auto& each : attacher.held) attacher.skipped += each.size() - 1;
  attacher.held.clear();
}

void Attachments::send_held(Attacher& attacher) {
  while (!attacher.held.empty() && send_now(attacher.socket, attacher.held.front())) {
    attacher.held.pop_front();
    attacher.held_since = std::chrono::steady_clock::now();
  }
}

void Attachments::send(Attacher& attacher, std::string message, std::size_t bytes) {
  if (attacher.held.empty() && send_now(attacher.socket, message)) return;
  if (!attacher.patient) {
    attacher.skipped += bytes;
    return;
  }
  if (attacher.held.empty()) attacher.held_since = std::chrono::steady_clock::now();
  attacher.held.push_back(std::move(message));
}

// An unchanged size is no news to the program: a change that is taken back makes it draw again for whoever has come.
void Attachments::resize(const attach::WindowSize& size) const {
  struct winsize now {};
  (void)::ioctl(terminal_, TIOCGWINSZ, &now);
  struct winsize next {};
  next.ws_row = size.rows;
  next.ws_col = size.columns;
  if (now.ws_row == size.rows && now.ws_col == size.columns) {
    ++next.ws_col;
    (void)::ioctl(terminal_, TIOCSWINSZ, &next);
    --next.ws_col;
  }
  (void)::ioctl(terminal_, TIOCSWINSZ, &next);
}

void Attachments::input_ended(Attacher& attacher) {
  if (attacher.input_ended) return;
  attacher.input_ended = true;
  // As the API of Kubernetes has it: without stdinOnce the input outlives those who type.
  if (!once_ || !attacher.gave_input) return;
  close_after_pending_ = true;
  write_input();
}

void Attachments::write_input() {
  while (!pending_.empty() && input_fd() >= 0) {
    const ssize_t put = ::write(input_fd(), pending_.data(), pending_.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put <= 0) {
      // Nobody in the container reads any more.
      pipe_.reset();
      pending_.clear();
      return;
    }
    pending_.erase(0, static_cast<std::size_t>(put));
  }
  pending_.clear();
  if (close_after_pending_) pipe_.reset();
}

void Attachments::show(char letter, std::string_view bytes) {
  if (attachers_.empty()) return;
  std::string message;
  for (auto& each : attachers_) {
    if (each.skipped > 0) {
      if (!send_now(each.socket, attach::skipped_message(each.skipped))) {
        each.skipped += bytes.size();
        continue;
      }
      each.skipped = 0;
    }
    if (message.empty()) (message = letter) += bytes;
    send(each, message, bytes.size());
  }
}

void Attachments::end(std::int32_t code) {
  // Whoever connected and was not accepted yet is told, too.
  std::size_t before = 0;
  do {
    before = attachers_.size();
    accept();
  } while (attachers_.size() > before);
  for (auto& each : attachers_) {
    if (each.skipped > 0) (void)send_now(each.socket, attach::skipped_message(each.skipped));
    send(each, attach::exited_message(code), 0);
  }
  while (is_holding()) {
    std::vector<pollfd> waits;
    for (const auto& each : attachers_) waits.push_back({each.held.empty() ? -1 : each.socket.get(), POLLOUT, 0});
    constexpr int kLookAgain = 1'000;
    if (::poll(waits.data(), waits.size(), kLookAgain) <= 0) continue;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if ((waits[i].revents & ~POLLOUT) != 0) attachers_[i].held.clear();  // it has gone
      if (waits[i].revents != 0) send_held(attachers_[i]);
    }
  }
  attachers_.clear();
  listener_.reset();
}

}  // namespace mete::runtime::shim
