// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/cron_plan.h"

#include <algorithm>
#include <array>

namespace mete::agent {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr auto kLongestSearch = days(366 * 5 + 30);

// The oldest of those beyond the limit.
void trim(std::vector<CronChild> jobs, int limit, std::vector<std::string>& remove) {
  std::sort(jobs.begin(), jobs.end(), [](const CronChild& a, const CronChild& b) {
    return a.created != b.created ? a.created < b.created : a.name < b.name;
  });
  for (std::size_t i = 0; i + static_cast<std::size_t>(limit) < jobs.size(); ++i) remove.push_back(jobs[i].name);
}

void trim_history(const CronFacts& facts, CronPlan& plan) {
  std::vector<CronChild> succeeded;
  std::vector<CronChild> failed;
  for (const auto& job : facts.jobs) {
    if (job.finished) (job.failed ? failed : succeeded).push_back(job);
  }
  trim(std::move(succeeded), facts.spec.successful_limit, plan.remove);
  trim(std::move(failed), facts.spec.failed_limit, plan.remove);
}

}  // namespace

std::optional<WallTime> next_time(const config::CronSchedule& schedule, const TimeZone& zone, WallTime after) {
  const auto second = std::chrono::floor<seconds>(after);
  if (schedule.every.count() > 0) return WallTime(second + schedule.every);
  sys_seconds at = std::chrono::floor<minutes>(second) + minutes(1);
  const sys_seconds end = at + kLongestSearch;
  while (at < end) {
    const auto local = at + zone.offset_at(at);
    const auto day = std::chrono::floor<days>(local);
    const auto of_day = std::chrono::floor<minutes>(local - day);
    const auto hour = static_cast<unsigned>(of_day / hours(1));
    const auto minute = static_cast<unsigned>((of_day % hours(1)).count());
    if (!schedule.on_day(std::chrono::year_month_day(day)) || ((schedule.hours >> hour) & 1U) == 0) {
      // To the next full hour of the zone: a whole day would miss the hours of a day that is longer or shorter.
      at += hours(1) - minutes(minute);
      continue;
    }
    if (schedule.on_minute(hour, minute)) return WallTime(at);
    at += minutes(1);
  }
  return std::nullopt;
}

std::optional<WallTime> last_time(const config::CronSchedule& schedule, const TimeZone& zone, WallTime after,
                                  WallTime now) {
  if (after >= now) return std::nullopt;
  if (schedule.every.count() > 0) {
    const auto begin = std::chrono::floor<seconds>(after);
    const auto times = std::chrono::floor<seconds>(now - begin) / schedule.every;
    return times > 0 ? std::optional(WallTime(begin + times * schedule.every)) : std::nullopt;
  }
  // From the end, over longer and longer spans: a schedule of each minute may have been missed for a year.
  constexpr std::array<seconds, 5> kSpans = {minutes(2), hours(2), days(2), days(62), kLongestSearch};
  for (const seconds span : kSpans) {
    const WallTime from = std::max(after, now - span);
    std::optional<WallTime> last;
    for (auto at = next_time(schedule, zone, from); at && *at <= now; at = next_time(schedule, zone, *at)) last = at;
    if (last || from == after) return last;
  }
  return std::nullopt;
}

CronPlan plan_cron_job(const CronFacts& facts, WallTime now) {
  const auto& spec = facts.spec;
  CronPlan plan;
  plan.last_schedule = facts.last_schedule;
  trim_history(facts, plan);
  if (spec.suspend) return plan;
  WallTime earliest = facts.last_schedule != WallTime() ? facts.last_schedule : facts.created;
  constexpr auto kWrongClock = hours(1);
  if (earliest > now + kWrongClock) {
    earliest = now;
    plan.last_schedule = now;
  }
  plan.next = next_time(facts.schedule, facts.zone, std::max(earliest, now));
  if (facts.schedule.every.count() > 0 && plan.next) {
    const auto due = last_time(facts.schedule, facts.zone, earliest, now).value_or(earliest);
    plan.next = next_time(facts.schedule, facts.zone, due);
  }
  // Of what was missed while nobody looked, what lies before the deadline is not counted.
  if (spec.starting_deadline_seconds)
    earliest = std::max(earliest, now - seconds(*spec.starting_deadline_seconds) - seconds(1));
  const auto due = last_time(facts.schedule, facts.zone, earliest, now);
  if (!due) {
    plan.missed = spec.starting_deadline_seconds.has_value() && plan.last_schedule == facts.last_schedule &&
                  last_time(facts.schedule, facts.zone,
                            facts.last_schedule != WallTime() ? facts.last_schedule : facts.created, now)
                      .has_value();
    return plan;
  }
  if (spec.starting_deadline_seconds && *due + seconds(*spec.starting_deadline_seconds) < now) {
    plan.missed = true;
    return plan;
  }
  const bool active =
      std::any_of(facts.jobs.begin(), facts.jobs.end(), [](const CronChild& job) { return !job.finished; });
  if (active && spec.concurrency == config::ConcurrencyPolicy::kForbid) {
    plan.still_active = true;
    return plan;
  }
  if (active && spec.concurrency == config::ConcurrencyPolicy::kReplace) {
    for (const auto& job : facts.jobs) {
      if (!job.finished) plan.remove.push_back(job.name);
    }
  }
  plan.start = due;
  plan.last_schedule = *due;
  return plan;
}

}  // namespace mete::agent
