// SPDX-License-Identifier: Apache-2.0
// Docker's config.json: what registries are told, and which helper programs keep it. Texts only; login_store.h reads
// the files and runs the helpers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::runtime::registry {

struct Login {
  std::string user;
  std::string password;
  std::string identity_token;  // instead of a password
  [[nodiscard]] bool empty() const { return user.empty() && password.empty() && identity_token.empty(); }
  bool operator==(const Login&) const = default;
};

// What a config.json says of one registry: at most one of the two.
struct LoginEntry {
  Login login;
  std::string helper;  // "pass": the program docker-credential-pass
};

// Empty: it says nothing of the registry. `key` as login_key() makes it; older keys ("https://host/v1/") are found,
// too.
[[nodiscard]] Result<std::optional<LoginEntry>> find_login(std::string_view config, const std::string& host);
// The helper that keeps what is told to this registry; empty: the file itself does.
[[nodiscard]] Result<std::string> helper_for(std::string_view config, const std::string& host);
// The text with the login, or without one. Everything else stays. An empty text is an empty config.
[[nodiscard]] Result<std::string> with_login(std::string_view config, const std::string& host, const Login& login);
[[nodiscard]] Result<std::string> without_login(std::string_view config, const std::string& host);

// What a helper prints for `get`: {"Username", "Secret"}.
[[nodiscard]] Result<Login> parse_helper_answer(std::string_view text);
// What `store` reads.
[[nodiscard]] std::string helper_request(const std::string& host, const Login& login);

[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace mete::runtime::registry
