// SPDX-License-Identifier: Apache-2.0
// A text between double quotes, with a backslash before each quote and backslash of its own. The texts of schemas have
// no control characters, so this is their JSON form too.
#pragma once

#include <string>
#include <string_view>

namespace mete::config {

inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace mete::config
