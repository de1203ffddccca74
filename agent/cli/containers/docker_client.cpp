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
#include <vector>

#include "agent/base/asio.h"
#include "runtime/file.h"
#include "runtime/json.h"

namespace mete::agent::cli {
namespace {

namespace http = boost::beast::http;
using Socket = asio::local::stream_protocol::socket;

// Of the bodies that come and go in pieces.
constexpr std::size_t kPieceSize = 64 * 1024;

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

Result<Socket> connect(asio::io_context& loop, const std::string& path) {
  METE_TRY(runtime::UniqueFd connected, connect_socket(path));
  return Socket(loop, asio::local::stream_protocol(), connected.release());
}

template <class Body>
http::request<Body> request_of(const std::string& method, const std::string& target, const char* type) {
  http::request<Body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, "mete");
  request.set(http::field::connection, "close");
  request.set(http::field::content_type, type);
  return request;
}

// `head_only`: of a HEAD, whose answer tells a length, and has no body.
Result<Answer> read_answer(Socket& socket, bool head_only = false) {
  ErrorCode error;
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  parser.skip(head_only);
  http::read(socket, buffer, parser, error);
  if (error) return fail("read the agent's answer: " + error.message());
  return Answer{parser.get().result_int(), std::move(parser.get().body())};
}

// The next piece of a file or pipe, empty at its end.
Result<std::size_t> read_piece(int in, char* piece) {
  while (true) {
    const ssize_t size = ::read(in, piece, kPieceSize);
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) return fail_errno("read standard input");
  }
}

}  // namespace

Result<Answer> DockerClient::request(const std::string& method, const std::string& target,
                                     const std::string& body) const {
  asio::io_context loop;
  METE_TRY(Socket socket, connect(loop, socket_));
  auto request = request_of<http::string_body>(method, target, "application/json");
  request.body() = body;
  request.prepare_payload();
  ErrorCode error;
  http::write(socket, request, error);
  if (error) return fail("send to the agent: " + error.message());
  return read_answer(socket, method == "HEAD");
}

Result<Answer> DockerClient::download(const std::string& target, int out) const {
  asio::io_context loop;
  METE_TRY(Socket socket, connect(loop, socket_));
  ErrorCode error;
  http::write(socket, request_of<http::empty_body>("GET", target, "application/json"), error);
  if (error) return fail("send to the agent: " + error.message());
  boost::beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  http::read_header(socket, buffer, parser, error);
  Answer answer{parser.get().result_int(), {}};
  std::vector<char> piece(kPieceSize);
  while (!error && !parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    http::read(socket, buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    const std::string_view got(piece.data(), piece.size() - body.size);
    if (answer.status >= 300) {
      answer.body += got;
    } else {
      METE_CHECK(runtime::write_all(out, got));
    }
  }
  if (error) return fail("read the agent's answer: " + error.message());
  return answer;
}

Result<Answer> DockerClient::upload(const std::string& target, int in) const {
  asio::io_context loop;
  METE_TRY(Socket socket, connect(loop, socket_));
  auto request = request_of<http::buffer_body>("PUT", target, "application/x-tar");
  request.chunked(true);
  request.body().data = nullptr;
  request.body().more = true;
  http::request_serializer<http::buffer_body> serializer(request);
  ErrorCode error;
  http::write_header(socket, serializer, error);
  std::vector<char> piece(kPieceSize);
  while (!error && request.body().more) {
    METE_TRY(const std::size_t size, read_piece(in, piece.data()));
    request.body() = {size == 0 ? nullptr : piece.data(), size, size != 0};
    http::write(socket, serializer, error);
    if (error == http::error::need_buffer) error = {};
  }
  // An agent that has seen enough answers before the end, and closes.
  auto answer = read_answer(socket);
  if (answer || !error) return answer;
  return fail("send to the agent: " + error.message());
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
  if (value.is_object() && value.contains("message")) return value["message"].get<std::string>();
  return answer.body.substr(0, answer.body.find_last_not_of('\n') + 1);
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
