// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/grpc_health.h"

#include <charconv>

#include "agent/probes/hpack.h"
#include "agent/probes/http2_frames.h"

namespace mete::agent {
namespace {

using http2::append_frame;
using http2::append_number;
using http2::kAcknowledged;
using http2::kEndHeaders;
using http2::kEndStream;
using http2::number_of;
using http2::Type;

constexpr std::size_t kMostBlock = 64 * 1024;
constexpr std::size_t kMostMessage = 4096;
constexpr std::size_t kMessageHead = 5;  // compressed or not; length
constexpr std::uint8_t kPadded = 0x8;
constexpr std::uint8_t kPriority = 0x20;

std::string settings() {
  std::string payload;
  constexpr std::uint32_t kTableSize = 1;
  constexpr std::uint32_t kEnablePush = 2;
  for (const auto id : {kTableSize, kEnablePush}) {
    append_number(payload, id, 2);
    append_number(payload, 0, 4);
  }
  return payload;
}

// Indices of RFC 7541, Appendix A.
std::string request_headers(std::string_view authority) {
  constexpr char kMethodPost = static_cast<char>(0x83);
  constexpr char kSchemeHttp = static_cast<char>(0x86);
  std::string block = {kMethodPost, kSchemeHttp};
  hpack::append_literal(block, 4, ":path", "/grpc.health.v1.Health/Check");
  hpack::append_literal(block, 1, ":authority", authority);
  hpack::append_literal(block, 31, "content-type", "application/grpc");
  hpack::append_literal(block, 58, "user-agent", "kube-probe/1.34 mete/" METE_VERSION);
  hpack::append_literal(block, 0, "te", "trailers");
  return block;
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<char>((value & 0x7FU) | 0x80U));
  out.push_back(static_cast<char>(value));
}

std::optional<std::uint64_t> take_varint(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

// HealthCheckRequest {string service = 1}, with gRPC's head.
std::string request_message(std::string_view service) {
  std::string body;
  if (!service.empty()) {
    body.push_back('\x0a');
    append_varint(body, service.size());
    body += service;
  }
  std::string message(1, '\0');
  append_number(message, static_cast<std::uint32_t>(body.size()), 4);
  return message + body;
}

// HealthCheckResponse {ServingStatus status = 1}: the status. Empty: malformed.
std::optional<std::uint64_t> serving_status(std::string_view body) {
  std::uint64_t status = 0;
  while (!body.empty()) {
    const auto key = take_varint(body);
    if (!key) return std::nullopt;
    std::size_t skipped = 0;
    switch (*key & 7U) {
      case 0: {
        const auto value = take_varint(body);
        if (!value) return std::nullopt;
        if (*key >> 3U == 1) status = *value;
        break;
      }
      case 1:
        skipped = 8;
        break;
      case 2: {
        const auto length = take_varint(body);
        if (!length || *length > body.size()) return std::nullopt;
        skipped = *length;
        break;
      }
      case 5:
        skipped = 4;
        break;
      default:
        return std::nullopt;
    }
    if (skipped > body.size()) return std::nullopt;
    body.remove_prefix(skipped);
  }
  return status;
}

ProbeOutcome failure(std::string message) {
  return {ProbeResult::kFailure, "error: " + std::move(message)};
}

// Without padding and priority; empty: malformed.
std::optional<std::string_view> content(std::string_view payload, std::uint8_t flags) {
  if ((flags & kPadded) != 0) {
    if (payload.empty()) return std::nullopt;
    const std::size_t padding = static_cast<std::uint8_t>(payload.front());
    payload.remove_prefix(1);
    if (padding > payload.size()) return std::nullopt;
    payload.remove_suffix(padding);
  }
  if ((flags & kPriority) != 0) {
    if (payload.size() < 5) return std::nullopt;
    payload.remove_prefix(5);
  }
  return payload;
}

}  // namespace

GrpcHealthCall::GrpcHealthCall(std::string_view authority, std::string_view service) : service_(service) {
  to_send_ = http2::kPreface;
  append_frame(to_send_, {Type::kSettings, 0, 0, settings()});
  append_frame(to_send_, {Type::kHeaders, kEndHeaders, 1, request_headers(authority)});
  append_frame(to_send_, {Type::kData, kEndStream, 1, request_message(service)});
}

std::optional<ProbeOutcome> GrpcHealthCall::feed(std::string_view bytes) {
  input_ += bytes;
  std::string_view rest = input_;
  while (true) {
    const auto frame = http2::take_frame(rest);
    if (!frame) return failure("the server does not speak HTTP/2");
    if (!*frame) break;
    if (auto outcome = take(**frame)) return outcome;
  }
  input_.erase(0, input_.size() - rest.size());
  return std::nullopt;
}

ProbeOutcome GrpcHealthCall::end() {
  return failure("the server closed the connection without an answer");
}

std::optional<ProbeOutcome> GrpcHealthCall::take(const http2::Frame& frame) {
  if (in_headers_ && (frame.type != Type::kContinuation || frame.stream != 1))
    return failure("the server's answer is malformed");
  switch (frame.type) {
    case Type::kSettings:
      if ((frame.flags & kAcknowledged) == 0) append_frame(to_send_, {Type::kSettings, kAcknowledged, 0, {}});
      return std::nullopt;
    case Type::kPing:
      if ((frame.flags & kAcknowledged) == 0) append_frame(to_send_, {Type::kPing, kAcknowledged, 0, frame.payload});
      return std::nullopt;
    case Type::kGoAway:
      // A server that ends goes on with streams up to this one.
      if (frame.payload.size() >= 8 && (number_of(frame.payload.substr(0, 4)) & 0x7FFFFFFFU) >= 1) return std::nullopt;
      return failure("the server is going away");
    case Type::kResetStream:
      return frame.stream == 1 ? std::optional(failure("the server has cancelled the call")) : std::nullopt;
    case Type::kPushPromise:
      return failure("the server's answer is malformed");
    case Type::kHeaders:
    case Type::kContinuation:
      return frame.stream == 1 ? take_headers(frame) : std::nullopt;
    case Type::kData:
      return frame.stream == 1 ? take_data(frame) : std::nullopt;
    case Type::kWindowUpdate:  // what is sent is far below any window
      return std::nullopt;
  }
  return std::nullopt;  // of a kind that this client need not know
}

std::optional<ProbeOutcome> GrpcHealthCall::take_headers(const http2::Frame& frame) {
  const bool first = frame.type == Type::kHeaders;
  if (!first && !in_headers_) return failure("the server's answer is malformed");
  const auto payload = first ? content(frame.payload, frame.flags) : std::optional(frame.payload);
  if (!payload || block_.size() + payload->size() > kMostBlock) return failure("the server's answer is malformed");
  block_ += *payload;
  if (first) last_ = (frame.flags & kEndStream) != 0;
  in_headers_ = (frame.flags & kEndHeaders) == 0;
  return in_headers_ ? std::nullopt : headers_complete();
}

std::optional<ProbeOutcome> GrpcHealthCall::headers_complete() {
  const auto headers = hpack::decode(block_);
  block_.clear();
  if (!headers) return failure("the server's answer is malformed");
  for (const auto& [name, value] : *headers) {
    int number = -1;
    (void)std::from_chars(value.data(), value.data() + value.size(), number);
    if (name == ":status") http_status_ = number;
    if (name == "grpc-status") grpc_status_ = number;
    if (name == "grpc-message") grpc_message_ = value;
  }
  return last_ ? std::optional(verdict()) : std::nullopt;
}

std::optional<ProbeOutcome> GrpcHealthCall::take_data(const http2::Frame& frame) {
  const auto payload = content(frame.payload, frame.flags & kPadded);
  if (!payload || message_.size() + payload->size() > kMostMessage) return failure("the server's answer is malformed");
  message_ += *payload;
  return (frame.flags & kEndStream) != 0 ? std::optional(verdict()) : std::nullopt;
}

ProbeOutcome GrpcHealthCall::verdict() const {
  constexpr int kNotFound = 5;
  constexpr int kUnimplemented = 12;
  constexpr std::uint64_t kServing = 1;
  if (http_status_ != 200) return failure("the server answered with HTTP status " + std::to_string(http_status_));
  if (grpc_status_ == kUnimplemented)
    return failure("this server does not implement the grpc health protocol (grpc.health.v1.Health): " + grpc_message_);
  if (grpc_status_ == kNotFound) return failure("the server knows no service \"" + service_ + "\": " + grpc_message_);
  if (grpc_status_.value_or(0) != 0)
    return failure("health rpc probe failed: code " + std::to_string(*grpc_status_) + ": " + grpc_message_);
  const bool whole = message_.size() >= kMessageHead &&
                     number_of(std::string_view(message_).substr(1, 4)) == message_.size() - kMessageHead;
  const auto status = whole && message_.front() == '\0'
                          ? serving_status(std::string_view(message_).substr(kMessageHead))
                          : std::nullopt;
  if (!status) return failure("the server's answer is malformed");
  if (*status == kServing) return {ProbeResult::kSuccess, {}};
  const char* name = *status == 0 ? "UNKNOWN" : *status == 2 ? "NOT_SERVING" : *status == 3 ? "SERVICE_UNKNOWN" : "?";
  return {ProbeResult::kFailure, "service unhealthy (responded with \"" + std::string(name) + "\")"};
}

}  // namespace mete::agent
