// SPDX-License-Identifier: Apache-2.0
// The server's side of a gRPC connection on which every call is refused with one sentence (gRPC's PROTOCOL-HTTP2.md, a
// Trailers-Only response), so that a client shows that in place of its own guess. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/probes/http2_frames.h"

namespace mete::agent {

class GrpcRefusal {
 public:
  // `message`: of every call; its status is UNIMPLEMENTED. Printable ASCII without %.
  explicit GrpcRefusal(std::string message) : message_(std::move(message)) {}

  // What is to be sent after these bytes of the client. Empty: the client does not speak HTTP/2, the connection is
  // over.
  [[nodiscard]] std::optional<std::string> feed(std::string_view bytes);

 private:
  [[nodiscard]] bool take(const http2::Frame& frame, std::string& out);

  const std::string message_;
  std::string input_;             // bytes of frames that are not complete
  bool begun_ = false;            // the client's preface has come
  std::uint32_t in_headers_ = 0;  // the stream whose headers go on; 0: none
};

}  // namespace mete::agent
