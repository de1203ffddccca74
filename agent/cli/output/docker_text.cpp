// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/docker_text.h"

#include <array>
#include <cstdio>

namespace mete::agent::cli {

std::string docker_size(std::int64_t bytes, int digits) {
  constexpr std::array<const char*, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000.0 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  char text[32] = {};
  (void)std::snprintf(text, sizeof text, "%.*g%s", digits, value, kUnits[unit]);
  return text;
}

std::string docker_duration(std::chrono::seconds since) {
  const auto seconds = since.count();
  const auto minutes = seconds / 60;
  const auto hours = (seconds + 1800) / 3600;
  const auto count = [](std::int64_t number, const char* unit) { return std::to_string(number) + unit; };
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return count(seconds, " seconds");
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return count(minutes, " minutes");
  if (hours == 1) return "About an hour";
  if (hours < 48) return count(hours, " hours");
  if (hours < 24 * 7 * 2) return count(hours / 24, " days");
  if (hours < 24 * 30 * 2) return count(hours / 24 / 7, " weeks");
  if (hours < 24 * 365 * 2) return count(hours / 24 / 30, " months");
  return count(seconds / 3600 / 24 / 365, " years");
}

std::string docker_since(std::chrono::system_clock::time_point at) {
  if (at.time_since_epoch().count() <= 0) return "N/A";
  const auto since = std::chrono::system_clock::now() - at;
  return docker_duration(std::chrono::duration_cast<std::chrono::seconds>(since)) + " ago";
}

}  // namespace mete::agent::cli
