// SPDX-License-Identifier: Apache-2.0
// The session over each kind of stream (TCP, unix socket, TLS). Internal to http_session.cpp.
#pragma once

#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/optional/optional.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <type_traits>

#include "agent/http/asio_ssl.h"
#include "agent/http/http_linger_impl.h"
#include "agent/http/http_message.h"
#include "agent/http/http_pieces_impl.h"
#include "agent/http/http_session.h"
#include "agent/http/http_spool_impl.h"
#include "agent/http/http_stream_impl.h"
#include "agent/http/http_tls_impl.h"
#include "agent/http/http_url.h"

namespace mete::agent {

namespace beast = boost::beast;
namespace http = boost::beast::http;

template <class Stream>
class Session final : public HttpReply,
                      public PieceAnswer<Session<Stream>>,
                      public SpooledBody<Session<Stream>>,
                      public StreamAnswer<Session<Stream>>,
                      public TlsBegin<Session<Stream>>,
                      public std::enable_shared_from_this<Session<Stream>> {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr bool kTls = std::is_same_v<Stream, asio::ssl::stream<beast::basic_stream<asio::ip::tcp>>>;
  static constexpr bool kLocal = std::is_same_v<Stream, beast::basic_stream<asio::local::stream_protocol>>;

  // `context` for TLS only.
  template <class Socket>
  Session(std::shared_ptr<HttpShared> shared, std::unique_ptr<HttpConnections::Place> place, Socket socket,
          std::shared_ptr<asio::ssl::context> context = nullptr)
      : shared_(std::move(shared)),
        place_(std::move(place)),
        access_(kLocal ? nullptr : shared_->access),
        context_(std::move(context)),
        stream_(make(std::move(socket), context_.get())) {}

  void start() {
    if constexpr (kTls) {
      place_->idle([this] { close(); });
      this->begin_tls();
    } else {
      await_request(limits().fresh);
    }
  }

  void send(HttpResponse response) override {
    if (closed_) return;
    AnswerForm form{version_, keep_alive_, false, response.body.size()};
    piece_ = head_text(response, form, always());
    if (!head_only_) piece_ += response.body;
    body_end_ = Clock::now() + limits().slow;
    this->write_piece(true);
  }

  void send(HttpResponse head, std::shared_ptr<HttpSource> body) override {
    if (closed_) return;
    chunked_ = version_ >= 11;  // in HTTP/1.0 only the end of the connection ends a body
    keep_alive_ = keep_alive_ && chunked_;
    piece_ = head_text(head, {version_, keep_alive_, chunked_, {}}, always());
    if (!head_only_) source_ = std::move(body);
    this->write_piece(head_only_);
  }

  std::shared_ptr<HttpStream> stream(const std::string& type) override {
    keep_alive_ = false;
    HttpResponse head;
    head.type = type;
    const bool chunked = version_ >= 11;
    return this->begin_stream(head_text(head, {version_, false, chunked, {}}, always()), chunked);
  }

  std::shared_ptr<HttpStream> take_over(HttpResponse head) override {
    keep_alive_ = head.status == 101;  // no "Connection: close" beside "Connection: Upgrade"
    return this->begin_take_over(head_text(head, {version_, keep_alive_, false, {}}, always()));
  }

 private:
  friend class PieceAnswer<Session<Stream>>;
  friend class SpooledBody<Session<Stream>>;
  friend class StreamAnswer<Session<Stream>>;
  friend class TlsBegin<Session<Stream>>;

  template <class Socket>
  static Stream make(Socket socket, asio::ssl::context* context) {
    if constexpr (kTls) {
      return Stream(std::move(socket), *context);
    } else {
      return Stream(std::move(socket));
    }
  }
  // Empty lines before a request are skipped (RFC 9112 2.2).
  std::size_t blank_lines() const {
    const std::string_view text(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    return std::min(text.find_first_not_of("\r\n"), text.size());
  }
  auto& lowest() { return beast::get_lowest_layer(stream_); }
  const HttpLimits& limits() const { return shared_->limits; }
  const HttpHeaders& always() {
    static const HttpHeaders kNone;
    return access_ == nullptr ? kNone : access_->headers();
  }

  void await_request(std::chrono::milliseconds most) {
    buffer_.consume(blank_lines());
    if (buffer_.size() > 0) return read_head();
    if (closed_) return;
    place_->idle([this] { close(); });
    lowest().expires_after(most);
    constexpr std::size_t kRead = 4096;
    stream_.async_read_some(buffer_.prepare(kRead),
                            [self = this->shared_from_this(), most](ErrorCode error, std::size_t size) {
                              if (error || self->closed_) return self->close();
                              self->buffer_.commit(size);
                              self->await_request(most);
                            });
  }

  void read_head() {
    place_->busy();
    asked_at_ = Clock::now();
    this->file_.reset();
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits().request_head));
    parser_->body_limit(most_body());
    lowest().expires_after(limits().head);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](ErrorCode error, std::size_t) { self->have_head(error); });
  }

  void have_head(ErrorCode error) {
    if (error) return bad_request(error);
    const auto& raw = parser_->get();
    version_ = raw.version() >= 11 ? 11 : 10;
    keep_alive_ = raw.keep_alive();
    head_only_ = raw.method() == http::verb::head;
    lowest().expires_never();
    if (access_ == nullptr) return read_body();
    if (!kTls && access_->tls() != nullptr) {  // TLS was switched on while this connection was open
      keep_alive_ = false;
      return send(text_response(400, "This address speaks HTTPS now; the request was plain HTTP.\n"));
    }
    access_->admit(std::string(raw[http::field::authorization]),
                   [self = this->shared_from_this()](Admission admission) { self->admitted(admission); });
  }

  void admitted(Admission admission) {
    if (closed_) return;
    if (admission == Admission::kYes) return read_body();
    shared_->refused(admission == Admission::kNoCredentials ? "auth" : "rate");
    keep_alive_ = keep_alive_ && parser_->is_done();  // an unread body would be parsed as the next request
    send(refusal(admission));
  }

  void read_body() {
    if (parser_->is_done()) return dispatch();
    if (!this->begin_file()) return;
    lowest().expires_after(limits().body);
    if (!beast::iequals(parser_->get()[http::field::expect], "100-continue")) return read_body_now();
    piece_ = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(piece_), [self = this->shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->close();
      self->read_body_now();
    });
  }

  // Where some bodies go into files, the bound of the others is known after the head.
  boost::optional<std::uint64_t> most_body() const {
    if (!kLocal) return limits().tcp_request_body;
    if (shared_->spool) return boost::none;
    return limits().request_body;
  }

  void read_body_now() {
    if (this->file_) return this->read_into_file();
    http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->bad_request(error);
      self->lowest().expires_never();
      self->dispatch();
    });
  }

  void dispatch() {
    HttpRequest request =
        request_of(this->file_ ? RawRequest(std::move(this->file_parser_->get().base())) : parser_->release());
    request.body_file = std::move(this->file_);
    request.local = kLocal;
    if constexpr (kLocal) request.peer = peer_of(lowest().socket().native_handle());
    request.tls = kLocal ? shared_->access != nullptr && shared_->access->tls() != nullptr : kTls;
    request.tcp_address = shared_->tcp_address;
    body_end_ =
        asked_at_ + std::min(limits().whole, request.scrape_timeout.value_or(limits().whole) + std::chrono::seconds(1));
    shared_->handler(request, this->shared_from_this());
  }

  void bad_request(ErrorCode error) {
    keep_alive_ = false;
    head_only_ = false;
    if (error == beast::error::timeout) {
      shared_->refused("slow");
      return cut();
    }
    auto answer = complaint_of(error, limits());
    if (!answer) return close();
    send(std::move(*answer));
  }

  void end_answer() {
    source_.reset();
    frame_ = {};
    piece_ = {};
    if (keep_alive_) return await_request(limits().idle);
    if constexpr (kTls) {
      lowest().expires_after(limits().linger);
      stream_.async_shutdown([self = this->shared_from_this()](ErrorCode) { self->close(); });
    } else {
      linger();
    }
  }

  void linger() {
    agent::linger(lowest(), limits().linger, [self = this->shared_from_this()] { self->close(); });
  }

  // Within an answer the connection is reset, so that a body which ends with its connection does not look whole.
  void cut() {
    ErrorCode ignored;
    if (!kLocal && !closed_) lowest().socket().set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    source_.reset();
    place_.reset();
    lowest().close();
    this->report_closed();
  }

  std::shared_ptr<HttpShared> shared_;
  std::unique_ptr<HttpConnections::Place> place_;  // null: closed
  HttpAccess* access_;
  std::shared_ptr<asio::ssl::context> context_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::shared_ptr<HttpSource> source_;
  std::string frame_;  // goes before piece_
  std::string piece_;
  Clock::time_point asked_at_{};
  Clock::time_point body_end_{};
  unsigned version_ = 11;
  bool chunked_ = true;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool closed_ = false;
};

}  // namespace mete::agent
