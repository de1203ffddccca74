// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over TCP, TLS and a unix socket, on the agent's loop. Bounded: so many connections, so large a request, so
// long a wait for a slow peer (HttpLimits).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/asio.h"
#include "agent/http/http_access.h"
#include "agent/http/http_types.h"
#include "agent/http/http_url.h"

namespace mete::agent {

struct HttpShared;

class HttpServer {
 public:
  // `access` decides who may come in over TCP; null: everybody. It outlives the loop's last run.
  HttpServer(asio::io_context& loop, HttpHandler handler, HttpAccess* access = nullptr, HttpLimits limits = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Told of each connection or request that was turned away: "limit", "auth", "rate", "slow", "tls".
  void on_refused(std::function<void(const char* why)> callback);
  // TLS handshakes are made on `worker`, which ends before the loop; without this on the loop.
  void handshakes_on(asio::io_context& worker);
  // "127.0.0.1:9753", "[::1]:0" (a free port). The error names the address: taken, not ours, no number.
  [[nodiscard]] Status listen_tcp(const std::string& address);
  // The address as it is bound: with the port that the kernel chose.
  [[nodiscard]] const std::string& tcp_address() const;
  // Mode 0600. A socket file that nobody listens on is replaced.
  [[nodiscard]] Status listen_unix(const std::string& path);
  void close();

 private:
  template <class Protocol>
  void accept(typename Protocol::acceptor& acceptor, Timer& again);

  std::shared_ptr<HttpShared> shared_;
  asio::ip::tcp::acceptor tcp_;
  asio::local::stream_protocol::acceptor unix_;
  Timer tcp_again_;
  Timer unix_again_;
};

}  // namespace mete::agent
