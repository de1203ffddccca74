// SPDX-License-Identifier: Apache-2.0
// The schedule of a CronJob: five fields, or a word such as @hourly, as Kubernetes reads them (robfig/cron's standard
// parser). Pure: which minutes of a calendar it means, not when those are.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "config/base/result.h"

namespace mete::config {

struct CronSchedule {
  std::uint64_t minutes = 0;  // one bit each
  std::uint64_t hours = 0;
  std::uint64_t days = 0;      // of the month, from bit 1
  std::uint64_t months = 0;    // from bit 1
  std::uint64_t weekdays = 0;  // bit 0: Sunday
  bool any_day = false;        // `days` is *
  bool any_weekday = false;
  std::chrono::seconds every{0};  // @every: the other fields are unused
  bool operator==(const CronSchedule&) const = default;

  // Days of the month and of the week are alternatives, unless one of them is *.
  [[nodiscard]] bool on_day(std::chrono::year_month_day day) const;
  [[nodiscard]] bool on_minute(unsigned hour, unsigned minute) const {
    return ((hours >> hour) & 1U) != 0 && ((minutes >> minute) & 1U) != 0;
  }
};

// The error says which field is wrong.
[[nodiscard]] Result<CronSchedule> parse_cron_schedule(std::string_view text);

}  // namespace mete::config
