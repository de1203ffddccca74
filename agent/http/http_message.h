// SPDX-License-Identifier: Apache-2.0
// HTTP/1.x messages as text and back (RFC 9112). Pure, but for the clock in Date.
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

// Without what the message does not say: where it came from.
[[nodiscard]] HttpRequest request_of(RawRequest raw);

struct AnswerForm {
  unsigned version = 11;  // of the request: 10 or 11
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> length;  // Content-Length; neither that nor chunked: the connection's end is the body's
};

// Status line, headers and the empty line. `always` are headers that every answer of this server has.
[[nodiscard]] std::string head_text(const HttpResponse& response, const AnswerForm& form, const HttpHeaders& always);

// "text/plain".
[[nodiscard]] HttpResponse text_response(unsigned status, std::string text, HttpHeaders headers = {});
// All of an answer after which the connection ends, for those whose request is not looked at.
[[nodiscard]] std::string whole_text(const HttpResponse& response);

// What a request that could not be read is answered with; empty: the connection ended, nobody is there to hear it.
[[nodiscard]] std::optional<HttpResponse> complaint_of(ErrorCode error, const HttpLimits& limits);

// One chunk of a chunked body; none for an empty one, which would be the end.
[[nodiscard]] std::string framed(std::string chunk);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace mete::agent
