// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/job_conditions.h"

namespace mete::agent {
namespace {

// Records of 0.1 do not say when it was decided.
WallTime decision_of(const JobStatus& job) {
  return job.decided != WallTime() ? job.decided : job.ended;
}

}  // namespace

std::vector<PodCondition> conditions_of(const JobStatus& job) {
  std::vector<PodCondition> list;
  if (job.suspended) {
    list.push_back({"Suspended", true, job.suspension_changed, "JobSuspended", "Job suspended"});
  } else if (job.suspension_changed != WallTime()) {
    list.push_back({"Suspended", false, job.suspension_changed, "JobResumed", "Job resumed"});
  }
  if (!job.reason.empty()) list.push_back({"FailureTarget", true, decision_of(job), job.reason, job.message});
  if (job.end == JobEnd::kFailed) list.push_back({"Failed", true, job.ended, job.reason, job.message});
  const bool by_rule = job.success_rule >= 0;
  const bool complete = job.end == JobEnd::kComplete;
  const std::string reason = by_rule ? "SuccessPolicy" : "CompletionsReached";
  const std::string message = by_rule ? "Matched rules at index " + std::to_string(job.success_rule)
                                      : "Reached expected number of succeeded pods";
  if (complete || by_rule) list.push_back({"SuccessCriteriaMet", true, decision_of(job), reason, message});
  if (complete) list.push_back({"Complete", true, job.ended, reason, message});
  return list;
}

}  // namespace mete::agent
