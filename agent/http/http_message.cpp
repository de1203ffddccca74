// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_message.h"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>

#include <charconv>
#include <cmath>
#include <ctime>

#include "agent/http/http_url.h"

namespace mete::agent {

namespace http = boost::beast::http;

namespace {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). strftime is not used: its names depend on the locale.
std::string http_date() {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  const int length =
      std::snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", kDays[parts.tm_wday], parts.tm_mday,
                    kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text, static_cast<std::size_t>(length)};
}

// Seconds with a fraction. An invalid text gives no timeout.
std::optional<std::chrono::milliseconds> timeout_of(std::string_view text) {
  double seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr double kDay = 86'400;
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !(seconds > 0) || seconds > kDay)
    return std::nullopt;
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

void add(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

// All values of a header that may be a list, as one list.
std::string joined(const RawRequest& raw, http::field field) {
  std::string all;
  const auto [begin, end] = raw.equal_range(field);
  for (auto each = begin; each != end; ++each) all.append(all.empty() ? "" : ", ").append(each->value());
  return all;
}

}  // namespace

HttpRequest request_of(RawRequest raw) {
  HttpRequest request;
  request.method = std::string(raw.method_string());
  RequestTarget target = parse_target(raw.target());
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  request.accept = joined(raw, http::field::accept);
  request.accept_encoding = joined(raw, http::field::accept_encoding);
  request.host = std::string(raw[http::field::host]);
  request.scrape_timeout = timeout_of(raw["X-Prometheus-Scrape-Timeout-Seconds"]);
  request.content_type = std::string(raw[http::field::content_type]);
  request.registry_login = std::string(raw["X-Registry-Auth"]);
  request.upgrades = raw.find(http::field::upgrade) != raw.end();
  request.body = std::move(raw.body());
  return request;
}

std::string head_text(const HttpResponse& response, const AnswerForm& form, const HttpHeaders& always) {
  std::string head = form.version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ";
  head += std::to_string(response.status) + " ";
  head += std::string_view(http::obsolete_reason(static_cast<http::status>(response.status)));
  head += "\r\n";
  add(head, "Server", "mete");
  add(head, "Date", http_date());
  if (!response.type.empty()) add(head, "Content-Type", response.type);
  if (!response.encoding.empty()) add(head, "Content-Encoding", response.encoding);
  for (const auto* headers : {&response.headers, &always}) {
    for (const auto& [name, value] : *headers) add(head, name, value);
  }
  if (form.chunked) add(head, "Transfer-Encoding", "chunked");
  if (form.length) add(head, "Content-Length", std::to_string(*form.length));
  if (!form.keep_alive) add(head, "Connection", "close");
  if (form.keep_alive && form.version < 11) add(head, "Connection", "keep-alive");
  head += "\r\n";
  return head;
}

HttpResponse text_response(unsigned status, std::string text, HttpHeaders headers) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(text);
  response.headers = std::move(headers);
  return response;
}

std::string whole_text(const HttpResponse& response) {
  AnswerForm form;
  form.keep_alive = false;
  form.length = response.body.size();
  return head_text(response, form, {}) + response.body;
}

std::optional<HttpResponse> complaint_of(ErrorCode error, const HttpLimits& limits) {
  const bool ended = error == http::error::end_of_stream || error == http::error::partial_message;
  if (ended || error.category() != make_error_code(http::error::bad_method).category()) return std::nullopt;
  if (error == http::error::header_limit)
    return text_response(431,
                         "The request's head is larger than " + std::to_string(limits.request_head >> 10U) + " KiB.\n");
  if (error == http::error::body_limit)
    return text_response(413, "The request is larger than " + std::to_string(limits.request_body >> 20U) + " MiB.\n");
  return text_response(400, "Not an HTTP request: " + error.message() + ".\n");
}

std::string chunk_head(std::size_t size) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
  return std::string(digits, end) + "\r\n";
}

std::string framed(std::string chunk) {
  if (chunk.empty()) return {};
  chunk.insert(0, chunk_head(chunk.size()));
  chunk += "\r\n";
  return chunk;
}

}  // namespace mete::agent
