// SPDX-License-Identifier: Apache-2.0
// What a server that a container runs has answered to a probe, read piece by piece. Pure. The bytes are a stranger's:
// at most kMostHead of its head and kMostBody of its body are kept, whatever it claims to send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mete::agent {

class HttpAnswerReader {
 public:
  static constexpr std::size_t kMostHead = 64 * 1024;
  static constexpr std::size_t kMostBody = 10 * 1024;  // as the kubelet
  enum class State { kMore, kDone, kBroken };

  // The next bytes. kDone: the answer is complete, or enough of it is here.
  State feed(std::string_view bytes);
  // The server has closed the connection. kMore is no result of this.
  State end();

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& location() const { return location_; }  // empty: none
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] const std::string& why() const { return why_; }  // it is broken

 private:
  State broken(std::string why);
  [[nodiscard]] State read_head();
  [[nodiscard]] bool read_status_line(std::string_view line);
  void read_header(std::string_view line);
  [[nodiscard]] State take_body(std::string_view bytes);
  [[nodiscard]] State take_chunks();

  std::string head_;  // bytes not read yet, also of chunks
  bool in_body_ = false;
  int status_ = 0;
  std::string location_;
  std::string body_;
  std::string why_;
  bool chunked_ = false;
  std::optional<std::uint64_t> length_;  // left of the body; empty: until the end of the connection
  std::uint64_t chunk_left_ = 0;
  bool in_chunk_ = false;
  bool after_chunk_ = false;  // its line end is still to come
};

// Where a request goes.
struct HttpTarget {
  bool https = false;
  std::string host;  // an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string path;  // with the query
  bool operator==(const HttpTarget&) const = default;
};

[[nodiscard]] std::string to_string(const HttpTarget& target);  // "http://127.0.0.1:80/x"

// Where `location` leads from `from` (RFC 9110, 10.2.2). Empty: it is no http(s) address.
[[nodiscard]] std::optional<HttpTarget> redirected(const HttpTarget& from, std::string_view location);

}  // namespace mete::agent
