// SPDX-License-Identifier: Apache-2.0
// A command of mete as a child of the agent, for a client that waits for what it says. What the command needs of time
// and memory, and its faults, are not the agent's; it ends when the client has gone.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/asio.h"
#include "agent/http/http_types.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent::docker {

// The pieces of a stream as lines, each with its end. Pure.
class Lines {
 public:
  static constexpr std::size_t kLongest = 64U << 10U;  // what is longer comes in several
  void add(std::string_view piece, const std::function<void(const std::string& line)>& take);
  [[nodiscard]] std::string rest() { return std::exchange(begun_, {}); }

 private:
  std::string begun_;
};

class ChildCommand : public std::enable_shared_from_this<ChildCommand> {
 public:
  struct Calls {
    std::function<std::string(const std::string& line)> said;  // for the client; empty: nothing
    // `errors`: what the command said of its failure. The result is the last that the client gets.
    std::function<std::string(int code, const std::string& errors)> ended;
    // Its process is gone, with or without the client. Not when start() fails.
    std::function<void()> reaped = {};
  };
  // `words` begin with "mete". `input` is its standard input. `client` gets what `calls` make of its output, no faster
  // than it reads.
  [[nodiscard]] static Status start(asio::io_context& loop, std::vector<std::string> words, runtime::UniqueFd input,
                                    const std::function<std::shared_ptr<HttpStream>()>& client, Calls calls);
  ChildCommand(asio::io_context& loop, Calls calls) : output_(loop), calls_(std::move(calls)) {}

 private:
  void begin(asio::io_context& loop, pid_t pid);
  void read();
  void finish();

  Descriptor output_;
  runtime::UniqueFd errors_;
  std::shared_ptr<HttpStream> client_;
  Calls calls_;
  Lines lines_;
  std::string buffer_ = std::string(16U << 10U, '\0');
  pid_t pid_ = 0;  // 0: reaped
  int code_ = -1;
  bool reading_ = false;
  bool at_end_ = false;  // of its output
};

// {"errorDetail":{"message":...},"error":...}, of what a command of mete has said.
[[nodiscard]] std::string error_line(const std::string& errors, int code);

}  // namespace mete::agent::docker
