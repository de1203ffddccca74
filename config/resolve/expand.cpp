// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/expand.h"

namespace mete::config {

std::string expand(std::string_view text, const Lookup& lookup) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (text[at] != '$' || (next != '$' && next != '(')) {
      out += text[at];
      continue;
    }
    if (next == '$') {
      out += '$';
      ++at;
      continue;
    }
    const auto close = text.find(')', at + 2);
    if (close == std::string_view::npos) {
      // Unclosed: only this opening is copied, because the rest may still contain `$$`.
      out += "$(";
      ++at;
      continue;
    }
    const auto value = lookup(text.substr(at + 2, close - at - 2));
    out += value ? *value : std::string(text.substr(at, close + 1 - at));
    at = close;
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (text[at] == '$' && (next == '$' || next == '(')) out += '$';
    out += text[at];
  }
  return out;
}

}  // namespace mete::config
