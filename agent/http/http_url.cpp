// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_url.h"

#include <algorithm>
#include <charconv>

#include "runtime/cgroup/text.h"

namespace mete::agent {
using runtime::cgroup::next_part;

std::string url_decode(std::string_view text, bool in_query) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += text[i] == '+' && in_query ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string url_encode(std::string_view text) {
  std::string encoded;
  constexpr const char* kHex = "0123456789ABCDEF";
  for (const char each : text) {
    const auto c = static_cast<unsigned char>(each);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded += each;
    } else {
      encoded += '%';
      encoded += kHex[c >> 4U];
      encoded += kHex[c & 15U];
    }
  }
  return encoded;
}

RequestTarget parse_target(std::string_view target) {
  RequestTarget parsed;
  // A proxy's form, http://host/path.
  if (target.starts_with("http://") || target.starts_with("https://")) {
    target.remove_prefix(target.find("://") + 3);
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
  } else if (target.starts_with("http:/")) {
    target.remove_prefix(5);  // without a host, as some clients of Unix sockets write it; Go's servers take that
  }
  target = target.substr(0, target.find('#'));
  parsed.path = url_decode(next_part(target, '?'), false);
  if (parsed.path.empty()) parsed.path = "/";
  while (!target.empty()) {
    std::string_view value = next_part(target, '&');
    const std::string_view name = next_part(value, '=');
    if (!name.empty() || !value.empty()) parsed.query.emplace(url_decode(name), url_decode(value));
  }
  return parsed;
}

}  // namespace mete::agent
