// SPDX-License-Identifier: Apache-2.0
// What a Job does next. Pure. The rules are those of Kubernetes' job controller (pkg/controller/job/job_controller.go,
// backoff_utils.go).
//
// A pod's end is counted once: its uid stands in `counted` from then on until the pod is gone. The status is on disk
// before the pod may go.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/workloads/child.h"
#include "config/model/workloads.h"

namespace mete::agent {

enum class JobEnd { kNone, kComplete, kFailed };

struct IndexFailures {
  int count = 0;
  WallTime last{};
  bool operator==(const IndexFailures&) const = default;
};

struct JobStatus {
  WallTime started{};  // zero: not yet, or suspended before
  WallTime ended{};
  JobEnd end = JobEnd::kNone;
  bool suspended = false;
  int succeeded = 0;
  int failed = 0;
  std::set<std::string> counted;  // uids of pods that there are and whose end is in the numbers
  std::set<int> completed;        // indexes
  std::set<int> failed_indexes;
  std::map<int, IndexFailures> failures;  // by index, with backoffLimitPerIndex
  int failures_in_a_row = 0;
  WallTime last_failure{};
  std::string reason;     // why it fails, or has failed
  std::string message;    // the same for a person
  int success_rule = -1;  // the rule of successPolicy that was met first; -1: none
  WallTime decided{};     // since when there is a reason, or a met success_rule; its pods may not have ended yet
  WallTime suspension_changed{};  // when `suspended` last changed; zero: never
  bool operator==(const JobStatus&) const = default;
};

// The delay before a pod takes the place of a failed one: doubled with each failure in a row.
struct JobBackoff {
  std::chrono::nanoseconds first = std::chrono::seconds(10);
  std::chrono::nanoseconds longest = std::chrono::minutes(10);
};

struct JobPlan {
  JobStatus status;
  std::vector<int> create;          // an index for each pod; -1 where there are none
  std::vector<std::string> remove;  // names of pods
  bool expired = false;             // ttlSecondsAfterFinished is over
  std::optional<WallTime> look_again;
};

[[nodiscard]] JobPlan plan_job(const config::JobSpec& spec, const JobStatus& before, const std::vector<Child>& children,
                               const JobBackoff& backoff, WallTime now);

}  // namespace mete::agent
