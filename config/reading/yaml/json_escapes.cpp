// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/json_escapes.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace mete::config {
namespace {

constexpr std::size_t kEscape = 6;  // \ud83d

// The number of the escape at `at`; empty when none is there.
std::optional<std::uint32_t> escape_at(std::string_view text, std::size_t at) {
  if (at + kEscape > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  std::uint32_t value = 0;
  const char* begin = text.data() + at + 2;
  const auto [end, error] = std::from_chars(begin, begin + 4, value, 16);
  if (error != std::errc() || end != begin + 4) return std::nullopt;
  return value;
}

// The character of the two escapes that begin at `at`.
std::optional<std::uint32_t> pair_at(std::string_view text, std::size_t at) {
  const auto high = escape_at(text, at);
  const auto low = escape_at(text, at + kEscape);
  if (!high || !low || *high < 0xD800 || *high > 0xDBFF || *low < 0xDC00 || *low > 0xDFFF) return std::nullopt;
  return 0x10000U + ((*high - 0xD800U) << 10U) + (*low - 0xDC00U);
}

}  // namespace

std::string join_surrogates(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) return std::string(text);
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (in_string && text[at] == '\\') {
      if (const auto character = pair_at(text, at)) {
        std::array<char, 16> escape{};
        std::snprintf(escape.data(), escape.size(), "\\U%08X", *character);
        out += escape.data();
        at += 2 * kEscape - 1;
        continue;
      }
      out += text[at++];  // a backslash takes the character after it along, such as a quote
      if (at < text.size()) out += text[at];
      continue;
    }
    if (text[at] == '"') in_string = !in_string;
    out += text[at];
  }
  return out;
}

}  // namespace mete::config
