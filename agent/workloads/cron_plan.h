// SPDX-License-Identifier: Apache-2.0
// What a CronJob does next. Pure. The rules are Kubernetes' (pkg/controller/cronjob/cronjob_controllerv2.go, utils.go).
//
// The clock may be set while it waits. Forward: the last time that was missed counts, once, if its deadline has not
// passed. Back: a time that has had its Job has none again; set back by more than an hour, the clock was wrong before,
// and the schedule begins anew.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/workloads/time_zone.h"
#include "config/model/workloads.h"
#include "config/values/cron_schedule.h"
#include "enforcers/restart.h"

namespace mete::agent {

using enforcers::WallTime;

// One of its Jobs.
struct CronChild {
  std::string name;
  WallTime created{};
  WallTime ended{};
  bool finished = false;
  bool failed = false;
};

struct CronFacts {
  const config::CronJobSpec& spec;
  const config::CronSchedule& schedule;
  const TimeZone& zone;
  WallTime created{};        // of the CronJob
  WallTime last_schedule{};  // zero: none yet
  const std::vector<CronChild>& jobs;
};

struct CronPlan {
  std::optional<WallTime> start;    // the time of the Job that is to be made now
  std::vector<std::string> remove;  // Jobs: replaced, or beyond the history
  WallTime last_schedule{};
  bool missed = false;           // a time had passed its deadline
  bool still_active = false;     // Forbid: a Job of it goes on
  std::optional<WallTime> next;  // when to look again
};

[[nodiscard]] CronPlan plan_cron_job(const CronFacts& facts, WallTime now);

// The first time after `after`; empty: there is none within some years (30 February).
[[nodiscard]] std::optional<WallTime> next_time(const config::CronSchedule& schedule, const TimeZone& zone,
                                                WallTime after);
// The last one that is after `after` and not after `now`.
[[nodiscard]] std::optional<WallTime> last_time(const config::CronSchedule& schedule, const TimeZone& zone,
                                                WallTime after, WallTime now);

}  // namespace mete::agent
