// SPDX-License-Identifier: Apache-2.0
// What registries are told, from docker's config.json files and from helper programs (docker-credential-NAME).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/registry/credentials.h"

namespace mete::runtime::registry {

// $DOCKER_CONFIG/config.json, or ~/.docker/config.json.
[[nodiscard]] std::string default_login_file();

class Logins {
 public:
  // Texts in the form of config.json, the most important first. They name no helpers: those run for the user's own
  // file.
  void add_text(std::string text) { texts_.push_back(std::move(text)); }
  // A file that may be missing.
  void use_file(std::string path) { file_ = std::move(path); }

  // Empty: nothing is known, and the registry is asked without.
  [[nodiscard]] Result<std::optional<Login>> find(const std::string& host) const;

 private:
  std::vector<std::string> texts_;
  std::string file_;
};

// Keeps a login, in the file or by the helper that it names. Returns the name of the helper; empty: the file has it.
[[nodiscard]] Result<std::string> save_login(const std::string& file, const std::string& host, const Login& login);
// False: there was none.
[[nodiscard]] Result<bool> remove_login(const std::string& file, const std::string& host);

}  // namespace mete::runtime::registry
