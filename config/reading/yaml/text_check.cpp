// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "config/reading/yaml/yaml_reader.h"
#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

// Length of the UTF-8 sequence at `at`; 0 when it is not valid (overlong, surrogate, above U+10FFFF, cut off).
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const std::uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(text, at + i) & 0xC0U) != 0x80U) return 0;
  }
  const std::uint8_t second = byte_at(text, at + 1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  return length;
}

bool is_control(char c) {
  return (c >= 0 && c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
}

std::string describe_control(char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto value = static_cast<std::uint8_t>(c);
  return std::string("the control character 0x") + kHex[value >> 4U] + kHex[value & 0xFU] + ", expected text";
}

}  // namespace

std::vector<ParseError> check_text(std::string_view text, int first_line) {
  if (text.size() > kMaxManifestBytes) {
    return {{first_line, 1,
             "found " + std::to_string(text.size()) + " bytes, expected at most " + std::to_string(kMaxManifestBytes)}};
  }
  int line = first_line;
  int column = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    if (length == 0) return {{line, column, "found bytes that are not UTF-8, expected UTF-8 text"}};
    if (is_control(text[at])) return {{line, column, "found " + describe_control(text[at])}};
    if (text[at] == '\n') {
      ++line;
      column = 0;
    }
    ++column;
    at += length;
  }
  return {};
}

}  // namespace mete::config
