// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a container answers to a probe, and as what calls a gRPC server that refuses all: no crash, nothing
// kept without bounds, and in which pieces the bytes come changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <tuple>

#include "agent/probes/grpc_health.h"
#include "agent/probes/grpc_refusal.h"
#include "agent/probes/hpack.h"
#include "agent/probes/http_answer.h"

namespace {

using namespace mete::agent;

void require(bool holds) {
  if (!holds) std::abort();
}

std::tuple<HttpAnswerReader::State, int, std::string, std::string> answer(std::string_view bytes, std::size_t piece) {
  HttpAnswerReader read;
  auto state = HttpAnswerReader::State::kMore;
  for (std::size_t at = 0; at < bytes.size() && state == HttpAnswerReader::State::kMore; at += piece)
    state = read.feed(bytes.substr(at, piece));
  if (state == HttpAnswerReader::State::kMore) state = read.end();
  require(state != HttpAnswerReader::State::kMore && read.body().size() <= HttpAnswerReader::kMostBody);
  require((state == HttpAnswerReader::State::kBroken) == !read.why().empty());
  return {state, state == HttpAnswerReader::State::kDone ? read.status() : 0,
          state == HttpAnswerReader::State::kDone ? read.body() : "", read.location()};
}

std::optional<ProbeOutcome> health(std::string_view bytes, std::size_t piece) {
  GrpcHealthCall call("127.0.0.1:1", "service");
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (auto outcome = call.feed(bytes.substr(at, piece))) return outcome;
  }
  return std::nullopt;
}

std::optional<std::string> refused(std::string_view bytes, std::size_t piece) {
  GrpcRefusal server("no");
  std::string said = server.feed(http2::kPreface).value();
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const auto more = server.feed(bytes.substr(at, piece));
    if (!more) return std::nullopt;
    said += *more;
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t whole = std::max<std::size_t>(1, size);
  const auto first = answer(bytes, whole);
  require(std::get<0>(first) == std::get<0>(answer(bytes, 1)));
  require(answer(bytes, 7) == answer(bytes, 1));
  if (const auto to = redirected({false, "h", 80, "/a"}, bytes)) {
    require(!to->host.empty() && to->port > 0 && to->path.starts_with('/'));
    require(to_string(*to).find_first_of("\r\n ") == std::string::npos);
  }
  require(health(bytes, whole) == health(bytes, 1));
  const auto said = refused(bytes, whole);
  require(said == refused(bytes, 1));
  require(!said || said->size() <= 9 + 100 * size);  // of the nine bytes of a frame of a call, less than a hundred
  (void)hpack::decode(bytes);
  if (const auto text = hpack::decode_huffman(bytes)) require(text->size() <= 2 * size);
  return 0;
}
