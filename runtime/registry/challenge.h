// SPDX-License-Identifier: Apache-2.0
// The WWW-Authenticate header of a registry (RFC 9110 section 11.6.1; the token protocol of the distribution project).
// Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::registry {

struct Challenge {
  std::string scheme;                             // lower case: "basic", "bearer"
  std::map<std::string, std::string> parameters;  // names in lower case: realm, service, scope, error
};

// All challenges of one header; several may stand in it. What is malformed ends the list.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view header);
// The one to answer: a token rather than a password.
[[nodiscard]] std::optional<Challenge> best_challenge(std::string_view header);

struct Token {
  std::string token;
  int expires_in = 60;  // seconds: what the specification says where the answer does not
};
[[nodiscard]] Result<Token> parse_token(std::string_view body);

// "a b/c" -> "a%20b%2Fc"
[[nodiscard]] std::string percent_encoded(std::string_view text);
// Where a token for these scopes is asked for. `account`: empty for nobody.
[[nodiscard]] std::string token_url(const Challenge& challenge, const std::vector<std::string>& scopes,
                                    const std::string& account);

}  // namespace mete::runtime::registry
