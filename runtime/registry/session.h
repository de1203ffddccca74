// SPDX-License-Identifier: Apache-2.0
// Requests to one registry: whether it speaks TLS, what it is told, and tokens, which all sessions of a command share.
// An answer 401 is answered once; a registry that goes on asking is an error.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/registry/challenge.h"
#include "runtime/registry/hosts.h"
#include "runtime/registry/login_store.h"

namespace mete::runtime::registry {

// What is known of a registry, for several threads.
struct RegistryState {
  Endpoint endpoint;
  TlsFiles tls;
  std::optional<Login> login;
  std::mutex mutex;
  std::string scheme;                  // empty: not known yet
  std::optional<Challenge> challenge;  // its last
  struct Known {
    std::string authorization;
    std::chrono::steady_clock::time_point until;
  };
  std::map<std::string, Known> tokens;  // by scope
};

[[nodiscard]] Result<std::shared_ptr<RegistryState>> open_registry(const Endpoint& endpoint, const Logins& logins);

struct Call {
  std::string method = "GET";
  std::string target;               // "/v2/..."; or a whole URL
  std::vector<std::string> scopes;  // "repository:NAME:pull"
  std::vector<std::string> headers = {};
  std::string body = {};
  int upload = -1;
  std::int64_t upload_size = 0;
  long seconds = 120;
};

struct Answer {
  HttpHead head;
  std::string body;
};

// Error::code beside those of HttpClient: ENOENT: not there; EACCES: refused for want of rights.
[[nodiscard]] Error refusal(const std::string& what, const Answer& answer);

class Session {
 public:
  explicit Session(std::shared_ptr<RegistryState> state);

  // The answer, whatever its status but 401; bodies of at most `most` bytes. Tries again after 429 and 5xx.
  [[nodiscard]] Result<Answer> ask(const Call& call, std::size_t most);
  // The same with the body left to be read from http().
  [[nodiscard]] Result<HttpHead> open(const Call& call);
  [[nodiscard]] HttpClient& http() { return http_; }
  [[nodiscard]] RegistryState& state() { return *state_; }
  [[nodiscard]] const std::string& registry() const { return state_->endpoint.registry; }

 private:
  [[nodiscard]] Result<HttpHead> send(const Call& call, const std::string& authorization);
  [[nodiscard]] Result<std::string> find_scheme();
  [[nodiscard]] Result<HttpHead> try_schemes(const Call& call, const std::string& authorization);
  [[nodiscard]] Result<std::string> authorization(const std::vector<std::string>& scopes);
  [[nodiscard]] Result<std::string> fetch_token(const Challenge& challenge, const std::vector<std::string>& scopes);
  std::shared_ptr<RegistryState> state_;
  HttpClient http_;
};

}  // namespace mete::runtime::registry
