// SPDX-License-Identifier: Apache-2.0
// Who may come in over TCP, and how: what the server asks before it answers. The unix socket is never asked about.
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
  kNoCredentials,  // none, or wrong ones: 401
  kTooMany,        // more requests than are allowed in a time: 429
  kBusy,           // too many credentials wait to be checked: 503
};

// What those are told who are not let in.
[[nodiscard]] HttpResponse refusal(Admission admission);

class HttpAccess {
 public:
  virtual ~HttpAccess() = default;
  // For a connection that begins now; null: plain HTTP.
  [[nodiscard]] virtual std::shared_ptr<boost::asio::ssl::context> tls() = 0;
  // Of every answer.
  [[nodiscard]] virtual const HttpHeaders& headers() = 0;
  // `authorization` is the header of that name. `done` is called once, on the loop, now or later.
  virtual void admit(const std::string& authorization, std::function<void(Admission)> done) = 0;
};

}  // namespace mete::agent
