// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/docker_client.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "agent/base/asio.h"
#include "runtime/file.h"
#include "runtime/json.h"

namespace mete::agent::cli {
namespace {

Result<runtime::UniqueFd> connect_socket(const std::string& path) {
  runtime::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(path + ": found a path that is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("no agent answers on " + path + " (start one with `mete agent`, or say --run)");
  return socket;
}

}  // namespace

Result<Answer> DockerClient::request(const std::string& method, const std::string& target,
                                     const std::string& body) const {
  namespace http = boost::beast::http;
  METE_TRY(runtime::UniqueFd connected, connect_socket(socket_));
  asio::io_context loop;
  asio::local::stream_protocol::socket socket(loop, asio::local::stream_protocol(), connected.release());
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, "mete");
  request.set(http::field::connection, "close");
  request.set(http::field::content_type, "application/json");
  request.body() = body;
  request.prepare_payload();
  ErrorCode error;
  http::write(socket, request, error);
  if (error) return fail("send to the agent: " + error.message());
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  parser.skip(method == "HEAD");  // it tells a length, and sends nothing
  http::read(socket, buffer, parser, error);
  if (error) return fail("read the agent's answer: " + error.message());
  return Answer{parser.get().result_int(), std::move(parser.get().body())};
}

Result<DockerClient::Opened> DockerClient::open(const std::string& method, const std::string& target, bool upgrade,
                                                const std::string& body) const {
  Opened opened;
  METE_TRY(opened.socket, connect_socket(socket_));
  std::string head =
      method + " " + target + " HTTP/1.1\r\nHost: mete\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (!body.empty()) head += "Content-Type: application/json\r\n";
  if (upgrade) head += "Connection: Upgrade\r\nUpgrade: tcp\r\n";
  METE_CHECK(runtime::write_all(opened.socket.get(), head + "\r\n" + body));
  std::string got;
  char buffer[4096];
  while (got.find("\r\n\r\n") == std::string::npos) {
    const ssize_t size = ::read(opened.socket.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return fail("the agent closed the connection before it answered");
    got.append(buffer, static_cast<std::size_t>(size));
  }
  const auto space = got.find(' ');
  (void)std::from_chars(got.data() + space + 1, got.data() + got.size(), opened.status);
  opened.early = got.substr(got.find("\r\n\r\n") + 4);
  return opened;
}

std::string message_of(const Answer& answer) {
  const auto value = nlohmann::json::parse(answer.body, nullptr, false);
  return value.is_object() && value.contains("message") ? value["message"].get<std::string>() : answer.body;
}

std::string rest_of(DockerClient::Opened& opened) {
  std::string raw = std::move(opened.early);
  char buffer[4096];
  while (true) {
    const ssize_t size = ::read(opened.socket.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    raw.append(buffer, static_cast<std::size_t>(size));
  }
  std::string body;
  std::size_t at = 0;
  while (at < raw.size()) {
    std::size_t size = 0;
    const auto parsed = std::from_chars(raw.data() + at, raw.data() + raw.size(), size, 16);
    const auto line = raw.find("\r\n", at);
    if (parsed.ec != std::errc() || size == 0 || line == std::string::npos || line + 2 + size > raw.size()) break;
    body += raw.substr(line + 2, size);
    at = line + 4 + size;
  }
  return body;
}

}  // namespace mete::agent::cli
