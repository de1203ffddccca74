// SPDX-License-Identifier: Apache-2.0
// One HTTP exchange at a time, over libcurl. The body of an answer is read piece by piece, so that a layer is unpacked
// while it travels. Redirects are followed here and not by libcurl: what is told to a registry is told to no other
// host. Each thread has a client of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/registry/url.h"

namespace mete::runtime::registry {

// Files of a registry in certs.d; empty: the system's.
struct TlsFiles {
  std::string authorities;  // PEM, added to the system's
  std::string certificate;  // a path
  std::string key;          // a path
  bool operator==(const TlsFiles&) const = default;
};

struct HttpRequest {
  std::string method = "GET";
  Url url;
  std::vector<std::string> headers;  // "Accept: text/plain"
  std::string authorization;         // value of the header; not told to another host
  std::string body = {};
  int upload = -1;  // a file that is sent from its start, instead of `body`
  std::int64_t upload_size = 0;
  long seconds = 0;  // that the whole exchange may take; 0: as long as it moves
  // Nothing is sent: the TLS handshake alone, with anybody. It shows whether TLS is spoken there, and reads no
  // authorities, which takes longer than the whole of a small exchange. The head has no status.
  bool handshake_only = false;
};

struct HttpHead {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of several with one name all, with ", " between
  Url url;                                     // that answered
  [[nodiscard]] std::string header(const std::string& name) const;
};

// One line of an answer's head, with its line end. True: it was the last one.
[[nodiscard]] bool take_header_line(HttpHead& head, std::string line);

// Error codes of a failed exchange, in Error::code: ECONNREFUSED: nobody answers (no such host, nothing listens);
// ECONNRESET: it broke off, and may be tried again; EPROTO: no TLS is spoken there; 0: anything else.
class HttpClient {
 public:
  explicit HttpClient(TlsFiles files);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Sends the request and returns the head of the answer. A redirect from https to http is an error.
  [[nodiscard]] Result<HttpHead> start(const HttpRequest& request);
  // The next bytes of the body; 0: its end. The error ECONNRESET: it is cut.
  [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t size);
  // The whole body. One of more than `most` bytes is an error.
  [[nodiscard]] Result<std::string> read_all(std::size_t most);
  // Ends the exchange. What is not read of the body is not waited for.
  void end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mete::runtime::registry
