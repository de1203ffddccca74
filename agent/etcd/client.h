// SPDX-License-Identifier: Apache-2.0
// Asks etcd, on the loop: a connection for each request, the next server when one does not answer, a new token when the
// old one has run out.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/http/http_client.h"
#include "config/model/overlay_policy.h"

namespace mete::agent::etcd {

class Client {
 public:
  Client(asio::io_context& loop, const config::OverlayPolicy& policy) : loop_(loop), policy_(policy) {}

  // Reads addresses and certificates. Again: once more, as files may be others by now.
  [[nodiscard]] Status open();

  // `path` as "kv/txn". The body of the answer, or what a person has to know: the server, and what it has said.
  using Answered = std::function<void(Result<std::string>)>;
  void ask(const std::string& path, std::string body, Answered done);

  // Lines of an answer that goes on. One at a time: another one ends that before, without a word.
  struct Following {
    std::function<void(const std::string&)> line;
    std::function<void(const Error&)> ended;
  };
  void follow(const std::string& path, std::string body, Following following);
  void stop_following();

  // The address of this machine by which it reaches the first server. The error: that one is known by name, or there
  // is no way to it.
  [[nodiscard]] Result<config::IpAddress> own_address() const;

 private:
  struct Asked {
    std::string path;
    std::string body;
    Answered done;
    std::size_t tries = 0;   // servers that did not answer
    bool logged_in = false;  // for this request
  };
  void send(std::shared_ptr<Asked> asked);
  void log_in(std::shared_ptr<Asked> asked);
  void answered(const std::shared_ptr<Asked>& asked, Result<HttpAnswer> answer);
  [[nodiscard]] HttpPost post_to(const std::string& path, std::string body) const;
  void take(std::string_view part);

  asio::io_context& loop_;
  const config::OverlayPolicy& policy_;
  std::vector<HttpUrl> servers_;
  std::size_t server_ = 0;  // that has answered last
  std::shared_ptr<asio::ssl::context> tls_;
  std::string token_;
  std::map<std::uint64_t, std::shared_ptr<HttpSending>> sending_;
  std::uint64_t next_ = 0;
  std::shared_ptr<HttpSending> followed_;
  Following following_;
  std::string line_;  // the beginning of one
  Alive alive_;
};

}  // namespace mete::agent::etcd
