// SPDX-License-Identifier: Apache-2.0
// Sends one request on the loop: a connection each, HTTP/1.1, TLS by the scheme. For short bodies to few servers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "agent/base/asio.h"
#include "agent/http/asio_ssl.h"
#include "config/result.h"

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

// Checks the server's certificate and its name; with an empty `ca_file` against the system's certificates. Error: the
// file cannot be read, or holds no certificate.
[[nodiscard]] Result<std::shared_ptr<asio::ssl::context>> client_tls(const std::string& ca_file);

struct HttpPost {
  HttpUrl url;
  std::shared_ptr<asio::ssl::context> tls;                       // null without TLS
  std::string authorization;                                     // the header's value; empty: none
  std::string body;                                              // JSON
  std::chrono::milliseconds timeout = std::chrono::seconds(10);  // of all together
};

// `done` is called once on the loop: nothing when the server answered 2xx, else a sentence with the address, the status
// and the beginning of the answer, or why the connection failed. Dropping the handle ends the request without a call.
class HttpSending {
 public:
  virtual ~HttpSending() = default;
};
[[nodiscard]] std::shared_ptr<HttpSending> send_post(asio::io_context& loop, HttpPost request,
                                                     std::function<void(Status)> done);

[[nodiscard]] std::string basic_authorization(const std::string& user, const std::string& password);

}  // namespace mete::agent
