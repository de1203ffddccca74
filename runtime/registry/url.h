// SPDX-License-Identifier: Apache-2.0
// The URLs of registries: https://HOST[:PORT]/PATH. Pure.
#pragma once

#include <string>

#include "config/base/result.h"

namespace mete::runtime::registry {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // with the port, where there is one
  std::string target;  // "/v2/?n=1": path and query
  [[nodiscard]] std::string text() const { return scheme + "://" + host + target; }
  bool operator==(const Url&) const = default;
};

// The error: another scheme, a user in it, or no host.
[[nodiscard]] Result<Url> parse_url(const std::string& text);
// A Location header, which may be relative.
[[nodiscard]] Result<Url> resolve_location(const Url& base, const std::string& location);
// Whether what is told to `a` may be told to `b`: one scheme, host and port.
[[nodiscard]] bool same_origin(const Url& a, const Url& b);

}  // namespace mete::runtime::registry
