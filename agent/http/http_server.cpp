// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <chrono>

#include "agent/http/http_session.h"

namespace mete::agent {
namespace {

using asio::ip::tcp;
using Local = asio::local::stream_protocol;

Result<tcp::endpoint> endpoint_of(const std::string& address) {
  const auto error = [&] {
    return fail("listen " + address + ": expected ADDRESS:PORT such as 127.0.0.1:9753 or [::]:9753");
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return error();
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  constexpr unsigned kLastPort = 65535;
  if (parsed.ec != std::errc() || parsed.ptr != end || port > kLastPort) return error();
  ErrorCode wrong;
  const auto ip = host.empty() ? asio::ip::make_address("0.0.0.0", wrong) : asio::ip::make_address(host, wrong);
  if (wrong) return error();
  return tcp::endpoint(ip, static_cast<unsigned short>(port));
}

}  // namespace

HttpServer::HttpServer(asio::io_context& loop, HttpHandler handler, HttpAccess* access, HttpLimits limits)
    : shared_(std::make_shared<HttpShared>(loop, std::move(handler), limits, access)),
      tcp_(loop),
      unix_(loop),
      tcp_again_(loop),
      unix_again_(loop) {}
HttpServer::~HttpServer() {
  close();
}

void HttpServer::on_refused(std::function<void(const char* why)> callback) {
  shared_->refused = std::move(callback);
}

void HttpServer::spool_bodies(HttpSpool spool) {
  shared_->spool = std::move(spool);
}

void HttpServer::handshakes_on(asio::io_context& worker) {
  shared_->worker = &worker;
}

const std::string& HttpServer::tcp_address() const {
  return shared_->tcp_address;
}

Status HttpServer::listen_tcp(const std::string& address) {
  METE_TRY(const tcp::endpoint endpoint, endpoint_of(address));
  ErrorCode error;
  tcp_.open(endpoint.protocol(), error);
  if (!error) tcp_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) tcp_.bind(endpoint, error);
  if (!error) tcp_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail_errno("listen on " + address, error.value());
  const auto bound = tcp_.local_endpoint(error);
  const std::string host =
      bound.address().is_v6() ? "[" + bound.address().to_string() + "]" : bound.address().to_string();
  shared_->tcp_address = host + ":" + std::to_string(bound.port());
  accept<tcp>(tcp_, tcp_again_);
  return {};
}

Status HttpServer::listen_unix(const std::string& path) {
  // The agent holds its state's lock, so only this instance may listen here: an existing file belongs to a dead agent.
  ::unlink(path.c_str());
  ErrorCode error;
  unix_.open(Local(), error);
  const mode_t before = ::umask(0177);
  if (!error) unix_.bind(Local::endpoint(path), error);
  ::umask(before);
  if (!error) unix_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail_errno("listen on " + path, error.value());
  accept<Local>(unix_, unix_again_);
  return {};
}

void HttpServer::close() {
  ErrorCode ignored;
  tcp_.close(ignored);
  unix_.close(ignored);
  tcp_again_.cancel();
  unix_again_.cancel();
}

template <class Protocol>
void HttpServer::accept(typename Protocol::acceptor& acceptor, Timer& again) {
  acceptor.async_accept([this, &acceptor, &again, shared = shared_](ErrorCode error, typename Protocol::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
    if (!error) {
      serve(std::move(socket), shared);
      return accept<Protocol>(acceptor, again);
    }
    // No descriptor or memory is left: the connection stays in the kernel's queue, and accepting again at once would
    // spin.
    constexpr auto kLater = std::chrono::milliseconds(100);
    again.expires_after(kLater);
    again.async_wait([this, &acceptor, &again](ErrorCode stopped) {
      if (!stopped && acceptor.is_open()) accept<Protocol>(acceptor, again);
    });
  });
}

}  // namespace mete::agent
