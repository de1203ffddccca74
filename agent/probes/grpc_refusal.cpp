// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/grpc_refusal.h"

#include "agent/probes/hpack.h"

namespace mete::agent {
namespace {

using http2::Type;

// Indices of RFC 7541, Appendix A.
std::string trailers(const std::string& message) {
  constexpr char kStatus200 = static_cast<char>(0x88);
  constexpr const char* kUnimplemented = "12";
  std::string block = {kStatus200};
  hpack::append_literal(block, 31, "content-type", "application/grpc");
  hpack::append_literal(block, 0, "grpc-status", kUnimplemented);
  hpack::append_literal(block, 0, "grpc-message", message);
  return block;
}

}  // namespace

std::optional<std::string> GrpcRefusal::feed(std::string_view bytes) {
  std::string out;
  input_ += bytes;
  std::string_view rest = input_;
  if (!begun_) {
    const std::size_t here = std::min(rest.size(), http2::kPreface.size());
    if (rest.substr(0, here) != http2::kPreface.substr(0, here)) return std::nullopt;
    if (here < http2::kPreface.size()) return out;
    rest.remove_prefix(here);
    begun_ = true;
    http2::append_frame(out, {Type::kSettings, 0, 0, {}});
  }
  while (true) {
    const auto frame = http2::take_frame(rest);
    if (!frame) return std::nullopt;
    if (!*frame) break;
    if (!take(**frame, out)) return std::nullopt;
  }
  input_.erase(0, input_.size() - rest.size());
  return out;
}

// What a call's headers say does not matter, and so nobody reads them.
bool GrpcRefusal::take(const http2::Frame& frame, std::string& out) {
  const bool goes_on = frame.type == Type::kContinuation;
  if (goes_on != (in_headers_ != 0) || (goes_on && frame.stream != in_headers_)) return false;
  switch (frame.type) {
    case Type::kSettings:
    case Type::kPing:
      if ((frame.flags & http2::kAcknowledged) != 0) return true;
      http2::append_frame(
          out, {frame.type, http2::kAcknowledged, 0, frame.type == Type::kPing ? frame.payload : std::string_view()});
      return true;
    case Type::kHeaders:
    case Type::kContinuation:
      if (frame.stream == 0) return false;
      in_headers_ = (frame.flags & http2::kEndHeaders) != 0 ? 0 : frame.stream;
      if (in_headers_ != 0) return true;
      http2::append_frame(out,
                          {Type::kHeaders, http2::kEndHeaders | http2::kEndStream, frame.stream, trailers(message_)});
      return true;
    case Type::kData:
      // The room for all streams is given back: the next call needs it.
      if (!frame.payload.empty()) {
        std::string room;
        http2::append_number(room, static_cast<std::uint32_t>(frame.payload.size()), 4);
        http2::append_frame(out, {Type::kWindowUpdate, 0, 0, room});
      }
      return true;
    case Type::kPushPromise:
      return false;
    default:
      return true;  // of a kind that this server need not know
  }
}

}  // namespace mete::agent
