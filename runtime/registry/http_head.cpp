// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "runtime/registry/http.h"

namespace mete::runtime::registry {

std::string HttpHead::header(const std::string& name) const {
  const auto at = headers.find(name);
  return at == headers.end() ? std::string() : at->second;
}

bool take_header_line(HttpHead& head, std::string line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
  if (line.starts_with("HTTP/")) {
    head.headers.clear();
    const auto blank = line.find(' ');
    head.status = blank == std::string::npos ? 0 : std::strtol(line.c_str() + blank, nullptr, 10);
    return false;
  }
  if (line.empty()) return head.status >= 200;  // not after "100 Continue"
  const auto colon = line.find(':');
  if (colon == std::string::npos) return false;
  std::string name = line.substr(0, colon);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
  std::string& to = head.headers[name];
  to += (to.empty() ? "" : ", ") + line.substr(value);
  return false;
}

}  // namespace mete::runtime::registry
