// SPDX-License-Identifier: Apache-2.0
// The commands' side of the agent's API: plain HTTP over its unix socket.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/result.h"

namespace mete::agent::cli {

struct Answer {
  unsigned status = 0;
  std::string body;
};

class Client {
 public:
  explicit Client(std::string socket) : socket_(std::move(socket)) {}
  // The error says which socket, and that an agent should be listening there.
  [[nodiscard]] Result<Answer> request(const std::string& method, const std::string& target,
                                       const std::string& body = {}) const;
  // Lines as they come, until `line` returns false or the agent ends it.
  [[nodiscard]] Status follow(const std::string& target, const std::function<bool(std::string_view)>& line) const;

 private:
  std::string socket_;
};

}  // namespace mete::agent::cli
