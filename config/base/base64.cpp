// SPDX-License-Identifier: Apache-2.0
#include "config/base/base64.h"

#include <cstdint>

namespace mete::config {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

Result<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t symbols = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    const auto value = c == '=' ? 0 : kAlphabet.find(c);
    if (value == std::string_view::npos || (padding > 0 && c != '=')) return fail("expected base64");
    padding += c == '=' ? 1 : 0;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    if (++symbols % 4 != 0) continue;
    if (padding > 2) return fail("expected base64");
    for (std::size_t i = 0; i < 3 - padding; ++i) out += static_cast<char>(bits >> (16 - 8 * i));
  }
  if (symbols % 4 != 0) return fail("expected base64, its length a multiple of 4");
  return out;
}

}  // namespace mete::config
