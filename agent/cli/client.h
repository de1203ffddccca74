// SPDX-License-Identifier: Apache-2.0
// The client of the agent's API for commands: plain HTTP over the unix socket.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::agent::cli {

struct Answer {
  unsigned status = 0;
  std::string body;
};

class Client {
 public:
  explicit Client(std::string socket) : socket_(std::move(socket)) {}
  // An error: nothing listens; the text names the socket and says that an agent should listen there.
  [[nodiscard]] Result<Answer> request(const std::string& method, const std::string& target,
                                       const std::string& body = {}) const;
  // Calls `line` with each line as it arrives, until `line` returns false or the agent closes the connection.
  [[nodiscard]] Status follow(const std::string& target, const std::function<bool(std::string_view)>& line) const;

 private:
  std::string socket_;
};

}  // namespace mete::agent::cli
