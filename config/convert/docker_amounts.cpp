// SPDX-License-Identifier: Apache-2.0
#include "config/convert/docker_amounts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace mete::config {
namespace {

// The number that the text begins with; `text` keeps the rest. Empty: it begins with none.
std::optional<double> take_number(std::string_view& text) {
  // from_chars takes "nan" and "inf", too.
  if (text.find_first_of("0123456789.") != 0) return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (parsed.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view stripped(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

std::optional<std::int64_t> docker_size(std::string_view text, SizeUnits units) {
  // The number is all up to the last digit, point or blank.
  const auto last = text.find_last_of("0123456789. ");
  if (last == std::string_view::npos) return std::nullopt;
  std::string_view number = text.substr(0, text[last] == ' ' ? last : last + 1);
  std::string unit = lower(text.substr(last + 1));
  if (number.starts_with('+')) number.remove_prefix(1);
  double value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || std::signbit(value))
    return std::nullopt;
  constexpr std::string_view kUnits = "kmgtp";
  if (!unit.empty() && unit != "b") {
    const auto power = kUnits.find(unit.front());
    const std::string rest = unit.substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) return std::nullopt;
    value *= std::pow(units == SizeUnits::kBinary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  }
  constexpr double kTooMany = 9223372036854775808.0;
  if (!(value < kTooMany)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<std::string> size_from_docker(std::string_view text) {
  const auto bytes = docker_size(text);
  if (!bytes) return std::nullopt;
  std::int64_t count = *bytes;
  constexpr std::array<std::string_view, 5> kNames = {"", "Ki", "Mi", "Gi", "Ti"};
  std::size_t name = 0;
  while (count > 0 && count % 1024 == 0 && name + 1 < kNames.size()) {
    count /= 1024;
    ++name;
  }
  return std::to_string(count) + std::string(kNames.at(name));
}

std::optional<int> seconds_from_docker(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const auto unit = text.substr(0, std::min(text.find_first_of("0123456789."), text.size()));
    constexpr std::pair<std::string_view, double> kUnits[] = {{"", 1},      {"s", 1},     {"m", 60},    {"h", 3600},
                                                              {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"d", 86400}};
    const auto* known =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& each) { return each.first == unit; });
    if (known == std::end(kUnits)) return std::nullopt;
    seconds += *number * known->second;
    text.remove_prefix(unit.size());
  }
  constexpr double kMost = 2e9;
  return static_cast<int>(std::min(std::ceil(seconds), kMost));
}

std::optional<std::vector<std::string>> shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool any = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool escapes = c == '\\' && quote != '\'' && i + 1 < text.size();
    if (escapes && (quote == 0 || text[i + 1] == '"' || text[i + 1] == '\\' || text[i + 1] == '$')) {
      word += text[++i];
      any = true;
    } else if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? '\0' : c;
      any = true;
    } else if (quote == 0 && std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (any) words.push_back(std::move(word));
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (quote != 0) return std::nullopt;
  if (any) words.push_back(std::move(word));
  return words;
}

std::vector<std::pair<std::string, std::optional<std::string>>> env_file_lines(std::string_view text) {
  std::vector<std::pair<std::string, std::optional<std::string>>> lines;
  while (!text.empty()) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    std::string_view line = stripped(whole);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = stripped(line.substr(7));
    const auto equals = line.find('=');
    const std::string key(stripped(line.substr(0, equals)));
    if (equals == std::string_view::npos) {
      lines.emplace_back(key, std::nullopt);
      continue;
    }
    std::string_view value = stripped(line.substr(equals + 1));
    const bool quoted =
        value.size() > 1 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
    if (quoted) value = value.substr(1, value.size() - 2);
    lines.emplace_back(key, std::string(value));
  }
  return lines;
}

std::string label_from(std::string_view name) {
  constexpr std::size_t kLongest = 63;
  std::string label = lower(name.substr(0, kLongest));
  for (char& c : label) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '-';
  }
  while (!label.empty() && label.back() == '-') label.pop_back();
  label.erase(0, std::min(label.find_first_not_of('-'), label.size()));
  return label;
}

}  // namespace mete::config
