// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace mete::agent::cli {
namespace {

// Counts characters, not bytes, so that names in any script are aligned.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 3, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char each : text) {
    const auto c = static_cast<unsigned char>(each);
    constexpr unsigned char kDelete = 0x7F;
    if (c >= ' ' && c != kDelete) {
      out += each;
    } else {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02x", c);
      out += code;
    }
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (true) {
    const auto end = text.find('\n');
    out += printable(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "Ki", "Mi", "Gi", "Ti"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f%s" : "%.1f%s", value, kUnits.at(unit));
  return text;
}

std::string duration_text(std::int64_t seconds) {
  const auto two = [](std::int64_t big, const char* big_unit, std::int64_t small, const char* small_unit) {
    return std::to_string(big) + big_unit + (small > 0 ? std::to_string(small) + small_unit : "");
  };
  if (seconds < 120) return std::to_string(std::max<std::int64_t>(seconds, 0)) + "s";
  if (seconds < 600) return two(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 7200) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return two(seconds / 86400, "d", seconds % 86400 / 3600, "h");
}

std::string age_text(std::string_view rfc3339_time) {
  if (rfc3339_time.empty()) return "-";
  struct tm parts {};
  if (::strptime(std::string(rfc3339_time).c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return "-";
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return duration_text(now - ::timegm(&parts));
}

}  // namespace mete::agent::cli
