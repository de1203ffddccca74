// SPDX-License-Identifier: Apache-2.0
// Decides which TCP clients the server answers, and with which TLS context and headers. The unix socket has no such
// check.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/http/http_types.h"

namespace boost::asio::ssl {
class context;
}

namespace mete::agent {

enum class Admission {
  kYes,
  kNoCredentials,  // no credentials, or wrong ones: 401
  kTooMany,        // more requests than the rate limit allows: 429
  kBusy,           // too many credentials are waiting for a check: 503
};

// The response for a refused request.
[[nodiscard]] HttpResponse refusal(Admission admission);

class HttpAccess {
 public:
  virtual ~HttpAccess() = default;
  // The context for a new connection; null: plain HTTP.
  [[nodiscard]] virtual std::shared_ptr<boost::asio::ssl::context> tls() = 0;
  // Headers added to every response.
  [[nodiscard]] virtual const HttpHeaders& headers() = 0;
  // `authorization`: the value of that header. `done` is called once, on the loop, now or later.
  virtual void admit(const std::string& authorization, std::function<void(Admission)> done) = 0;
};

}  // namespace mete::agent
