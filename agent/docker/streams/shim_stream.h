// SPDX-License-Identifier: Apache-2.0
// What a container or an exec writes and reads, between its shim (runtime/shim/attach_protocol.h) and a client. A
// client that reads slowly slows the container down for a bounded time, and loses bytes after that; the loop never
// waits.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/asio.h"
#include "agent/http/http_types.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent::docker {

class ShimStream : public std::enable_shared_from_this<ShimStream> {
 public:
  struct Wishes {
    bool framed = true;  // streams are told apart: there is no terminal
    bool input = false;
    bool output = true;
    bool errors = true;
  };
  struct Ended {
    bool exited = false;  // the exit code is known
    int code = 0;
  };
  // `client` null: `said` gets what is written, or nobody. `started` gets the process id of an exec, `ended` the last
  // word.
  struct Ends {
    std::shared_ptr<HttpStream> client;
    std::function<void(int pid)> started = {};
    std::function<void(std::string_view bytes)> said = {};
    std::function<void(const Ended&)> ended = {};
  };
  ShimStream(asio::io_context& loop, runtime::UniqueFd socket, Ends ends, const Wishes& wishes);

  // Lives on until one of the ends is closed.
  void begin();
  void resize(unsigned rows, unsigned columns);
  // In place of begin(): the shim takes the size, and the stream ends. What is sent to the shim on another connection
  // after that comes after the size.
  void resize_alone(unsigned rows, unsigned columns);
  // Ends now, whatever the shim does.
  void abandon() { finish({}); }

 private:
  void read();
  void take(std::string_view message);
  [[nodiscard]] bool client_is_late() const;
  void show(int stream, std::string_view bytes);
  void client_says(std::string_view bytes);
  void send(std::string message);
  void write();
  void client_has_gone();
  void finish(const Ended& ended);

  Descriptor socket_;
  Ends ends_;
  Wishes wishes_;
  std::deque<std::string> to_send_;
  bool reading_ = false;
  bool writing_ = false;
  bool client_gone_ = false;  // what it had sent is passed on, and then it is over
  bool over_ = false;
  std::string buffer_;
};

// Two ends of a connection of whole messages.
struct SocketPair {
  runtime::UniqueFd ours;
  runtime::UniqueFd theirs;
};
[[nodiscard]] Result<SocketPair> make_socket_pair();

}  // namespace mete::agent::docker
