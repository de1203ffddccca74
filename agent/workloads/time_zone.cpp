// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/time_zone.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "runtime/file.h"

namespace mete::agent {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr const char* kZones = "/usr/share/zoneinfo/";

// Reads numbers in the file's order, which is that of the network.
class ZoneBytes {
 public:
  explicit ZoneBytes(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::string_view rest() const { return bytes_; }
  std::string_view take(std::size_t length) {
    if (length > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return taken;
  }
  std::int64_t number(std::size_t length) {
    std::uint64_t value = 0;
    const auto taken = take(length);
    for (const char c : taken) value = (value << 8U) | static_cast<unsigned char>(c);
    constexpr std::size_t kLong = 8;
    if (length < kLong) {
      const std::uint64_t sign = std::uint64_t{1} << (8 * length - 1);
      value = (value ^ sign) - sign;
    }
    return static_cast<std::int64_t>(value);
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

struct ZoneHeader {
  std::size_t utc_flags, standard_flags, leaps, times, types, letters;
  [[nodiscard]] std::size_t size(std::size_t time) const {
    return times * time + times + types * 6 + letters + leaps * (time + 4) + standard_flags + utc_flags;
  }
};

std::optional<ZoneHeader> header(ZoneBytes& bytes) {
  if (bytes.take(4) != "TZif") return std::nullopt;
  bytes.take(16);
  const auto count = [&] { return static_cast<std::size_t>(static_cast<std::uint32_t>(bytes.number(4))); };
  ZoneHeader header{};
  header.utc_flags = count();
  header.standard_flags = count();
  header.leaps = count();
  header.times = count();
  header.types = count();
  header.letters = count();
  if (!bytes.ok() || header.types == 0) return std::nullopt;
  return header;
}

// Parses the text of a POSIX TZ variable, piece by piece.
class RuleText {
 public:
  explicit RuleText(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return text_.empty(); }
  bool skip(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool name() {
    if (skip('<')) {
      const auto end = text_.find('>');
      if (end == std::string_view::npos) return false;
      text_.remove_prefix(end + 1);
      return true;
    }
    const auto end = std::min(text_.find_first_of("0123456789+-,"), text_.size());
    text_.remove_prefix(end);
    return end >= 3;
  }
  std::optional<int> number() {
    int value = 0;
    std::size_t used = 0;
    while (used < text_.size() && used < 6 && text_[used] >= '0' && text_[used] <= '9')
      value = 10 * value + (text_[used++] - '0');
    if (used == 0) return std::nullopt;
    text_.remove_prefix(used);
    return value;
  }
  // [+-]h[:m[:s]]
  std::optional<seconds> time() {
    const bool negative = skip('-');
    if (!negative) skip('+');
    const auto hours = number();
    if (!hours) return std::nullopt;
    seconds value = std::chrono::hours(*hours);
    if (skip(':')) {
      value += std::chrono::minutes(number().value_or(0));
      if (skip(':')) value += seconds(number().value_or(0));
    }
    return negative ? -value : value;
  }
  std::optional<ZoneRule> rule() {
    ZoneRule rule;
    if (skip('M')) {
      const auto month = number();
      const auto week = skip('.') ? number() : std::nullopt;
      const auto day = skip('.') ? number() : std::nullopt;
      if (!month || !week || !day || *month < 1 || *month > 12 || *week < 1 || *week > 5 || *day > 6)
        return std::nullopt;
      rule.month = *month;
      rule.week = *week;
      rule.day = *day;
    } else {
      rule.form = skip('J') ? ZoneRule::Form::kJulian : ZoneRule::Form::kZeroBased;
      const auto day = number();
      if (!day || *day > 365) return std::nullopt;
      rule.day = *day;
    }
    if (!skip('/')) return rule;
    const auto at = time();
    if (!at) return std::nullopt;
    rule.at = *at;
    return rule;
  }

 private:
  std::string_view text_;
};

// The moment of the rule in a year, on a clock with this offset.
sys_seconds moment_of(const ZoneRule& rule, std::chrono::year year, seconds offset) {
  using namespace std::chrono;
  sys_days day = sys_days(year / January / 1);
  switch (rule.form) {
    case ZoneRule::Form::kJulian:  // 29 February is never counted
      day += days(rule.day - 1);
      if (year.is_leap() && rule.day > 59) day += days(1);
      break;
    case ZoneRule::Form::kZeroBased:
      day += days(rule.day);
      break;
    case ZoneRule::Form::kMonthWeekDay: {
      const auto in = year / month(static_cast<unsigned>(rule.month));
      const weekday wanted(static_cast<unsigned>(rule.day));
      constexpr int kLast = 5;
      day = rule.week == kLast ? sys_days(in / wanted[last]) : sys_days(in / wanted[static_cast<unsigned>(rule.week)]);
      break;
    }
  }
  return day + rule.at - offset;
}

}  // namespace

seconds TimeZone::offset_at(sys_seconds at) const {
  const std::int64_t time = at.time_since_epoch().count();
  if (has_rule_ && (times_.empty() || time >= times_.back())) return by_rule(at);
  const auto after = std::upper_bound(times_.begin(), times_.end(), time);
  if (after == times_.begin()) return first_;
  return offsets_[static_cast<std::size_t>(after - times_.begin()) - 1];
}

seconds TimeZone::by_rule(sys_seconds at) const {
  if (!has_summer_) return standard_;
  const auto year = std::chrono::year_month_day(std::chrono::floor<days>(at + standard_)).year();
  const sys_seconds begin = moment_of(begins_, year, standard_);
  const sys_seconds end = moment_of(ends_, year, summer_);
  // South of the equator summer lies over the turn of the year.
  const bool summer = begin < end ? at >= begin && at < end : at >= begin || at < end;
  return summer ? summer_ : standard_;
}

Result<TimeZone> TimeZone::parse_rule(std::string_view text) {
  const auto wrong = [&] {
    return fail("time zone: found \"" + std::string(text) + "\", expected a rule such as CET-1CEST,M3.5.0,M10.5.0/3");
  };
  RuleText rest(text);
  TimeZone zone;
  zone.has_rule_ = true;
  if (!rest.name()) return wrong();
  const auto standard = rest.time();
  if (!standard) return wrong();
  zone.standard_ = -*standard;
  zone.first_ = zone.standard_;
  if (rest.at_end()) return zone;
  zone.has_summer_ = true;
  zone.summer_ = zone.standard_ + std::chrono::hours(1);
  if (!rest.name()) return wrong();
  if (!rest.skip(',')) {
    const auto summer = rest.time();
    if (!summer || !rest.skip(',')) return wrong();
    zone.summer_ = -*summer;
  }
  const auto begins = rest.rule();
  const auto ends = rest.skip(',') ? rest.rule() : std::nullopt;
  if (!begins || !ends || !rest.at_end()) return wrong();
  zone.begins_ = *begins;
  zone.ends_ = *ends;
  return zone;
}

Result<TimeZone> TimeZone::parse(std::string_view content) {
  const auto wrong = [] { return fail("time zone: found no TZif file, expected one of version 2 or later"); };
  ZoneBytes bytes(content);
  // The first part has times of 32 bits for old readers, and is passed over.
  const auto old = header(bytes);
  if (!old) return wrong();
  bytes.take(old->size(4));
  const auto head = header(bytes);
  if (!head || head->size(8) > bytes.rest().size()) return wrong();
  TimeZone zone;
  for (std::size_t i = 0; i < head->times; ++i) zone.times_.push_back(bytes.number(8));
  const auto indices = bytes.take(head->times);
  std::vector<seconds> types;
  std::vector<bool> is_summer;
  for (std::size_t i = 0; i < head->types; ++i) {
    types.emplace_back(bytes.number(4));
    is_summer.push_back(bytes.number(1) != 0);
    bytes.take(1);
  }
  for (const char index : indices) {
    const auto at = static_cast<std::size_t>(static_cast<unsigned char>(index));
    if (at >= types.size()) return wrong();
    zone.offsets_.push_back(types[at]);
  }
  zone.first_ = types.front();
  bytes.take(head->letters + head->leaps * 12 + head->standard_flags + head->utc_flags);
  if (!bytes.ok()) return wrong();
  auto footer = bytes.rest();
  if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return zone;
  footer = footer.substr(1, footer.size() - 2);
  if (footer.empty()) return zone;
  METE_TRY(const TimeZone rule, parse_rule(footer));
  zone.has_rule_ = true;
  zone.standard_ = rule.standard_;
  zone.summer_ = rule.summer_;
  zone.has_summer_ = rule.has_summer_;
  zone.begins_ = rule.begins_;
  zone.ends_ = rule.ends_;
  return zone;
}

Result<TimeZone> load_time_zone(const std::string& name) {
  std::string path = std::string(kZones) + name;
  if (name.empty()) {
    const char* own = std::getenv("TZ");
    std::string text = own == nullptr ? "" : own;
    if (text.starts_with(':')) text.erase(0, 1);
    path = text.empty() ? "/etc/localtime" : text.front() == '/' ? text : kZones + text;
    const auto bytes = runtime::read_file(AT_FDCWD, path);
    if (!bytes && !text.empty()) return TimeZone::parse_rule(text);
    return bytes ? TimeZone::parse(*bytes) : TimeZone();
  }
  METE_TRY(const std::string bytes, runtime::read_file(AT_FDCWD, path));
  return TimeZone::parse(bytes);
}

}  // namespace mete::agent
