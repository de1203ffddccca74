// SPDX-License-Identifier: Apache-2.0
// HTTP basic authentication (RFC 7617) against bcrypt hashes. One check takes 60 ms of a core at cost 10, so they are
// done on a thread of its own, one after the other, and what was found is remembered.
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
// Of an Authorization header; empty when it is another scheme, broken, or has control characters (bcrypt takes text
// up to a NUL, so what stands after one would not be compared).
[[nodiscard]] std::optional<Credentials> basic_credentials(std::string_view authorization);

// Does the password fit the hash? Slow on purpose. False for what is no hash.
[[nodiscard]] bool bcrypt_matches(const std::string& password, const std::string& hash);

class BasicAuth {
 public:
  static constexpr std::size_t kMostWaiting = 64;  // different credentials; past them kBusy
  static constexpr std::size_t kRemembered = 128;  // each of right and wrong ones

  explicit BasicAuth(asio::io_context& loop);
  ~BasicAuth();  // does not wait for a check that is being made
  BasicAuth(const BasicAuth&) = delete;
  BasicAuth& operator=(const BasicAuth&) = delete;

  // From the loop's thread; `done` is called there, now or later. A user whom nobody knows takes as long as one with a
  // wrong password.
  void check(const WebUsers& users, const std::string& authorization, std::function<void(Admission)> done);
  // How many bcrypt checks were made.
  [[nodiscard]] std::uint64_t checks() const { return checks_; }

 private:
  struct Worker;
  using Key = std::string;  // a keyed digest of user, hash and password: no password is kept

  [[nodiscard]] Key key_of(const Credentials& credentials, const std::string& hash) const;
  void checked(const Key& key, bool right);
  void remember(const Key& key, bool right);

  asio::io_context& loop_;
  std::string secret_;  // of this process
  std::map<Key, std::vector<std::function<void(Admission)>>> waiting_;
  std::map<Key, std::uint64_t> right_;  // when it was last asked for, as a count
  std::map<Key, std::uint64_t> wrong_;
  std::uint64_t asked_ = 0;
  std::uint64_t checks_ = 0;
  std::shared_ptr<Worker> worker_;
};

}  // namespace mete::agent
