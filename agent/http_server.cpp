// SPDX-License-Identifier: Apache-2.0
#include "agent/http_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <deque>
#include <optional>
#include <sstream>

namespace mete::agent {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;

struct HttpServer::State {
  static constexpr unsigned kMostConnections = 256;
  HttpHandler handler;
  unsigned connections = 0;
};

namespace {

constexpr std::size_t kLongestBody = 16U << 20U;
constexpr auto kIdle = std::chrono::seconds(60);
constexpr auto kSlow = std::chrono::seconds(20);       // for a whole request or answer
constexpr auto kWholeBody = std::chrono::seconds(120);  // for a body that comes in pieces
constexpr std::size_t kMostQueued = 4U << 20U;          // bytes of a stream that its reader has not taken

// Counts itself, so that a flood of connections ends at the limit.
class Counted {
 public:
  explicit Counted(unsigned& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  unsigned& count_;
};

HttpRequest request_of(http::request<http::string_body> raw, bool local) {
  HttpRequest request;
  request.method = std::string(raw.method_string());
  const std::string_view target = raw.target();
  const auto question = target.find('?');
  request.path = url_decode(target.substr(0, question));
  std::string_view rest = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    const auto equals = pair.find('=');
    request.query.emplace(url_decode(pair.substr(0, equals)), equals == std::string_view::npos ? "" : url_decode(pair.substr(equals + 1)));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  request.accept = std::string(raw[http::field::accept]);
  request.accept_encoding = std::string(raw[http::field::accept_encoding]);
  request.host = std::string(raw[http::field::host]);
  request.body = std::move(raw.body());
  request.local = local;
  return request;
}

// One chunk of a chunked body; none for an empty one, which would be the end.
std::string framed(std::string_view chunk) {
  if (chunk.empty()) return {};
  char size[20];
  const auto end = std::to_chars(size, size + sizeof size, chunk.size(), 16).ptr;
  std::string text(size, end);
  text.reserve(text.size() + chunk.size() + 4);
  text += "\r\n";
  text += chunk;
  text += "\r\n";
  return text;
}

template <class State, class Protocol>
class Session : public HttpReply, public HttpStream, public std::enable_shared_from_this<Session<State, Protocol>> {
 public:
  Session(typename Protocol::socket socket, std::shared_ptr<State> state, bool local)
      : state_(std::move(state)), counted_(state_->connections), stream_(std::move(socket)), local_(local) {}

  void read() {
    parser_.emplace();
    parser_->body_limit(kLongestBody);
    stream_.expires_after(kIdle);
    http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](ErrorCode error, std::size_t) { self->have_read(error); });
  }

  void send(HttpResponse response) override {
    answer_.emplace(static_cast<http::status>(response.status), version_);
    answer_->set(http::field::server, "mete");
    answer_->set(http::field::content_type, response.type);
    if (!response.encoding.empty()) answer_->set(http::field::content_encoding, response.encoding);
    answer_->keep_alive(keep_alive_);
    answer_->body() = std::move(response.body);
    answer_->prepare_payload();
    if (head_only_) answer_->body().clear();
    stream_.expires_after(kSlow);
    http::async_write(stream_, *answer_, [self = this->shared_from_this()](ErrorCode error, std::size_t) {
      self->answer_.reset();
      if (error || !self->keep_alive_) {
        self->close();
      } else {
        self->read();
      }
    });
  }

  void send(HttpResponse head, std::shared_ptr<HttpSource> body) override {
    chunked_ = version_ >= 11;  // HTTP/1.0 knows a body's end by the connection's only
    keep_alive_ = keep_alive_ && chunked_;
    http::response<http::empty_body> answer(static_cast<http::status>(head.status), version_);
    answer.set(http::field::server, "mete");
    answer.set(http::field::content_type, head.type);
    if (!head.encoding.empty()) answer.set(http::field::content_encoding, head.encoding);
    answer.set(http::field::vary, "Accept, Accept-Encoding");
    answer.keep_alive(keep_alive_);
    answer.chunked(chunked_);
    std::ostringstream text;
    text << answer.base();
    source_ = std::move(body);
    piece_ = std::move(text).str();
    body_end_ = std::chrono::steady_clock::now() + kWholeBody;
    write_piece(head_only_);
  }

  std::shared_ptr<HttpStream> stream(const std::string& type) override {
    keep_alive_ = false;
    std::string head = "HTTP/1.1 200 OK\r\nServer: mete\r\nContent-Type: " + type + "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    queue(std::move(head));
    watch_peer();
    // The caller holds the stream; when it lets go the last chunk is sent.
    return std::shared_ptr<HttpStream>(this, [self = this->shared_from_this()](HttpStream*) { self->finish(); });
  }

  bool write(std::string_view chunk) override {
    if (closed_ || queued_bytes_ + chunk.size() > kMostQueued) {
      close();
      return false;
    }
    if (!chunk.empty()) queue(framed(chunk));
    return true;
  }

  void on_close(std::function<void()> callback) override { on_close_ = std::move(callback); }

 private:
  void have_read(ErrorCode error) {
    if (error == http::error::body_limit || error == http::error::header_limit) {
      keep_alive_ = false;
      send({413, "text/plain; charset=utf-8", "The request is larger than 16 MiB.\n"});
      return;
    }
    if (error) {
      close();
      return;
    }
    auto raw = parser_->release();
    version_ = raw.version();
    keep_alive_ = raw.keep_alive();
    head_only_ = raw.method() == http::verb::head;
    stream_.expires_never();
    const auto request = request_of(std::move(raw), local_);
    state_->handler(request, this->shared_from_this());
  }

  // Writes piece_, then asks for the next. A peer that does not take a piece in time is cut off, and one that would
  // take the whole body for ever.
  void write_piece(bool last) {
    stream_.expires_at(std::min(std::chrono::steady_clock::now() + kSlow, body_end_));
    asio::async_write(stream_, asio::buffer(piece_), [self = this->shared_from_this(), last](ErrorCode error, std::size_t) {
      if (error) {
        self->source_.reset();
        self->close();
      } else if (last) {
        self->end_body();
      } else {
        self->next_piece();
      }
    });
  }

  void next_piece() {
    stream_.expires_never();
    source_->next([self = this->shared_from_this()](Result<std::string> piece, bool last) {
      if (!piece || self->closed_) {
        self->source_.reset();
        self->close();
        return;
      }
      self->piece_ = self->chunked_ ? framed(*piece) : std::move(*piece);
      if (last && self->chunked_) self->piece_ += "0\r\n\r\n";
      self->write_piece(last);
    });
  }

  void end_body() {
    source_.reset();
    piece_.clear();
    if (keep_alive_) {
      read();
    } else {
      close();
    }
  }

  void queue(std::string bytes) {
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
    if (queue_.size() == 1) write_next();
  }

  void write_next() {
    asio::async_write(stream_, asio::buffer(queue_.front()), [self = this->shared_from_this()](ErrorCode error, std::size_t) {
      self->queued_bytes_ -= self->queue_.front().size();
      self->queue_.pop_front();
      if (error) {
        self->close();
      } else if (!self->queue_.empty()) {
        self->write_next();
      } else if (self->finished_) {
        self->close();
      }
    });
  }

  // A peer that streams is not expected to say anything: whatever comes, or the end, is its going.
  void watch_peer() {
    stream_.async_read_some(asio::buffer(scratch_), [self = this->shared_from_this()](ErrorCode, std::size_t) { self->close(); });
  }

  void finish() {
    if (closed_) return;
    finished_ = true;
    queue("0\r\n\r\n");
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    ErrorCode ignored;
    stream_.socket().shutdown(Protocol::socket::shutdown_both, ignored);
    stream_.close();
    if (auto callback = std::exchange(on_close_, nullptr)) callback();
  }

  std::shared_ptr<State> state_;
  Counted counted_;
  beast::basic_stream<Protocol> stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> answer_;
  std::shared_ptr<HttpSource> source_;
  std::string piece_;
  std::chrono::steady_clock::time_point body_end_{};
  bool chunked_ = true;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::function<void()> on_close_;
  unsigned version_ = 11;
  char scratch_[64] = {};
  bool local_;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool finished_ = false;
  bool closed_ = false;
};

Result<tcp::endpoint> endpoint_of(const std::string& address) {
  const auto error = [&] { return fail("listen " + address + ": expected ADDRESS:PORT such as 127.0.0.1:9753 or [::]:9753"); };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return error();
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  constexpr unsigned kLastPort = 65535;
  if (parsed.ec != std::errc() || parsed.ptr != end || port > kLastPort) return error();
  ErrorCode wrong;
  const auto ip = host.empty() ? asio::ip::make_address("0.0.0.0", wrong) : asio::ip::make_address(host, wrong);
  if (wrong) return error();
  return tcp::endpoint(ip, static_cast<unsigned short>(port));
}

}  // namespace

std::vector<std::string> HttpRequest::parameters(const std::string& name) const {
  std::vector<std::string> all;
  const auto [begin, end] = query.equal_range(name);
  for (auto each = begin; each != end; ++each) all.push_back(each->second);
  return all;
}

std::string HttpRequest::parameter(const std::string& name) const {
  const auto at = query.find(name);
  return at == query.end() ? std::string() : at->second;
}

HttpServer::HttpServer(asio::io_context& loop, HttpHandler handler) : state_(std::make_shared<State>()), tcp_(loop), unix_(loop) {
  state_->handler = std::move(handler);
}
HttpServer::~HttpServer() { close(); }

Status HttpServer::listen_tcp(const std::string& address) {
  METE_TRY(const tcp::endpoint endpoint, endpoint_of(address));
  ErrorCode error;
  tcp_.open(endpoint.protocol(), error);
  if (!error) tcp_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) tcp_.bind(endpoint, error);
  if (!error) tcp_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail_errno("listen on " + address, error.value());
  const auto bound = tcp_.local_endpoint(error);
  const std::string host = bound.address().is_v6() ? "[" + bound.address().to_string() + "]" : bound.address().to_string();
  tcp_address_ = host + ":" + std::to_string(bound.port());
  accept<tcp>(tcp_);
  return {};
}

Status HttpServer::listen_unix(const std::string& path) {
  // Only this instance may listen here: the agent holds its state's lock. What is there is a dead one's.
  ::unlink(path.c_str());
  ErrorCode error;
  unix_.open(Local(), error);
  const mode_t before = ::umask(0177);
  if (!error) unix_.bind(Local::endpoint(path), error);
  ::umask(before);
  if (!error) unix_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail_errno("listen on " + path, error.value());
  accept<Local>(unix_);
  return {};
}

void HttpServer::close() {
  ErrorCode ignored;
  tcp_.close(ignored);
  unix_.close(ignored);
}

template <class Protocol>
void HttpServer::accept(typename Protocol::acceptor& acceptor) {
  acceptor.async_accept([this, &acceptor, state = state_](ErrorCode error, typename Protocol::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
    if (!error && state->connections < State::kMostConnections) {
      constexpr bool kLocal = std::is_same_v<Protocol, Local>;
      std::make_shared<Session<State, Protocol>>(std::move(socket), state, kLocal)->read();
    }
    accept<Protocol>(acceptor);
  });
}

std::string url_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string url_encode(std::string_view text) {
  std::string encoded;
  constexpr const char* kHex = "0123456789ABCDEF";
  for (const char each : text) {
    const auto c = static_cast<unsigned char>(each);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded += each;
    } else {
      encoded += '%';
      encoded += kHex[c >> 4U];
      encoded += kHex[c & 15U];
    }
  }
  return encoded;
}

}  // namespace mete::agent
