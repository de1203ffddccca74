// SPDX-License-Identifier: Apache-2.0
// One call of grpc.health.v1.Health/Check over HTTP/2 without TLS, as bytes in and bytes out (RFC 9113; gRPC's
// PROTOCOL-HTTP2.md; health.proto). Pure. It is the only call on its connection, on stream 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/probes/http2_frames.h"
#include "agent/probes/probe_state.h"

namespace mete::agent {

class GrpcHealthCall {
 public:
  // `authority`: "127.0.0.1:9090". The request is in to_send() at once.
  GrpcHealthCall(std::string_view authority, std::string_view service);

  [[nodiscard]] std::string& to_send() { return to_send_; }  // whoever has sent it empties it
  // The next bytes from the server. The outcome, once it is known.
  std::optional<ProbeOutcome> feed(std::string_view bytes);
  // The server has closed the connection.
  [[nodiscard]] static ProbeOutcome end();

 private:
  std::optional<ProbeOutcome> take(const http2::Frame& frame);
  std::optional<ProbeOutcome> take_headers(const http2::Frame& frame);
  std::optional<ProbeOutcome> headers_complete();
  std::optional<ProbeOutcome> take_data(const http2::Frame& frame);
  [[nodiscard]] ProbeOutcome verdict() const;

  const std::string service_;
  std::string to_send_;
  std::string input_;        // bytes of frames that are not complete
  std::string block_;        // of headers, as far as they are here
  bool in_headers_ = false;  // more of them follows
  bool last_ = false;        // nothing follows after these headers
  std::string message_;      // gRPC's, with its five bytes before it
  int http_status_ = 0;
  std::optional<int> grpc_status_;
  std::string grpc_message_;
};

}  // namespace mete::agent
