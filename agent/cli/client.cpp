// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/client.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "agent/base/asio.h"

namespace mete::agent::cli {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Socket = asio::local::stream_protocol::socket;

namespace {

Status connect(Socket& socket, const std::string& path) {
  ErrorCode error;
  error = socket.connect(asio::local::stream_protocol::endpoint(path), error);
  if (!error) return {};
  return fail_errno("no agent answers on " + path + " (start one with `mete agent`, or say --run or METE_HOST)",
                    error.value());
}

http::request<http::string_body> make_request(const std::string& method, const std::string& target,
                                              const std::string& body) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, "mete");
  request.set(http::field::connection, "close");
  request.body() = body;
  request.prepare_payload();
  return request;
}

}  // namespace

Result<Answer> Client::request(const std::string& method, const std::string& target, const std::string& body) const {
  asio::io_context loop;
  Socket socket(loop);
  METE_CHECK(connect(socket, socket_));
  ErrorCode error;
  http::write(socket, make_request(method, target, body), error);
  if (error) return fail("send to the agent: " + error.message());
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  http::read(socket, buffer, parser, error);
  if (error) return fail("read the agent's answer: " + error.message());
  return Answer{parser.get().result_int(), std::move(parser.get().body())};
}

Status Client::follow(const std::string& target, const std::function<bool(std::string_view)>& line) const {
  asio::io_context loop;
  Socket socket(loop);
  METE_CHECK(connect(socket, socket_));
  ErrorCode error;
  http::write(socket, make_request("GET", target, {}), error);
  if (error) return fail("send to the agent: " + error.message());
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  http::read_header(socket, buffer, parser, error);
  while (!error && !parser.is_done()) {
    http::read_some(socket, buffer, parser, error);
    auto& text = parser.get().body();
    std::size_t start = 0;
    for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
      if (!line(std::string_view(text).substr(start, end - start))) return {};
    }
    text.erase(0, start);
  }
  if (error && error != http::error::end_of_stream && error != http::error::partial_message)
    return fail("read from the agent: " + error.message());
  return {};
}

}  // namespace mete::agent::cli
