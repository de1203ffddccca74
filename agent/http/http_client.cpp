// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_client.h"

#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <type_traits>

namespace mete::agent {
namespace {

namespace beast = boost::beast;
using asio::ip::tcp;
using PlainClient = beast::basic_stream<tcp>;
using TlsClient = asio::ssl::stream<PlainClient>;

constexpr std::size_t kMostHeader = 16U << 10U;

std::string request_text(const HttpPost& request) {
  std::string text = "POST " + request.url.path + " HTTP/1.1\r\nHost: " + request.url.authority() +
                     "\r\nUser-Agent: mete/" METE_VERSION
                     "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
                     std::to_string(request.body.size()) + "\r\n";
  if (!request.authorization.empty()) text += "Authorization: " + request.authorization + "\r\n";
  return text + "\r\n" + request.body;
}

std::string shown_address(const HttpUrl& url) {
  return (url.tls ? "https://" : "http://") + url.authority() + url.path;
}

Status status_of(const std::string& address, const Result<HttpAnswer>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status >= 200 && answer->status < 300) return {};
  constexpr std::size_t kShown = 200;
  std::string body = answer->body.substr(0, kShown);
  while (!body.empty() && body.back() <= ' ' && body.back() >= 0) body.pop_back();
  return fail(address + ": found status " + std::to_string(answer->status) + (body.empty() ? "" : " (" + body + ")") +
              ", expected 2xx");
}

template <class Stream>
class Sending : public std::enable_shared_from_this<Sending<Stream>> {
 public:
  static constexpr bool kTls = std::is_same_v<Stream, TlsClient>;

  using Done = std::function<void(Result<HttpAnswer>)>;

  Sending(asio::io_context& loop, HttpPost request, Done done)
      : request_(std::move(request)), done_(std::move(done)), resolver_(loop), stream_(make(loop)) {
    parser_.header_limit(kMostHeader);
    parser_.body_limit(request_.most_answer);
    if constexpr (kTls) {
      ErrorCode no_address;
      (void)asio::ip::make_address(request_.url.host, no_address);
      // An address is no server name (RFC 6066 3), but the certificate is checked for either.
      if (no_address) {
        // SSL_set_tlsext_host_name(), without the old-style cast of its macro.
        (void)::SSL_ctrl(stream_.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                         request_.url.host.data());
      }
      (void)::SSL_set1_host(stream_.native_handle(), request_.url.host.c_str());
    }
  }

  void begin() {
    lowest().expires_after(request_.timeout);
    ErrorCode no_address;
    const auto address = asio::ip::make_address(request_.url.host, no_address);
    if (!no_address) {
      const auto port = static_cast<unsigned short>(std::stoul(request_.url.port));
      return connect(tcp::resolver::results_type::create(tcp::endpoint(address, port), request_.url.host, {}));
    }
    resolver_.async_resolve(request_.url.host, request_.url.port,
                            [self = this->shared_from_this()](ErrorCode error, tcp::resolver::results_type found) {
                              if (error) return self->end("resolve", error);
                              self->connect(found);
                            });
  }

  void cancel() {
    done_ = nullptr;
    resolver_.cancel();
    ErrorCode ignored;
    lowest().socket().close(ignored);
  }

 private:
  Stream make(asio::io_context& loop) {
    if constexpr (kTls) {
      return Stream(loop, *request_.tls);
    } else {
      return Stream(loop);
    }
  }
  PlainClient& lowest() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void connect(const tcp::resolver::results_type& addresses) {
    if (!done_) return;
    lowest().async_connect(addresses, [self = this->shared_from_this()](ErrorCode error, const tcp::endpoint&) {
      if (error) return self->end("connect", error);
      self->connected();
    });
  }

  void connected() {
    lowest().socket().set_option(tcp::no_delay(true));
    if constexpr (kTls) {
      stream_.async_handshake(asio::ssl::stream_base::client, [self = this->shared_from_this()](ErrorCode error) {
        if (error) return self->end("TLS", error);
        self->write();
      });
    } else {
      write();
    }
  }

  void write() {
    text_ = request_text(request_);
    asio::async_write(stream_, asio::buffer(text_), [self = this->shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->end("send", error);
      self->read();
    });
  }

  void read() {
    if (request_.take_part) {
      return beast::http::async_read_header(
          stream_, buffer_, parser_,
          [self = this->shared_from_this()](ErrorCode error, std::size_t) { self->began(error); });
    }
    read_all();
  }

  void began(ErrorCode error) {
    if (error) return end("read the answer", error);
    const unsigned status = parser_.get().result_int();
    if (status < 200 || status >= 300) return read_all();
    parser_.body_limit(boost::none);
    lowest().expires_never();
    notice_silence();
    read_part();
  }

  // Where the way to the server is cut, nothing comes and nothing fails: the kernel asks whether it is there.
  void notice_silence() {
    const int socket = lowest().socket().native_handle();
    for (const auto& [level, option, value] :
         {std::array{SOL_SOCKET, SO_KEEPALIVE, 1}, std::array{SOL_TCP, TCP_KEEPIDLE, 15},
          std::array{SOL_TCP, TCP_KEEPINTVL, 5}, std::array{SOL_TCP, TCP_KEEPCNT, 3}})
      (void)::setsockopt(socket, level, option, &value, sizeof value);
  }

  void read_part() {
    if (!done_) return;
    beast::http::async_read_some(
        stream_, buffer_, parser_,
        [self = this->shared_from_this()](ErrorCode error, std::size_t) { self->came(error); });
  }

  void came(ErrorCode error) {
    const std::string part = std::exchange(parser_.get().body(), {});
    if (!part.empty() && done_) request_.take_part(part);
    if (error) return end("read the answer", error);
    if (parser_.is_done()) return report(HttpAnswer{parser_.get().result_int(), {}});
    read_part();
  }

  void read_all() {
    beast::http::async_read(stream_, buffer_, parser_,
                            [self = this->shared_from_this()](ErrorCode error, std::size_t) { self->answered(error); });
  }

  void answered(ErrorCode error) {
    // Whoever ends an answer without a length by closing the connection has sent all of it.
    if (error && !parser_.is_header_done()) return end("read the answer", error);
    report(HttpAnswer{parser_.get().result_int(), std::move(parser_.get().body())});
  }

  void end(const char* doing, ErrorCode error) {
    const bool late = error == beast::error::timeout;
    report(fail(shown_address(request_.url) + ": " + doing + ": " + (late ? "no answer in time" : error.message())));
  }

  void report(Result<HttpAnswer> answer) {
    ErrorCode ignored;
    lowest().socket().close(ignored);
    if (auto done = std::exchange(done_, nullptr)) done(std::move(answer));
  }

  HttpPost request_;
  Done done_;
  tcp::resolver resolver_;
  Stream stream_;
  std::string text_;
  beast::flat_buffer buffer_;
  beast::http::response_parser<beast::http::string_body> parser_;
};

template <class Stream>
class Handle : public HttpSending {
 public:
  explicit Handle(std::shared_ptr<Sending<Stream>> sending) : sending_(std::move(sending)) { sending_->begin(); }
  ~Handle() override { sending_->cancel(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 private:
  std::shared_ptr<Sending<Stream>> sending_;
};

}  // namespace

Result<std::shared_ptr<asio::ssl::context>> client_tls(const std::string& ca_file, const std::string& cert_file,
                                                       const std::string& key_file) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  context->set_verify_mode(asio::ssl::verify_peer);
  ErrorCode error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(ca_file, error);
  }
  if (error) return fail("caFile " + ca_file + ": " + error.message() + ", expected certificates (PEM)");
  if (cert_file.empty()) return context;
  context->use_certificate_chain_file(cert_file, error);
  if (error) return fail("certFile " + cert_file + ": " + error.message() + ", expected certificates (PEM)");
  context->use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) return fail("keyFile " + key_file + ": " + error.message() + ", expected the certificate's key (PEM)");
  return context;
}

std::shared_ptr<HttpSending> ask_by_post(asio::io_context& loop, HttpPost request,
                                         std::function<void(Result<HttpAnswer>)> done) {
  if (request.tls) {
    auto sending = std::make_shared<Sending<TlsClient>>(loop, std::move(request), std::move(done));
    return std::make_shared<Handle<TlsClient>>(std::move(sending));
  }
  auto sending = std::make_shared<Sending<PlainClient>>(loop, std::move(request), std::move(done));
  return std::make_shared<Handle<PlainClient>>(std::move(sending));
}

std::shared_ptr<HttpSending> send_post(asio::io_context& loop, HttpPost request, std::function<void(Status)> done) {
  const std::string address = shown_address(request.url);
  return ask_by_post(loop, std::move(request), [address, done = std::move(done)](const Result<HttpAnswer>& answer) {
    done(status_of(address, answer));
  });
}

std::string basic_authorization(const std::string& user, const std::string& password) {
  const std::string plain = user + ":" + password;
  std::string encoded(4 * ((plain.size() + 2) / 3) + 1, '\0');
  const int length =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()));
  encoded.resize(static_cast<std::size_t>(length));
  return "Basic " + encoded;
}

}  // namespace mete::agent
