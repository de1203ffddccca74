// SPDX-License-Identifier: Apache-2.0
// Parses and writes HTTP/1.x messages (RFC 9112). Pure, except that the Date header reads the clock.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/verb.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/asio.h"
#include "agent/http/http_types.h"

namespace mete::agent {

using RawRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Converts a message; facts about its connection are not set.
[[nodiscard]] HttpRequest request_of(RawRequest raw);

struct AnswerForm {
  unsigned version = 11;  // the request's: 10 or 11
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> length;  // Content-Length; neither this nor chunked: the body ends with the connection
};

// Status line, headers and the empty line. `always`: the headers of every response of this server.
[[nodiscard]] std::string head_text(const HttpResponse& response, const AnswerForm& form, const HttpHeaders& always);

// A response of type text/plain.
[[nodiscard]] HttpResponse text_response(unsigned status, std::string text, HttpHeaders headers = {});
// A whole message after which the connection ends, for connections whose request is not read.
[[nodiscard]] std::string whole_text(const HttpResponse& response);

// The response to a request that could not be read; empty: the connection has ended, so no response is sent.
[[nodiscard]] std::optional<HttpResponse> complaint_of(ErrorCode error, const HttpLimits& limits);

// What stands before a chunk of a chunked body (RFC 9112, 7.1). "\r\n" stands behind it.
[[nodiscard]] std::string chunk_head(std::size_t size);
// One chunk of a chunked body; nothing for an empty text, which would end the body.
[[nodiscard]] std::string framed(std::string chunk);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace mete::agent
