// SPDX-License-Identifier: Apache-2.0
// Cutting control-file text into lines, words and numbers. No allocation, no locale.
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "config/base/text.h"

namespace mete::runtime::cgroup {

using config::next_part;

[[nodiscard]] inline std::string_view next_line(std::string_view& rest) {
  return next_part(rest, '\n');
}

[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The next run of non-blanks; empty at the end.
[[nodiscard]] inline std::string_view next_word(std::string_view& rest) {
  std::size_t begin = 0;
  while (begin < rest.size() && is_blank(rest[begin])) ++begin;
  std::size_t end = begin;
  while (end < rest.size() && !is_blank(rest[end])) ++end;
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

[[nodiscard]] inline std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// A whole unsigned decimal number, nothing before or after it.
[[nodiscard]] inline std::optional<std::uint64_t> parse_u64(std::string_view word) {
  std::uint64_t number = 0;
  const char* const begin = word.data();  // NOLINT(bugprone-suspicious-stringview-data-usage): its end goes with it
  const char* const end = begin + word.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || stop != end || word.empty()) return std::nullopt;
  return number;
}

// The same, signed.
[[nodiscard]] inline std::optional<std::int64_t> parse_i64(std::string_view word) {
  std::int64_t number = 0;
  const char* const begin = word.data();  // NOLINT(bugprone-suspicious-stringview-data-usage): its end goes with it
  const char* const end = begin + word.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || stop != end || word.empty()) return std::nullopt;
  return number;
}

// v1 says "no limit" with the largest number of whole pages (or huge pages, up to 1 GiB) that fits into 63 bits.
inline constexpr std::uint64_t kV1Unlimited = 0x7fff'ffff'0000'0000U;
[[nodiscard]] constexpr bool is_v1_unlimited(std::uint64_t bytes) {
  return bytes >= kV1Unlimited;
}

// The value of `key` in a text of "key value" lines.
[[nodiscard]] inline std::optional<std::uint64_t> value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (next_word(line) == key) return parse_u64(next_word(line));
  }
  return std::nullopt;
}

}  // namespace mete::runtime::cgroup
