// SPDX-License-Identifier: Apache-2.0
#include "config/values/cron_schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "config/values/quantity.h"

namespace mete::config {
namespace {

struct CronField {
  std::string_view name;
  unsigned least;
  unsigned most;
  std::span<const std::string_view> names;  // of `least` and what follows
};

constexpr std::array kMonthNames = std::to_array<std::string_view>(
    {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"});
constexpr std::array kDayNames = std::to_array<std::string_view>({"sun", "mon", "tue", "wed", "thu", "fri", "sat"});
constexpr std::array<CronField, 5> kCronFields = {{
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}},
    {"month", 1, 12, kMonthNames},
    {"day of week", 0, 6, kDayNames},
}};

struct Word {
  std::string_view word;
  std::string_view fields;
};
constexpr std::array<Word, 7> kWords = {{{"@yearly", "0 0 1 1 *"},
                                         {"@annually", "0 0 1 1 *"},
                                         {"@monthly", "0 0 1 * *"},
                                         {"@weekly", "0 0 * * 0"},
                                         {"@daily", "0 0 * * *"},
                                         {"@midnight", "0 0 * * *"},
                                         {"@hourly", "0 * * * *"}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<unsigned> number_of(std::string_view text, const CronField& field) {
  unsigned value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return value;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto at = std::find(field.names.begin(), field.names.end(), lower);
  if (at == field.names.end()) return std::nullopt;
  return field.least + static_cast<unsigned>(at - field.names.begin());
}

struct Bits {
  std::uint64_t bits = 0;
  bool any = false;
};

Status add_range(std::string_view text, const CronField& field, Bits& to) {
  const auto wrong = [&] {
    return fail(std::string(field.name) + ": found \"" + std::string(text) + "\", expected *, a number from " +
                std::to_string(field.least) + " to " + std::to_string(field.most) +
                ", a range a-b, or either with /step");
  };
  const auto slash = text.find('/');
  const std::string_view range = text.substr(0, slash);
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const auto given = number_of(text.substr(slash + 1), {});
    if (!given || *given == 0) return wrong();
    step = *given;
  }
  unsigned first = field.least;
  unsigned last = field.most;
  if (range != "*" && range != "?") {
    const auto ends = split(range, "-");
    const auto from = number_of(ends[0], field);
    if (!from || ends.size() > 2) return wrong();
    first = *from;
    // `5/10` is from 5 on.
    if (ends.size() == 1) last = slash == std::string_view::npos ? first : field.most;
    if (ends.size() == 2) {
      const auto to_end = number_of(ends[1], field);
      if (!to_end) return wrong();
      last = *to_end;
    }
    if (first < field.least || last > field.most || first > last) return wrong();
  } else if (step == 1) {
    to.any = true;
  }
  for (unsigned i = first; i <= last; i += step) to.bits |= std::uint64_t{1} << i;
  return {};
}

Result<CronSchedule> every(std::string_view text) {
  // Go's durations: no days, and rounded to whole seconds.
  METE_TRY(const auto time, parse_duration(text));
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  if (whole < std::chrono::seconds(1)) return fail("@every: found \"" + std::string(text) + "\", expected at least 1s");
  CronSchedule schedule;
  schedule.every = whole;
  return schedule;
}

}  // namespace

Result<CronSchedule> parse_cron_schedule(std::string_view text) {
  constexpr std::string_view kEvery = "@every ";
  if (text.starts_with(kEvery)) return every(text.substr(kEvery.size()));
  if (text.starts_with("TZ=") || text.starts_with("CRON_TZ="))
    return fail("found \"" + std::string(text) + "\", expected `timeZone` beside the schedule");
  for (const auto& word : kWords) {
    if (text == word.word) return parse_cron_schedule(word.fields);
  }
  auto parts = split(text, " \t");
  std::erase(parts, std::string_view());
  if (parts.size() != kCronFields.size()) {
    return fail("found \"" + std::string(text) +
                "\", expected five fields (minute, hour, day of month, month, day of week), or @yearly, @monthly, "
                "@weekly, @daily, @hourly or @every DURATION");
  }
  std::array<Bits, kCronFields.size()> read{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const auto item : split(parts[i], ",")) METE_CHECK(add_range(item, kCronFields.at(i), read.at(i)));
  }
  return CronSchedule{read[0].bits, read[1].bits, read[2].bits, read[3].bits, read[4].bits, read[2].any, read[4].any};
}

bool CronSchedule::on_day(std::chrono::year_month_day day) const {
  if (((months >> static_cast<unsigned>(day.month())) & 1U) == 0) return false;
  const bool date = ((days >> static_cast<unsigned>(day.day())) & 1U) != 0;
  const bool name = ((weekdays >> std::chrono::weekday(std::chrono::sys_days(day)).c_encoding()) & 1U) != 0;
  return any_day || any_weekday ? date && name : date || name;
}

}  // namespace mete::config
