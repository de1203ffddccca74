// SPDX-License-Identifier: Apache-2.0
// Offsets of a time zone from UTC, from the system's tzdata (RFC 8536). Pure, except load_time_zone().
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::agent {

// The day of a year on which daylight saving begins or ends (POSIX TZ).
struct ZoneRule {
  enum class Form { kJulian, kZeroBased, kMonthWeekDay } form = Form::kMonthWeekDay;
  int month = 1;                  // 1 to 12
  int week = 1;                   // 5: the last
  int day = 0;                    // of the week, or of the year
  std::chrono::seconds at{7200};  // of that day, on the clock that was in force; may be negative or beyond a day
  bool operator==(const ZoneRule&) const = default;
};

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  [[nodiscard]] std::chrono::seconds offset_at(std::chrono::sys_seconds at) const;

  // The content of a file below /usr/share/zoneinfo.
  [[nodiscard]] static Result<TimeZone> parse(std::string_view bytes);
  // "CET-1CEST,M3.5.0,M10.5.0/3"
  [[nodiscard]] static Result<TimeZone> parse_rule(std::string_view text);

 private:
  [[nodiscard]] std::chrono::seconds by_rule(std::chrono::sys_seconds at) const;

  std::vector<std::int64_t> times_;            // of transitions, in seconds since 1970
  std::vector<std::chrono::seconds> offsets_;  // from that transition on
  std::chrono::seconds first_{0};              // before all of them
  bool has_rule_ = false;                      // after all of them
  std::chrono::seconds standard_{0};
  std::chrono::seconds summer_{0};
  bool has_summer_ = false;
  ZoneRule begins_;
  ZoneRule ends_;
};

// By its name; empty: the machine's own, which is that of TZ or /etc/localtime.
[[nodiscard]] Result<TimeZone> load_time_zone(const std::string& name);

}  // namespace mete::agent
