// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over TCP and over a unix socket, on the agent's loop. Bounded: so many connections, so large a request, so
// long a wait for a slow peer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/asio.h"
#include "config/result.h"

namespace mete::agent {

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // "/metrics", decoded
  std::multimap<std::string, std::string> query;
  std::string accept;           // headers
  std::string accept_encoding;
  std::string host;
  std::string body;
  bool local = false;  // over the unix socket, which only root may open

  [[nodiscard]] std::string parameter(const std::string& name) const;  // the first; empty when it is not there
  [[nodiscard]] std::vector<std::string> parameters(const std::string& name) const;  // all, in their order
};

struct HttpResponse {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  std::string encoding;  // Content-Encoding: "gzip"; empty: as it is
};

// A body made piece by piece.
class HttpSource {
 public:
  virtual ~HttpSource() = default;
  // An error cuts the connection: a peer must not take half a body for a whole one.
  using Take = std::function<void(Result<std::string> piece, bool last)>;
  // Called again only when the peer's socket has taken the last piece. Calls `take` on the loop, now or later.
  virtual void next(Take take) = 0;
};

// An answer without an end: chunks as they come. Dropping the last reference ends it.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // False: the peer is gone, or reads so slowly that it was cut off.
  virtual bool write(std::string_view chunk) = 0;
  // Called once when the peer has gone.
  virtual void on_close(std::function<void()> callback) = 0;
};

class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual void send(HttpResponse response) = 0;
  virtual void send(HttpResponse head, std::shared_ptr<HttpSource> body) = 0;
  virtual std::shared_ptr<HttpStream> stream(const std::string& type) = 0;
};

using HttpHandler = std::function<void(const HttpRequest&, const std::shared_ptr<HttpReply>&)>;

class HttpServer {
 public:
  HttpServer(asio::io_context& loop, HttpHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "127.0.0.1:9753", "[::1]:0" (a free port). The error names the address: taken, not ours, no number.
  [[nodiscard]] Status listen_tcp(const std::string& address);
  // The address as it is bound: with the port that the kernel chose.
  [[nodiscard]] const std::string& tcp_address() const { return tcp_address_; }
  // Mode 0600. A socket file that nobody listens on is replaced.
  [[nodiscard]] Status listen_unix(const std::string& path);
  void close();

 private:
  struct State;
  template <class Protocol>
  void accept(typename Protocol::acceptor& acceptor);

  std::shared_ptr<State> state_;
  asio::ip::tcp::acceptor tcp_;
  asio::local::stream_protocol::acceptor unix_;
  std::string tcp_address_;
};

// Percent-decoding of a path or query part; a wrong sequence is kept as it is.
[[nodiscard]] std::string url_decode(std::string_view text);
[[nodiscard]] std::string url_encode(std::string_view text);

}  // namespace mete::agent
