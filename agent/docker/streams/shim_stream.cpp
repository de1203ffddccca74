// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/shim_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/readable.h"
#include "agent/docker/routes.h"
#include "runtime/shim/attach_protocol.h"

namespace mete::agent::docker {

namespace attach = runtime::shim::attach;

namespace {

constexpr std::size_t kLate = 1U << 20U;   // bytes that a client has not read
constexpr std::size_t kMostMessages = 16;  // of input that a container has not read
constexpr std::size_t kLargestInput = 8 << 10;

}  // namespace

Result<SocketPair> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return fail_errno("socketpair");
  return SocketPair{runtime::UniqueFd(ends[0]), runtime::UniqueFd(ends[1])};
}

ShimStream::ShimStream(asio::io_context& loop, runtime::UniqueFd socket, Ends ends, const Wishes& wishes)
    : socket_(loop, socket.release()),
      ends_(std::move(ends)),
      wishes_(wishes),
      buffer_(attach::kLargestMessage, '\0') {}

void ShimStream::begin() {
  send(std::string(1, attach::kPatience));
  if (ends_.client) {
    // The client's callbacks hold this object, and it holds the client, until finish() lets go of both.
    ends_.client->on_close([self = shared_from_this()] { self->client_has_gone(); });
    ends_.client->on_drained([self = shared_from_this()] { self->read(); });
    ends_.client->on_input([self = shared_from_this()](std::string_view bytes) {
      self->client_says(bytes);
      return self->to_send_.size() < kMostMessages;
    });
  }
  read();
}

void ShimStream::resize(unsigned rows, unsigned columns) {
  send(attach::message(attach::WindowSize{static_cast<std::uint16_t>(rows), static_cast<std::uint16_t>(columns)}));
}

// The shim takes what is in the socket before it sees the end of it, and closes its own end then.
void ShimStream::resize_alone(unsigned rows, unsigned columns) {
  resize(rows, columns);
  ::shutdown(socket_.native_handle(), SHUT_WR);
  read();
}

bool ShimStream::client_is_late() const {
  return ends_.client && ends_.client->queued() > kLate;
}

void ShimStream::read() {
  if (over_ || reading_ || client_is_late()) return;
  reading_ = true;
  socket_.async_wait(Descriptor::wait_read, [self = shared_from_this()](ErrorCode error) {
    self->reading_ = false;
    if (error || self->over_) return;
    // A few at once; then it is the others' turn.
    for (int i = 0; i < 16 && !self->over_ && !self->client_is_late(); ++i) {
      const ssize_t got =
          ::recv(self->socket_.native_handle(), self->buffer_.data(), self->buffer_.size(), MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      // The shim has ended without reading what was sent to it: told once, before what it has said.
      if (got < 0 && errno == ECONNRESET) continue;
      if (got <= 0) return self->finish({});
      self->take({self->buffer_.data(), static_cast<std::size_t>(got)});
    }
    self->read();
  });
}

void ShimStream::take(std::string_view message) {
  switch (message.front()) {
    case attach::kOutput:
      if (wishes_.output) show(1, message.substr(1));
      break;
    case attach::kErrors:
      if (wishes_.errors) show(2, message.substr(1));
      break;
    case attach::kStarted:
      if (ends_.started) ends_.started(attach::parse_exited(message).value_or(0));
      break;
    case attach::kExited:
      finish({true, attach::parse_exited(message).value_or(0)});
      break;
    default:
      break;
  }
}

void ShimStream::show(int stream, std::string_view bytes) {
  if (!ends_.client && ends_.said) ends_.said(bytes);
  if (!ends_.client || bytes.empty()) return;
  ends_.client->write(wishes_.framed ? frame(stream, bytes) : std::string(bytes));
}

void ShimStream::client_says(std::string_view bytes) {
  if (over_ || !wishes_.input) return;
  if (bytes.empty()) return send(std::string(1, attach::kInputEnd));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kLargestInput)))
    send(attach::kInput + std::string(bytes.substr(0, kLargestInput)));
}

void ShimStream::send(std::string message) {
  to_send_.push_back(std::move(message));
  if (!writing_) write();
}

void ShimStream::write() {
  while (!over_ && !to_send_.empty()) {
    const std::string& next = to_send_.front();
    const ssize_t put = ::send(socket_.native_handle(), next.data(), next.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) {
      writing_ = true;
      socket_.async_wait(Descriptor::wait_write, [self = shared_from_this()](ErrorCode error) {
        self->writing_ = false;
        if (!error) self->write();
      });
      return;
    }
    to_send_.pop_front();  // a shim that is gone is noticed by reading
  }
  if (client_gone_) return finish({});
  if (over_ || !ends_.client || !wishes_.input) return;
  // The client may go on.
  ends_.client->on_input([self = shared_from_this()](std::string_view bytes) {
    self->client_says(bytes);
    return self->to_send_.size() < kMostMessages;
  });
}

void ShimStream::client_has_gone() {
  if (over_) return;
  client_gone_ = true;
  const auto client = std::exchange(ends_.client, nullptr);
  client->on_drained(nullptr);
  client->on_input(nullptr);
  read();  // it may have been held for the client
  if (to_send_.empty()) finish({});
}

void ShimStream::finish(const Ended& ended) {
  if (std::exchange(over_, true)) return;
  socket_.close();
  const auto client = std::exchange(ends_.client, nullptr);
  if (client) {
    client->on_drained(nullptr);
    client->on_input(nullptr);
    client->on_close(nullptr);
  }
  ends_.said = nullptr;
  if (const auto callback = std::exchange(ends_.ended, nullptr)) callback(ended);
}

}  // namespace mete::agent::docker
