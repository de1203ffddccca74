// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/network_run.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace mete::agent {

using asio::ip::tcp;

std::string NetworkRun::host_or_own(const std::string& host) const {
  if (!host.empty()) return host;
  return place_.address.empty() ? "127.0.0.1" : place_.address;
}

void NetworkRun::stop() {
  close();
  if (resolver_) resolver_->cancel();
}

void NetworkRun::dial(const std::string& host, std::uint16_t port) {
  ErrorCode error;
  const auto address = asio::ip::make_address(host_or_own(host), error);
  if (error) return resolve(host, port);
  left_ = {{address, port}};
  try_next({});
}

void NetworkRun::resolve(const std::string& host, std::uint16_t port) {
  resolver_ = std::make_shared<tcp::resolver>(services_.loop);
  resolver_->async_resolve(host, std::to_string(port),
                           [self = self<NetworkRun>()](ErrorCode error, const tcp::resolver::results_type& found) {
                             if (self->is_over()) return;
                             for (const auto& each : found) self->left_.push_back(each.endpoint());
                             std::reverse(self->left_.begin(), self->left_.end());
                             self->try_next(error);
                           });
}

void NetworkRun::try_next(const ErrorCode& error) {
  if (left_.empty()) return finish(ProbeResult::kFailure, what_failed() + ": " + error.message());
  const tcp::endpoint to = left_.back();
  left_.pop_back();
  close();
  if (place_.network) {
    services_.connections.begin(place_.network, to, first_request(),
                                [self = self<NetworkRun>(), to](Result<BegunConnection> begun) {
                                  if (self->is_over()) return;
                                  if (!begun) return self->finish(ProbeResult::kUnknown, begun.error().what);
                                  self->go_on(to, std::move(*begun));
                                });
    return;
  }
  runtime::UniqueFd made(::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!made.valid())
    return finish(ProbeResult::kUnknown,
                  "make a socket: " + ErrorCode(errno, boost::system::system_category()).message());
  go_on(to, begin_connection(std::move(made), to));
}

void NetworkRun::go_on(const tcp::endpoint& to, BegunConnection begun) {
  connection_ = std::move(begun.socket);
  family_ = to.protocol();
  if (begun.connected) return connected(begun);
  if (begun.error != EINPROGRESS) return try_next(ErrorCode(begun.error, boost::system::system_category()));
  wait_for_connection(to);
}

void NetworkRun::wait_for_connection(const tcp::endpoint& to) {
  if (!watch()) return;
  socket_.async_wait(ProbeSocket::wait_write, [self = self<NetworkRun>(), to](ErrorCode error) {
    if (self->is_over()) return;
    int result = 0;
    socklen_t size = sizeof result;
    if (!error) ::getsockopt(self->socket_.native_handle(), SOL_SOCKET, SO_ERROR, &result, &size);
    if (result != 0) error = ErrorCode(result, boost::system::system_category());
    if (error) return self->try_next(error);
    self->connected({});
  });
}

bool NetworkRun::watch() {
  if (!connection_.valid()) return true;  // it does already
  ErrorCode error;
  socket_.assign(family_, connection_.get(), error);
  if (error) {
    finish(ProbeResult::kUnknown, what_failed() + ": " + error.message());
    return false;
  }
  (void)connection_.release();
  return true;
}

void NetworkRun::close() {
  connection_ = {};
  ErrorCode ignored;
  if (socket_.is_open()) socket_.close(ignored);
}

namespace {

class TcpRun : public NetworkRun {
 public:
  TcpRun(Services& services, ProbePlace place, config::TcpConnect connect)
      : NetworkRun(services, std::move(place)), connect_(std::move(connect)) {}

 private:
  void start() override { dial(connect_.host, connect_.port); }
  void connected(const BegunConnection& /*begun*/) override { finish(ProbeResult::kSuccess, {}); }
  [[nodiscard]] std::string what_failed() const override {
    return "dial tcp " + host_or_own(connect_.host) + ":" + std::to_string(connect_.port);
  }
  [[nodiscard]] std::string out_of_time() const override { return what_failed() + ": no connection"; }

  const config::TcpConnect connect_;
};

}  // namespace

std::shared_ptr<ProbeRun> make_tcp_run(Services& services, const ProbePlace& place, config::TcpConnect connect) {
  return std::make_shared<TcpRun>(services, place, std::move(connect));
}

}  // namespace mete::agent
