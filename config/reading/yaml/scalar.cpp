// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace mete::config {
namespace {

constexpr std::array<std::string_view, 9> kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
constexpr std::array<std::string_view, 9> kFalse = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 7> kNotFinite = {".inf", ".Inf", ".INF", "+.inf", "-.inf", ".nan", ".NaN"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view skip_digits(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of("0123456789"), text.size()));
}

// [+-]? (digits [. digits*] | . digits) ([eE] [+-]? digits)?
bool is_float(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  auto rest = skip_digits(text);
  bool digits = rest.size() < text.size();
  if (!rest.empty() && rest[0] == '.') {
    const auto fraction = skip_digits(rest.substr(1));
    digits = digits || fraction.size() + 1 < rest.size();
    rest = fraction;
  }
  if (!digits) return false;
  if (rest.empty()) return true;
  if (rest[0] != 'e' && rest[0] != 'E') return false;
  rest.remove_prefix(1);
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  return !rest.empty() && skip_digits(rest).empty();
}

// Base and digits of an integer's text without its sign; the digits are empty when the text is not an integer.
std::pair<int, std::string> split_base(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
  int base = 10;
  std::size_t skip = 0;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = digits[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    skip = is_digit(mark) ? 1 : 2;
    if (skip == 2 && std::string_view("xXbBoO").find(mark) == std::string_view::npos) return {10, ""};
  }
  digits.erase(0, skip);
  const bool valid = !text.empty() && is_digit(text[0]) && std::all_of(digits.begin(), digits.end(), [base](char c) {
    const int value = is_digit(c)            ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : base;
    return value < base;
  });
  return {base, valid ? digits : ""};
}

std::string_view without_sign(std::string_view text) {
  return !text.empty() && (text[0] == '-' || text[0] == '+') ? text.substr(1) : text;
}

}  // namespace

ScalarType scalar_type(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kNull) return ScalarType::kNull;
  if (!node.plain) return ScalarType::kString;
  if (contains(kNull, node.text)) return ScalarType::kNull;
  if (as_bool(node)) return ScalarType::kBool;
  if (!split_base(without_sign(node.text)).second.empty()) return ScalarType::kInteger;
  if (is_float(node.text) || contains(kNotFinite, node.text)) return ScalarType::kFloat;
  return ScalarType::kString;
}

std::optional<bool> as_bool(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || !node.plain) return std::nullopt;
  if (contains(kTrue, node.text)) return true;
  if (contains(kFalse, node.text)) return false;
  return std::nullopt;
}

std::optional<std::int64_t> as_integer(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || !node.plain) return std::nullopt;
  const auto [base, digits] = split_base(without_sign(node.text));
  const std::string text = (node.text.substr(0, 1) == "-" ? "-" : "") + digits;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (digits.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string describe(const YamlNode& node) {
  constexpr std::size_t kShown = 60;
  if (node.kind == YamlNode::Kind::kList) return "a list";
  if (node.kind == YamlNode::Kind::kMap) return "a mapping";
  std::string text = node.text.substr(0, kShown);
  // Do not cut inside a UTF-8 sequence.
  while (text.size() < node.text.size() && (static_cast<unsigned char>(node.text[text.size()]) & 0xC0U) == 0x80U) {
    text += node.text[text.size()];
  }
  if (text.size() < node.text.size()) text += "...";
  switch (scalar_type(node)) {
    case ScalarType::kNull:
      return "nothing";
    case ScalarType::kBool:
      return "the bool " + text;
    case ScalarType::kInteger:
    case ScalarType::kFloat:
      return "the number " + text;
    case ScalarType::kString:
      break;
  }
  return "\"" + text + "\"";
}

}  // namespace mete::config
