// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over TCP, TLS and a unix socket, on the agent's loop. The number of connections, the size of requests and
// the time given to a slow peer are bounded (HttpLimits).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/asio.h"
#include "agent/http/http_access.h"
#include "agent/http/http_spool.h"
#include "agent/http/http_types.h"
#include "agent/http/http_url.h"

namespace mete::agent {

struct HttpShared;

class HttpServer {
 public:
  // `access` decides which TCP clients are answered; null: all. It must outlive the loop's last run.
  HttpServer(asio::io_context& loop, HttpHandler handler, HttpAccess* access = nullptr, HttpLimits limits = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `callback` is called for each refused connection or request: "limit", "auth", "rate", "slow", "tls".
  void on_refused(std::function<void(const char* why)> callback);
  // Makes TLS handshakes on `worker`, which must end before the loop. By default they are made on the loop.
  void handshakes_on(asio::io_context& worker);
  // Over unix sockets only: bodies over TCP are small (HttpLimits).
  void spool_bodies(HttpSpool spool);
  // "127.0.0.1:9753", "[::1]:0" (a free port). The error names the address: taken, not local, or not numeric.
  [[nodiscard]] Status listen_tcp(const std::string& address);
  // The bound address, with the port that the kernel chose.
  [[nodiscard]] const std::string& tcp_address() const;
  // Mode 0600. A socket file without a listener is replaced.
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
