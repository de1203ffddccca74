// SPDX-License-Identifier: Apache-2.0
// A small client of the agent's Docker Engine API, for the commands that have docker's words. It blocks.
#pragma once

#include <string>

#include "agent/cli/client.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent::cli {

class DockerClient {
 public:
  explicit DockerClient(std::string socket) : socket_(std::move(socket)) {}

  struct Opened {
    runtime::UniqueFd socket;
    unsigned status = 0;
    std::string early;  // of the answer's body, read with the head
  };
  // Sends a request and reads the head of its answer; the body is the caller's. `upgrade`: both ways after the head.
  [[nodiscard]] Result<Opened> open(const std::string& method, const std::string& target, bool upgrade = false,
                                    const std::string& body = {}) const;
  [[nodiscard]] Result<Answer> request(const std::string& method, const std::string& target,
                                       const std::string& body = {}) const;
  // A body of any size, in pieces. An answer of 300 and more has its body in the Answer and writes nothing.
  [[nodiscard]] Result<Answer> download(const std::string& target, int out) const;  // GET
  // PUT of all that `in` gives until its end.
  [[nodiscard]] Result<Answer> upload(const std::string& target, int in) const;

 private:
  std::string socket_;
};

// The "message" of an answer; its text where it has none.
[[nodiscard]] std::string message_of(const Answer& answer);
// What follows until the peer closes: chunks are put together.
[[nodiscard]] std::string rest_of(DockerClient::Opened& opened);

struct StreamWishes {
  bool input = false;
  bool tty = false;
  std::string resize;  // the target to which a new size is posted: "/containers/ID/resize"
  std::string kill;    // the target to which signals are posted; empty: none
};
enum class StreamEnd {
  kClosed,    // by the other side
  kDetached,  // the caller has typed ctrl-p ctrl-q
  kForced,    // the caller has sent three INT or TERM, and will not wait for the container
};
// Copies between the caller's standard streams and a connection that was opened with `upgrade`.
[[nodiscard]] StreamEnd copy_streams(const DockerClient& client, DockerClient::Opened& opened,
                                     const StreamWishes& wishes);

}  // namespace mete::agent::cli
