// SPDX-License-Identifier: Apache-2.0
// Schedules, time zones, and a clock that jumps.
#include "agent/workloads/cron_plan.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "agent/workloads/workload_text.h"

namespace mete::agent {
namespace {

using config::parse_cron_schedule;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

WallTime at(const char* text) {
  std::tm parts{};
  EXPECT_NE(::strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts), nullptr) << text;
  return WallTime(seconds(::timegm(&parts)));
}

std::string next(const char* schedule, const char* after, const TimeZone& zone = {}) {
  const auto parsed = parse_cron_schedule(schedule);
  EXPECT_TRUE(parsed) << schedule << ": " << parsed.error().what;
  const auto time = next_time(*parsed, zone, at(after));
  return time ? rfc3339(*time) : "never";
}

TimeZone zone(const char* rule) {
  auto parsed = TimeZone::parse_rule(rule);
  EXPECT_TRUE(parsed) << rule;
  return *parsed;
}

constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

TEST(CronSchedule, FieldsAndWords) {
  EXPECT_EQ(next("*/15 * * * *", "2026-11-29T10:01:00Z"), "2026-11-29T10:15:00Z");
  EXPECT_EQ(next("5/20 * * * *", "2026-11-29T10:46:00Z"), "2026-11-29T11:05:00Z");
  EXPECT_EQ(next("0 9-17/4 * * MON-FRI", "2026-11-29T00:00:00Z"), "2026-11-30T09:00:00Z");
  EXPECT_EQ(next("30 8 1,15 jan,Jul *", "2026-11-29T00:00:00Z"), "2027-01-01T08:30:00Z");
  EXPECT_EQ(next("@hourly", "2026-11-29T10:00:00Z"), "2026-11-29T11:00:00Z");
  EXPECT_EQ(next("@yearly", "2026-11-29T10:00:00Z"), "2027-01-01T00:00:00Z");
  EXPECT_EQ(next("@weekly", "2026-11-29T10:00:00Z"), "2026-12-06T00:00:00Z");
  EXPECT_EQ(next("@every 1h30m", "2026-11-29T10:00:10Z"), "2026-11-29T11:30:10Z");
  // A day of the month or a day of the week; with a * both.
  EXPECT_EQ(next("0 0 13 * FRI", "2026-11-01T00:00:00Z"), "2026-11-06T00:00:00Z");
  EXPECT_EQ(next("0 0 13 * ?", "2026-11-01T00:00:00Z"), "2026-11-13T00:00:00Z");
  EXPECT_EQ(next("0 0 29 2 *", "2026-01-01T00:00:00Z"), "2028-02-29T00:00:00Z");
  EXPECT_EQ(next("0 0 30 2 *", "2026-01-01T00:00:00Z"), "never");
}

TEST(CronSchedule, WhatIsNoScheduleIsSaidByField) {
  const std::pair<const char*, const char*> wrong[] = {{"60 * * * *", "minute: found \"60\""},
                                                       {"* 24 * * *", "hour"},
                                                       {"* * 0 * *", "day of month"},
                                                       {"* * * 13 *", "month"},
                                                       {"* * * * 7", "day of week"},
                                                       {"* * * *", "five fields"},
                                                       {"* * * * * *", "five fields"},
                                                       {"*/0 * * * *", "minute"},
                                                       {"5-1 * * * *", "minute"},
                                                       {"a * * * *", "minute"},
                                                       {"@often", "five fields"},
                                                       {"@every 10ms", "at least 1s"},
                                                       {"TZ=Europe/Berlin 0 0 * * *", "timeZone"},
                                                       {"", "five fields"},
                                                       {"1,,2 * * * *", "minute"},
                                                       {"1-2-3 * * * *", "minute"}};
  for (const auto& [text, part] : wrong) {
    const auto parsed = parse_cron_schedule(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().what.find(part), std::string::npos) << parsed.error().what;
  }
}

TEST(CronSchedule, TheTimeIsThatOfTheZone) {
  EXPECT_EQ(next("0 9 * * *", "2026-07-01T00:00:00Z", zone(kBerlin)), "2026-07-01T07:00:00Z");
  EXPECT_EQ(next("0 9 * * *", "2026-12-01T00:00:00Z", zone(kBerlin)), "2026-12-01T08:00:00Z");
  EXPECT_EQ(next("0 0 * * *", "2026-12-01T00:00:00Z", zone("<+0545>-5:45")), "2026-12-01T18:15:00Z");
  // The hour that is left out on 29 March has no 2:30, the day after has one.
  EXPECT_EQ(next("30 2 * * *", "2026-03-29T00:00:00Z", zone(kBerlin)), "2026-03-30T00:30:00Z");
  EXPECT_EQ(next("0 0 * * *", "2026-03-29T10:00:00Z", zone(kBerlin)), "2026-03-29T22:00:00Z");
  // The hour that comes twice: a schedule of each hour means both.
  EXPECT_EQ(next("0 * * * *", "2026-10-25T00:00:00Z", zone(kBerlin)), "2026-10-25T01:00:00Z");
}

TEST(TimeZone, RulesAndFiles) {
  const auto offset = [](const TimeZone& zone, const char* time) {
    return zone.offset_at(std::chrono::floor<seconds>(at(time)));
  };
  const TimeZone berlin = zone(kBerlin);
  EXPECT_EQ(offset(berlin, "2026-03-29T00:59:59Z"), hours(1));
  EXPECT_EQ(offset(berlin, "2026-03-29T01:00:00Z"), hours(2));
  EXPECT_EQ(offset(berlin, "2026-10-25T00:59:59Z"), hours(2));
  EXPECT_EQ(offset(berlin, "2026-10-25T01:00:00Z"), hours(1));
  const TimeZone sydney = zone("AEST-10AEDT,M10.1.0,M4.1.0/3");
  EXPECT_EQ(offset(sydney, "2026-01-01T00:00:00Z"), hours(11));
  EXPECT_EQ(offset(sydney, "2026-07-01T00:00:00Z"), hours(10));
  for (const char* wrong :
       {"", "X", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0x"})
    EXPECT_FALSE(TimeZone::parse_rule(wrong)) << wrong;
  EXPECT_FALSE(TimeZone::parse("TZif"));
  EXPECT_FALSE(TimeZone::parse(std::string("TZif2") + std::string(60, '\xff')));
  const auto file = load_time_zone("Europe/Berlin");
  if (!file) GTEST_SKIP() << "no tzdata: " << file.error().what;
  EXPECT_EQ(offset(*file, "1990-07-01T00:00:00Z"), hours(2));
  EXPECT_EQ(offset(*file, "2050-07-01T00:00:00Z"), hours(2));
  EXPECT_EQ(offset(*file, "2050-12-01T00:00:00Z"), hours(1));
  EXPECT_FALSE(load_time_zone("Europe/Nowhere"));
}

class Cron {
 public:
  explicit Cron(const char* schedule) { spec_.schedule = schedule; }

  CronPlan step() {
    const auto schedule = parse_cron_schedule(spec_.schedule);
    auto plan = plan_cron_job({spec_, *schedule, zone_, created_, last_, jobs_}, now_);
    last_ = plan.last_schedule;
    for (const auto& name : plan.remove) std::erase_if(jobs_, [&](const CronChild& job) { return job.name == name; });
    if (plan.start) {
      started_.push_back(rfc3339(*plan.start));
      jobs_.push_back({rfc3339(*plan.start), now_});
    }
    return plan;
  }
  void finish(bool failed = false) {
    for (auto& job : jobs_) {
      job.failed = job.finished ? job.failed : failed;
      job.finished = true;
    }
  }

  config::CronJobSpec spec_;
  TimeZone zone_;
  WallTime created_ = at("2026-11-29T10:00:30Z");
  WallTime last_{};
  WallTime now_ = created_;
  std::vector<CronChild> jobs_;
  std::vector<std::string> started_;
};

TEST(CronPlan, EachTimeHasOneJob) {
  Cron cron("*/5 * * * *");
  for (int second = 0; second < 3600; second += 7) {
    const auto plan = cron.step();
    ASSERT_TRUE(plan.next);
    EXPECT_GT(*plan.next, cron.now_);
    cron.finish();
    cron.now_ += seconds(7);
  }
  EXPECT_EQ(cron.started_.size(), 12U);
  EXPECT_EQ(cron.started_.front(), "2026-11-29T10:05:00Z");
  EXPECT_EQ(cron.jobs_.size(), 3U);
}

TEST(CronPlan, AClockThatJumpsForwardMakesUpForTheLastTimeOnly) {
  Cron cron("*/5 * * * *");
  cron.now_ = at("2026-11-29T10:05:00Z");
  cron.step();
  cron.finish();
  cron.now_ = at("2027-11-29T12:03:00Z");
  cron.step();
  cron.step();
  EXPECT_EQ(cron.started_, (std::vector<std::string>{"2026-11-29T10:05:00Z", "2027-11-29T12:00:00Z"}));
}

TEST(CronPlan, AClockThatJumpsBackRunsNothingTwice) {
  Cron cron("*/5 * * * *");
  cron.now_ = at("2026-11-29T10:05:00Z");
  cron.step();
  cron.finish();
  cron.now_ = at("2026-11-29T10:03:00Z");
  for (; cron.now_ < at("2026-11-29T10:10:00Z"); cron.now_ += seconds(20)) cron.step();
  EXPECT_EQ(cron.started_.size(), 1U);
  cron.step();
  EXPECT_EQ(cron.started_.back(), "2026-11-29T10:10:00Z");
}

TEST(CronPlan, AfterAWrongClockTheScheduleGoesOn) {
  Cron cron("*/5 * * * *");
  cron.now_ = at("2090-01-01T00:05:00Z");
  cron.step();
  cron.finish();
  cron.now_ = at("2026-11-29T10:01:00Z");
  cron.step();
  cron.now_ = at("2026-11-29T10:05:00Z");
  cron.step();
  EXPECT_EQ(cron.started_, (std::vector<std::string>{"2090-01-01T00:05:00Z", "2026-11-29T10:05:00Z"}));
}

TEST(CronPlan, AStartThatIsTooLateIsLeftOut) {
  Cron cron("0 * * * *");
  cron.spec_.starting_deadline_seconds = 60;
  cron.now_ = at("2026-11-29T11:01:01Z");
  EXPECT_TRUE(cron.step().missed);
  EXPECT_TRUE(cron.started_.empty());
  cron.now_ = at("2026-11-29T12:01:00Z");
  EXPECT_FALSE(cron.step().missed);
  EXPECT_EQ(cron.started_, std::vector<std::string>{"2026-11-29T12:00:00Z"});
}

TEST(CronPlan, ConcurrencyPolicies) {
  Cron allow("* * * * *");
  Cron forbid("* * * * *");
  forbid.spec_.concurrency = config::ConcurrencyPolicy::kForbid;
  Cron replace("* * * * *");
  replace.spec_.concurrency = config::ConcurrencyPolicy::kReplace;
  for (Cron* cron : {&allow, &forbid, &replace}) {
    for (int i = 1; i <= 3; ++i) {
      cron->now_ += minutes(1);
      cron->step();
    }
  }
  EXPECT_EQ(allow.jobs_.size(), 3U);
  EXPECT_EQ(forbid.jobs_.size(), 1U);
  ASSERT_EQ(replace.jobs_.size(), 1U);
  EXPECT_EQ(replace.started_.size(), 3U);
  EXPECT_EQ(replace.jobs_[0].name, replace.started_.back());
  // When it is over, the time that was put off has its Job, if it may.
  forbid.finish();
  forbid.step();
  EXPECT_EQ(forbid.started_.size(), 2U);
}

TEST(CronPlan, SuspendedItMakesNoneAndKeepsItsHistoryShort) {
  Cron cron("* * * * *");
  cron.spec_.successful_limit = 1;
  cron.spec_.failed_limit = 0;
  for (int i = 0; i < 4; ++i) {
    cron.now_ += minutes(1);
    cron.step();
    cron.finish(i == 3);
  }
  cron.spec_.suspend = true;
  cron.now_ += minutes(5);
  EXPECT_FALSE(cron.step().start);
  EXPECT_EQ(cron.jobs_.size(), 1U);
  EXPECT_FALSE(cron.jobs_[0].failed);
}

}  // namespace
}  // namespace mete::agent
