// SPDX-License-Identifier: Apache-2.0
// Types that the HTTP server and its handlers exchange: requests, responses, bodies in pieces. For the loop's thread
// only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The process at the other end of a unix socket, as the kernel knows it (SO_PEERCRED in unix(7)).
struct HttpPeer {
  int pid = 0;
  unsigned uid = 0;
  unsigned gid = 0;
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // "/metrics", decoded
  std::multimap<std::string, std::string> query;
  std::string accept;  // headers
  std::string accept_encoding;
  std::string host;
  std::string content_type;
  std::string registry_login;  // X-Registry-Auth of docker's clients
  bool upgrades = false;       // asks for another protocol on its connection: HttpReply::take_over
  std::string body;
  std::shared_ptr<const runtime::UniqueFd> body_file;       // in place of `body`, from its beginning: HttpSpool
  std::optional<std::chrono::milliseconds> scrape_timeout;  // X-Prometheus-Scrape-Timeout-Seconds
  bool local = false;                                       // over the unix socket, which only root may open
  std::optional<HttpPeer> peer;                             // over the unix socket
  bool tls = false;                                         // the TCP address speaks TLS
  std::string tcp_address;                                  // "127.0.0.1:9753", the bound address

  [[nodiscard]] std::string parameter(const std::string& name) const;                // the first value; empty: none
  [[nodiscard]] std::vector<std::string> parameters(const std::string& name) const;  // all values, in order
};

struct HttpResponse {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  std::string encoding;  // Content-Encoding: "gzip"; empty: none
  HttpHeaders headers;   // further ones: Vary, ETag, Allow
};

// A body that is made piece by piece.
class HttpSource {
 public:
  virtual ~HttpSource() = default;
  // On an error the connection is cut, so that the peer does not take half a body for a whole one.
  using Take = std::function<void(Result<std::string> piece, bool last)>;
  // Makes the next piece and calls `take` on the loop, now or later. Called again only when the peer's socket has
  // accepted the last piece.
  virtual void next(Take take) = 0;
};

// An endless answer: chunks as they arrive. Dropping the last reference ends it.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // False: the peer has closed, or read so slowly that the connection was cut.
  virtual bool write(std::string_view chunk) = 0;
  // `callback` is called once, when the peer has closed.
  virtual void on_close(std::function<void()> callback) = 0;
  // Bytes that the peer has not taken yet. Who makes more than a few while it is large loses the connection.
  [[nodiscard]] virtual std::size_t queued() const = 0;
  // `callback` is called each time the peer has taken all.
  virtual void on_drained(std::function<void()> callback) = 0;
  // Of a connection that was taken over: what the peer sends, as it comes; empty when it sends no more. Nothing is read
  // before the first call, and none after one that returned false, until the next call.
  using Input = std::function<bool(std::string_view bytes)>;
  virtual void on_input(Input input) = 0;
};

// Dropping it without an answer closes the connection.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual void send(HttpResponse response) = 0;
  virtual void send(HttpResponse head, std::shared_ptr<HttpSource> body) = 0;
  virtual std::shared_ptr<HttpStream> stream(const std::string& type) = 0;
  // The connection belongs to the caller, both ways and without frames, after this head.
  virtual std::shared_ptr<HttpStream> take_over(HttpResponse head) = 0;
};

using HttpHandler = std::function<void(const HttpRequest&, const std::shared_ptr<HttpReply>&)>;

// Bounds on the resources and time that peers may take.
struct HttpLimits {
  unsigned connections = 512;                 // over TCP; a new connection replaces an idle one
  unsigned per_address = 128;                 // per IPv4 address or IPv6 /64
  unsigned local = 256;                       // over the unix socket: a flood over TCP does not lock the operator out
  std::chrono::milliseconds fresh{20'000};    // from connecting to the first byte, and to the end of the TLS handshake
  std::chrono::milliseconds idle{330'000};    // between requests; Prometheus itself gives up after 5 minutes
  std::chrono::milliseconds head{10'000};     // for a whole request head, in however many pieces
  std::chrono::milliseconds body{60'000};     // for a request's body, or a piece of one that goes into a file
  std::chrono::milliseconds slow{20'000};     // for the peer to accept one piece of an answer
  std::chrono::milliseconds whole{120'000};   // for a body in pieces; the scrape's own timeout when that is shorter
  std::chrono::milliseconds linger{1'000};    // for the peer to read the end of the last answer
  std::size_t request_head = 16U << 10U;      // bytes
  std::size_t request_body = 16U << 20U;      // over the unix socket: manifests
  std::size_t tcp_request_body = 64U << 10U;  // no request over TCP needs one
  std::size_t queued = 4U << 20U;             // bytes of a stream that the peer has not read
};

}  // namespace mete::agent
