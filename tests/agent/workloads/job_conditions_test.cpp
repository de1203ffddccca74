// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/job_conditions.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

using std::chrono::seconds;

config::JobSpec of_one() {
  config::JobSpec spec;
  spec.completions = 1;
  spec.parallelism = 1;
  spec.pod.spec.restart_policy = config::RestartPolicy::kNever;
  return spec;
}

// A Job with at most one pod, which is gone when it is to end.
class JobStory {
 public:
  void plan() {
    const auto made = plan_job(spec_, status_, pods_, {seconds(10), seconds(600)}, now_);
    status_ = made.status;
    if (!made.create.empty()) pods_ = {{.name = "p", .uid = "u", .phase = PodPhase::kRunning}};
    if (!made.remove.empty()) pods_.at(0).terminating = true;
  }
  [[nodiscard]] std::vector<std::string> types() const {
    std::vector<std::string> types;
    for (const auto& each : conditions_of(status_)) types.push_back(each.type);
    return types;
  }
  [[nodiscard]] PodCondition only() const {
    const auto list = conditions_of(status_);
    EXPECT_EQ(list.size(), 1U);
    return list.empty() ? PodCondition() : list[0];
  }

  config::JobSpec spec_ = of_one();
  JobStatus status_;
  std::vector<Child> pods_;
  WallTime now_{std::chrono::hours(24 * 365 * 50)};
};

using Types = std::vector<std::string>;

TEST(JobConditions, OneThatWasNeverSuspendedSaysNothingOfIt) {
  JobStory job;
  job.plan();
  EXPECT_EQ(job.types(), Types{});
}

TEST(JobConditions, AResumedJobSaysSinceWhen) {
  JobStory job;
  job.spec_.suspend = true;
  job.plan();
  EXPECT_EQ(job.only().type, "Suspended");
  EXPECT_TRUE(job.only().holds);
  EXPECT_EQ(job.only().reason, "JobSuspended");
  EXPECT_EQ(job.only().message, "Job suspended");
  const WallTime suspended = job.now_;
  EXPECT_EQ(job.only().since, suspended);
  job.now_ += seconds(5);
  job.plan();
  EXPECT_EQ(job.only().since, suspended);
  job.spec_.suspend = false;
  job.plan();
  EXPECT_EQ(job.only().type, "Suspended");
  EXPECT_FALSE(job.only().holds);
  EXPECT_EQ(job.only().reason, "JobResumed");
  EXPECT_EQ(job.only().message, "Job resumed");
  EXPECT_EQ(job.only().since, job.now_);
  job.pods_.at(0).phase = PodPhase::kSucceeded;
  job.plan();
  EXPECT_EQ(job.types(), (Types{"Suspended", "SuccessCriteriaMet", "Complete"}));
  EXPECT_EQ(conditions_of(job.status_).back().message, "Reached expected number of succeeded pods");
}

TEST(JobConditions, WhatIsDecidedHasATimeBeforeItsPodsHaveEnded) {
  JobStory job;
  job.spec_.active_deadline_seconds = 30;
  job.plan();
  job.now_ += seconds(30);
  job.plan();
  EXPECT_EQ(job.only().type, "FailureTarget");
  EXPECT_EQ(job.only().since, job.now_);
  const WallTime decided = job.now_;
  job.now_ += seconds(5);
  job.pods_.clear();
  job.plan();
  ASSERT_EQ(job.types(), (Types{"FailureTarget", "Failed"}));
  EXPECT_EQ(conditions_of(job.status_)[0].since, decided);
  EXPECT_EQ(conditions_of(job.status_)[1].since, job.now_);
}

TEST(JobConditions, ARuleOfSuccessIsNamedAtOnce) {
  JobStory job;
  job.spec_.completions = 2;
  job.spec_.parallelism = 2;
  job.spec_.indexed = true;
  job.spec_.success_rules = {{std::set<int>{1}, std::nullopt}, {std::nullopt, 1}};
  job.pods_ = {{.name = "p", .uid = "u", .index = 0, .phase = PodPhase::kSucceeded},
               {.name = "q", .uid = "v", .index = 1, .phase = PodPhase::kRunning}};
  job.plan();
  EXPECT_EQ(job.only().type, "SuccessCriteriaMet");
  EXPECT_EQ(job.only().reason, "SuccessPolicy");
  EXPECT_EQ(job.only().message, "Matched rules at index 1");
  EXPECT_EQ(job.only().since, job.now_);
}

}  // namespace
}  // namespace mete::agent
