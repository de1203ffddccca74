// SPDX-License-Identifier: Apache-2.0
// HTTP basic authentication (RFC 7617) against bcrypt hashes. One check takes 60 ms of a core at cost 10, so checks run
// one after the other on a thread of their own, and results are remembered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/asio.h"
#include "agent/http/http_access.h"

namespace mete::agent {

using WebUsers = std::map<std::string, std::string>;  // name to bcrypt hash

struct Credentials {
  std::string user;
  std::string password;
};
// Parses an Authorization header. Empty: another scheme, a malformed value, or control characters (bcrypt reads up to a
// NUL, so the text after one would not be compared).
[[nodiscard]] std::optional<Credentials> basic_credentials(std::string_view authorization);

// True: the password fits the hash. Slow on purpose. False when `hash` is no bcrypt hash.
[[nodiscard]] bool bcrypt_matches(const std::string& password, const std::string& hash);

class BasicAuth {
 public:
  static constexpr std::size_t kMostWaiting = 64;  // different credentials that wait; more give kBusy
  static constexpr std::size_t kRemembered = 128;  // right ones, and as many wrong ones

  explicit BasicAuth(asio::io_context& loop);
  ~BasicAuth();  // does not wait for a running check
  BasicAuth(const BasicAuth&) = delete;
  BasicAuth& operator=(const BasicAuth&) = delete;

  // Called on the loop's thread; `done` is called there, now or later. A check of an unknown user takes as long as one
  // of a wrong password.
  void check(const WebUsers& users, const std::string& authorization, std::function<void(Admission)> done);
  // Number of bcrypt checks made.
  [[nodiscard]] std::uint64_t checks() const { return checks_; }

 private:
  struct Worker;
  using Key = std::string;  // a keyed digest of user, hash and password: passwords are not stored

  [[nodiscard]] Key key_of(const Credentials& credentials, const std::string& hash) const;
  void checked(const Key& key, bool right);
  void remember(const Key& key, bool right);

  asio::io_context& loop_;
  std::string secret_;  // random, of this process
  std::map<Key, std::vector<std::function<void(Admission)>>> waiting_;
  std::map<Key, std::uint64_t> right_;  // the counter's value at the last use
  std::map<Key, std::uint64_t> wrong_;
  std::uint64_t asked_ = 0;
  std::uint64_t checks_ = 0;
  std::shared_ptr<Worker> worker_;
};

}  // namespace mete::agent
