// SPDX-License-Identifier: Apache-2.0
// Sends one request on the loop: a connection each, HTTP/1.1, TLS by the scheme. For short bodies to few servers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/asio.h"
#include "agent/http/asio_ssl.h"
#include "config/base/result.h"

namespace mete::agent {

struct HttpUrl {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string path;                             // with the query; "/" when the address has none
  [[nodiscard]] std::string authority() const;  // for the header Host
};
// "http://HOST[:PORT][/PATH]". The error says what was found and what was expected.
[[nodiscard]] Result<HttpUrl> parse_url(std::string_view url);

// Checks the server's certificate and its name; with an empty `ca_file` against the system's certificates. `cert_file`
// and `key_file`: what this side shows, if anything. Error: a file cannot be read, or holds no certificate or key.
[[nodiscard]] Result<std::shared_ptr<asio::ssl::context>> client_tls(const std::string& ca_file,
                                                                     const std::string& cert_file = {},
                                                                     const std::string& key_file = {});

struct HttpPost {
  HttpUrl url;
  std::shared_ptr<asio::ssl::context> tls;                       // null without TLS
  std::string authorization;                                     // the header's value; empty: none
  std::string body;                                              // JSON
  std::chrono::milliseconds timeout = std::chrono::seconds(10);  // of all together
  std::size_t most_answer = std::size_t{64} << 10U;              // bytes of the answer's body
  // Set: of a 2xx answer it gets each part as it comes, for as long as the server sends; the answer has no body then,
  // and `timeout` is until its beginning.
  std::function<void(std::string_view)> take_part;
};

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

// `done` is called once on the loop: nothing when the server answered 2xx, else a sentence with the address, the status
// and the beginning of the answer, or why the connection failed. Dropping the handle ends the request without a call.
class HttpSending {
 public:
  virtual ~HttpSending() = default;
};
[[nodiscard]] std::shared_ptr<HttpSending> send_post(asio::io_context& loop, HttpPost request,
                                                     std::function<void(Status)> done);
// The same with the answer, whatever its status is.
[[nodiscard]] std::shared_ptr<HttpSending> ask_by_post(asio::io_context& loop, HttpPost request,
                                                       std::function<void(Result<HttpAnswer>)> done);

[[nodiscard]] std::string basic_authorization(const std::string& user, const std::string& password);

}  // namespace mete::agent
