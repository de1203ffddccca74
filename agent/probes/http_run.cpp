// SPDX-License-Identifier: Apache-2.0
// httpGet: HTTP/1.1, one connection a request, redirects as the kubelet follows them.
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <optional>

#include "agent/http/asio_ssl.h"
#include "agent/probes/http_answer.h"
#include "agent/probes/network_run.h"

namespace mete::agent {
namespace {

constexpr int kMostRedirects = 10;  // as Go's client

// Made with the first probe that needs it: it costs a megabyte.
asio::ssl::context& tls_context() {
  static asio::ssl::context context = [] {
    asio::ssl::context made(asio::ssl::context::tls_client);
    made.set_verify_mode(asio::ssl::verify_none);
    return made;
  }();
  return context;
}

bool is_named(const std::string& a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// A header of the manifest replaces the one that would be sent, and an empty value leaves it out.
std::string request_text(const HttpTarget& to, const std::vector<std::pair<std::string, std::string>>& headers) {
  const std::string url = to_string({false, to.host, to.port, ""});
  std::string text = "GET " + to.path + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, const std::string& otherwise) {
    const auto own =
        std::find_if(headers.begin(), headers.end(), [&](const auto& each) { return is_named(each.first, name); });
    const std::string& value = own == headers.end() ? otherwise : own->second;
    if (!value.empty()) text.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", url.substr(std::string_view("http://").size()));
  add("User-Agent", "kube-probe/1.34 mete/" METE_VERSION);
  add("Accept", "*/*");
  for (const auto& [name, value] : headers) {
    const bool added = is_named(name, "host") || is_named(name, "user-agent") || is_named(name, "accept");
    if (!added && !is_named(name, "connection")) text.append(name).append(": ").append(value).append("\r\n");
  }
  return text + "Connection: close\r\n\r\n";
}

class HttpRun : public NetworkRun {
 public:
  HttpRun(Services& services, ProbePlace place, HttpProbe probe)
      : NetworkRun(services, std::move(place)),
        probe_(std::move(probe)),
        first_{probe_.get.https, host_or_own(probe_.get.host), probe_.get.port, probe_.get.path},
        target_(first_) {}

 private:
  using Tls = asio::ssl::stream<ProbeSocket&>;

  void start() override { ask(); }
  [[nodiscard]] std::string what_failed() const override { return "Get \"" + to_string(target_) + "\""; }
  [[nodiscard]] std::string out_of_time() const override { return what_failed() + ": no answer"; }
  [[nodiscard]] std::string_view first_request() const override {
    return target_.https ? std::string_view() : request_;
  }

  void ask() {
    answer_ = {};
    request_ = request_text(target_, probe_.get.headers);
    dial(target_.host, target_.port);
  }

  void connected(const BegunConnection& begun) override {
    if (begun.error != 0) return failed(ErrorCode(begun.error, boost::system::system_category()));
    if (is_answered(begun.answer, begun.closed) || !watch()) return;
    if (!target_.https) return send(socket(), begun.sent);
    tls_ = std::make_unique<Tls>(socket(), tls_context());
    // The name alone: an address is none (RFC 6066, 3).
    if (target_.host.find_first_not_of("0123456789.:") != std::string::npos)
      ::SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, target_.host.data());
    tls_->async_handshake(asio::ssl::stream_base::client, [self = self<HttpRun>()](ErrorCode error) {
      if (self->is_over()) return;
      if (error) return self->failed(error);
      self->send(*self->tls_, 0);
    });
  }

  template <class Stream>
  void send(Stream& stream, std::size_t sent) {
    if (sent == request_.size()) return receive(stream);
    asio::async_write(stream, asio::buffer(request_) + sent,
                      [self = self<HttpRun>(), &stream](ErrorCode error, std::size_t) {
                        if (self->is_over()) return;
                        if (error) return self->failed(error);
                        self->receive(stream);
                      });
  }

  template <class Stream>
  void receive(Stream& stream) {
    if (!bytes_) bytes_ = std::make_unique<std::array<char, 4096>>();
    stream.async_read_some(asio::buffer(*bytes_), [self = self<HttpRun>(), &stream](ErrorCode error, std::size_t size) {
      if (self->is_over()) return;
      const bool closed = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
      if (self->is_answered({self->bytes_->data(), size}, closed)) return;
      if (error) return self->failed(error);
      self->receive(stream);
    });
  }

  // Takes what has come. False: more has to come.
  bool is_answered(std::string_view bytes, bool closed) {
    HttpAnswerReader::State state = HttpAnswerReader::State::kMore;
    if (!bytes.empty()) state = answer_.feed(bytes);
    if (state == HttpAnswerReader::State::kMore && closed) state = answer_.end();
    if (state == HttpAnswerReader::State::kMore) return false;
    if (state == HttpAnswerReader::State::kBroken) {
      finish(ProbeResult::kFailure, what_failed() + ": " + answer_.why());
    } else {
      answered();
    }
    return true;
  }

  void failed(const ErrorCode& error) { finish(ProbeResult::kFailure, what_failed() + ": " + error.message()); }

  void answered() {
    const int status = answer_.status();
    const bool leads_on = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (leads_on && !answer_.location().empty()) {
      const auto next = redirected(target_, answer_.location());
      if (!next) return finish(ProbeResult::kFailure, what_failed() + ": redirected to \"" + answer_.location() + "\"");
      if (next->host == first_.host) return follow(*next);
    }
    if (probe_.any_answer || (status >= 200 && status < 300)) return finish(ProbeResult::kSuccess, {});
    if (status >= 300 && status < 400) {
      return finish(ProbeResult::kWarning, "Probe terminated redirects, Response body: " + answer_.body());
    }
    std::string message = "HTTP probe failed with statuscode: " + std::to_string(status);
    if (!answer_.body().empty()) message += ": " + answer_.body();
    finish(ProbeResult::kFailure, std::move(message));
  }

  void follow(const HttpTarget& next) {
    if (++redirects_ >= kMostRedirects)
      return finish(ProbeResult::kFailure, what_failed() + ": stopped after 10 redirects");
    target_ = next;
    ask();
  }

  const HttpProbe probe_;
  const HttpTarget first_;
  HttpTarget target_;
  int redirects_ = 0;
  std::string request_;
  HttpAnswerReader answer_;
  std::unique_ptr<std::array<char, 4096>> bytes_;  // made when the loop has to read
  std::unique_ptr<Tls> tls_;
};

}  // namespace

std::shared_ptr<ProbeRun> make_http_run(Services& services, const ProbePlace& place, HttpProbe probe) {
  return std::make_shared<HttpRun>(services, place, std::move(probe));
}

}  // namespace mete::agent
