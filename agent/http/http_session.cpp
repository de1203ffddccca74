// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_session.h"

#include <sys/socket.h>

#include "agent/http/http_session_impl.h"

namespace mete::agent {
namespace {

using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using TcpStream = beast::basic_stream<tcp>;
using LocalStream = beast::basic_stream<Local>;
using TlsStream = asio::ssl::stream<TcpStream>;

// Answers a connection beyond the limits with an error, without reading its request.
class Refusal : public std::enable_shared_from_this<Refusal> {
 public:
  Refusal(tcp::socket socket, std::shared_ptr<HttpShared> shared)
      : shared_(std::move(shared)), stream_(std::move(socket)) {
    ++shared_->refusals;
  }
  Refusal(const Refusal&) = delete;
  Refusal& operator=(const Refusal&) = delete;
  ~Refusal() { --shared_->refusals; }

  void start() {
    text_ = whole_text(text_response(503, "Too many connections.\n", {{"Retry-After", "1"}}));
    stream_.expires_after(shared_->limits.linger);
    asio::async_write(stream_, asio::buffer(text_), [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (!error) linger(self->stream_, self->shared_->limits.linger, [self] {});
    });
  }

 private:
  std::shared_ptr<HttpShared> shared_;
  TcpStream stream_;
  std::string text_;
};

}  // namespace

void serve(tcp::socket socket, const std::shared_ptr<HttpShared>& shared) {
  ErrorCode error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // already closed by the peer
  socket.set_option(tcp::no_delay(true), error);
  const auto context = shared->access == nullptr ? nullptr : shared->access->tls();
  auto place = shared->tcp.enter(peer_key(peer.address()));
  if (place == nullptr) {
    shared->refused("limit");
    constexpr unsigned kMostRefusals = 64;
    // Over TLS an answer would need the handshake, the very cost to be avoided.
    if (context == nullptr && shared->refusals < kMostRefusals)
      std::make_shared<Refusal>(std::move(socket), shared)->start();
    return;
  }
  if (context == nullptr) {
    std::make_shared<Session<TcpStream>>(shared, std::move(place), std::move(socket))->start();
  } else {
    std::make_shared<Session<TlsStream>>(shared, std::move(place), std::move(socket), context)->start();
  }
}

void serve(Local::socket socket, const std::shared_ptr<HttpShared>& shared) {
  auto place = shared->local.enter({});
  if (place == nullptr) {
    shared->refused("limit");
    return;
  }
  std::make_shared<Session<LocalStream>>(shared, std::move(place), std::move(socket))->start();
}

std::optional<HttpPeer> peer_of(int socket) {
  struct ucred told {};
  socklen_t size = sizeof told;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &told, &size) != 0) return std::nullopt;
  return HttpPeer{told.pid, told.uid, told.gid};
}

HttpResponse refusal(Admission admission) {
  switch (admission) {
    case Admission::kTooMany:
      return text_response(429, "More requests than rate_limit allows.\n", {{"Retry-After", "1"}});
    case Admission::kBusy:
      return text_response(503, "Too many passwords wait to be checked.\n", {{"Retry-After", "1"}});
    default:
      return text_response(401, "Unauthorized\n", {{"WWW-Authenticate", "Basic"}});
  }
}

}  // namespace mete::agent
