// SPDX-License-Identifier: Apache-2.0
#include "agent/etcd/client.h"

#include <boost/asio/ip/udp.hpp>
#include <fcntl.h>

#include <utility>

#include "agent/etcd/messages.h"
#include "runtime/file.h"

namespace mete::agent::etcd {
namespace {

constexpr auto kPatience = std::chrono::seconds(4);
constexpr std::size_t kMostBytes = std::size_t{64} << 20U;  // some 100,000 records
constexpr std::size_t kLongestLine = std::size_t{16} << 20U;
constexpr unsigned kUnauthorized = 401;

std::string shown(const HttpUrl& url) {
  return (url.tls ? "https://" : "http://") + url.authority();
}

Result<std::string> read_password(const std::string& path) {
  METE_TRY(std::string text, runtime::read_file(AT_FDCWD, path));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return fail("passwordFile " + path + ": found no text, expected a password");
  return text;
}

}  // namespace

Status Client::open() {
  std::vector<HttpUrl> servers;
  bool tls = false;
  for (const auto& each : policy_.endpoints) {
    METE_TRY(auto url, parse_url(each));
    tls |= url.tls;
    servers.push_back(std::move(url));
  }
  if (tls) {
    METE_TRY(tls_, client_tls(policy_.ca_file, policy_.cert_file, policy_.key_file));
  }
  servers_ = std::move(servers);
  return {};
}

HttpPost Client::post_to(const std::string& path, std::string body) const {
  HttpPost post{
      .url = servers_.at(server_), .tls = {}, .authorization = token_, .body = std::move(body), .timeout = kPatience};
  post.url.path = "/v3/" + path;
  if (post.url.tls) post.tls = tls_;
  post.most_answer = kMostBytes;
  return post;
}

void Client::ask(const std::string& path, std::string body, Answered done) {
  auto asked = std::make_shared<Asked>(Asked{path, std::move(body), std::move(done)});
  if (servers_.empty()) {
    return asio::post(loop_, alive_.guard([asked] { asked->done(fail("etcd: no server is known")); }));
  }
  if (!policy_.username.empty() && token_.empty()) return log_in(std::move(asked));
  send(std::move(asked));
}

void Client::log_in(std::shared_ptr<Asked> asked) {
  asked->logged_in = true;
  token_.clear();
  auto password = read_password(policy_.password_file);
  if (!password) {
    return asio::post(loop_, alive_.guard([asked, error = password.error()] { asked->done(tl::unexpected(error)); }));
  }
  auto login = std::make_shared<Asked>();
  login->path = "auth/authenticate";
  login->body = login_request(policy_.username, *password);
  login->logged_in = true;
  login->done = [this, asked](const Result<std::string>& answer) {
    auto token = answer ? parse_login(*answer) : tl::unexpected(answer.error());
    if (!token) return asked->done(tl::unexpected(token.error()));
    token_ = std::move(*token);
    send(asked);
  };
  send(std::move(login));
}

void Client::send(std::shared_ptr<Asked> asked) {
  const std::uint64_t number = next_++;
  HttpPost post = post_to(asked->path, asked->body);
  sending_[number] = ask_by_post(loop_, std::move(post), [this, number, asked](Result<HttpAnswer> answer) {
    // The call comes from within the sending, which ends after it.
    asio::post(loop_, alive_.guard([this, number] { sending_.erase(number); }));
    answered(asked, std::move(answer));
  });
}

void Client::answered(const std::shared_ptr<Asked>& asked, Result<HttpAnswer> answer) {
  constexpr unsigned kServerError = 500;
  const bool silent = !answer || answer->status >= kServerError;
  if (silent && ++asked->tries < servers_.size()) {
    server_ = (server_ + 1) % servers_.size();
    return send(asked);
  }
  if (!answer) return asked->done(tl::unexpected(answer.error()));
  if (answer->status == kUnauthorized && !policy_.username.empty() && !asked->logged_in) return log_in(asked);
  if (answer->status >= 200 && answer->status < 300) return asked->done(std::move(answer->body));
  asked->done(fail("etcd " + shown(servers_.at(server_)) + ": " + words_of(answer->body)));
}

void Client::follow(const std::string& path, std::string body, Following following) {
  stop_following();
  following_ = std::move(following);
  HttpPost post = post_to(path, std::move(body));
  post.take_part = [this](std::string_view part) { take(part); };
  const std::string server = shown(post.url);
  followed_ = ask_by_post(loop_, std::move(post), [this, server](const Result<HttpAnswer>& answer) {
    Error error = answer
                      ? fail("etcd " + server + ": found the end of what is watched: " + words_of(answer->body)).value()
                      : answer.error();
    // Later: this call comes from within what ends now.
    asio::post(loop_, alive_.guard([this, kept = followed_, error = std::move(error)] {
      if (kept != followed_) return;  // another one has begun
      followed_.reset();
      if (const auto ended = std::exchange(following_, {}).ended) ended(error);
    }));
  });
}

void Client::take(std::string_view part) {
  line_ += part;
  for (auto end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
    const std::string line = line_.substr(0, end);
    line_.erase(0, end + 1);
    if (!line.empty() && following_.line) following_.line(line);
  }
  if (line_.size() <= kLongestLine) return;
  // Nothing of ours is so long.
  line_.clear();
  asio::post(loop_, alive_.guard([this] {
    const auto ended = std::exchange(following_, {}).ended;
    stop_following();
    if (ended) ended(fail("etcd: found a line without an end").value());
  }));
}

void Client::stop_following() {
  // Perhaps called from within it.
  if (followed_) asio::post(loop_, [kept = std::exchange(followed_, nullptr)] {});
  following_ = {};
  line_.clear();
}

Result<config::IpAddress> Client::own_address() const {
  const std::string where = "network.overlay.advertise: found none, expected this machine's address, as etcd is ";
  if (servers_.empty()) return fail("etcd: no server is known");
  const std::string& host = servers_.front().host;
  ErrorCode error;
  const auto server = asio::ip::make_address(host, error);
  if (error) return fail(where + "known by its name " + host + " alone");
  asio::ip::udp::socket socket(loop_);
  constexpr unsigned short kAny = 9;  // nothing is sent
  socket.connect({server, kAny}, error);
  const auto own = error ? asio::ip::udp::endpoint() : socket.local_endpoint(error);
  if (error) return fail("find the way to etcd at " + host + ": " + error.message());
  const auto address = config::parse_ip(own.address().to_string());
  if (!address || own.address().is_loopback()) return fail(where + "on the machine itself");
  return *address;
}

}  // namespace mete::agent::etcd
