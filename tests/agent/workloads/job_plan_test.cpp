// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/job_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mete::agent {
namespace {

using config::JobSpec;
using std::chrono::seconds;

// A Job and its pods; `restart` forgets all that is not on disk, which is nothing.
class JobWorld {
 public:
  explicit JobWorld(JobSpec spec) : spec_(std::move(spec)) {}

  void step() {
    const auto plan = plan_job(spec_, status_, pods_, {seconds(10), seconds(600)}, now_);
    status_ = plan.status;
    expired_ = plan.expired;
    look_again_ = plan.look_again;
    for (const auto& name : plan.remove) {
      for (auto& pod : pods_) pod.terminating = pod.terminating || pod.name == name;
    }
    for (const int index : plan.create) {
      Child pod;
      pod.name = "job-" + std::to_string(next_++);
      pod.uid = pod.name;
      pod.index = index;
      pod.phase = PodPhase::kRunning;
      pods_.push_back(pod);
    }
    most_ = std::max(most_, active());
  }
  void end(std::size_t at, int code) {
    auto& pod = pods_.at(at);
    pod.phase = code == 0 ? PodPhase::kSucceeded : PodPhase::kFailed;
    pod.finished = now_;
    pod.ends = {{"main", code}};
  }
  void end_all(int code) {
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      if (is_active(pods_[i])) end(i, code);
    }
  }
  void remove_gone() {
    std::erase_if(pods_, [](const Child& pod) { return pod.terminating; });
  }
  [[nodiscard]] int active() const { return static_cast<int>(std::count_if(pods_.begin(), pods_.end(), is_active)); }

  JobSpec spec_;
  JobStatus status_;
  std::vector<Child> pods_;
  WallTime now_{std::chrono::hours(24 * 365 * 50)};
  std::optional<WallTime> look_again_;
  bool expired_ = false;
  int next_ = 1;
  int most_ = 0;
};

JobSpec job(std::optional<int> completions, int parallelism = 1, int backoff_limit = 6) {
  JobSpec spec;
  spec.completions = completions;
  spec.parallelism = parallelism;
  spec.backoff_limit = backoff_limit;
  spec.pod.spec.restart_policy = config::RestartPolicy::kNever;
  return spec;
}

TEST(JobPlan, EachCompletionRunsOnce) {
  JobWorld world(job(5, 2));
  for (int i = 0; i < 40 && world.status_.end == JobEnd::kNone; ++i) {
    world.step();
    world.end_all(0);
  }
  EXPECT_EQ(world.status_.end, JobEnd::kComplete);
  EXPECT_EQ(world.status_.succeeded, 5);
  EXPECT_EQ(world.pods_.size(), 5U);
  EXPECT_EQ(world.most_, 2);
  world.step();
  EXPECT_EQ(world.pods_.size(), 5U);
}

TEST(JobPlan, APodIsCountedOnceHoweverOftenItIsSeen) {
  JobWorld world(job(3));
  world.step();
  world.end(0, 0);
  world.step();
  world.step();
  EXPECT_EQ(world.status_.succeeded, 1);
  // It is removed by hand: its success stays.
  world.pods_.erase(world.pods_.begin());
  world.step();
  world.step();
  EXPECT_EQ(world.status_.succeeded, 1);
  EXPECT_TRUE(world.status_.counted.empty());
  EXPECT_EQ(world.active(), 1);
}

TEST(JobPlan, AFailedPodIsReplacedLaterAndLater) {
  JobWorld world(job(1, 1, 3));
  world.step();
  for (const int delay : {10, 20, 40}) {
    world.end_all(1);
    world.step();
    EXPECT_EQ(world.active(), 0);
    ASSERT_TRUE(world.look_again_);
    EXPECT_EQ(*world.look_again_ - world.now_, seconds(delay));
    world.now_ = *world.look_again_;
    world.step();
    EXPECT_EQ(world.active(), 1);
  }
  world.end_all(1);
  world.step();
  EXPECT_EQ(world.status_.end, JobEnd::kFailed);
  EXPECT_EQ(world.status_.reason, "BackoffLimitExceeded");
  EXPECT_EQ(world.status_.failed, 4);
}

TEST(JobPlan, WithoutCompletionsTheFirstSuccessEndsTheQueue) {
  JobWorld world(job(std::nullopt, 3));
  world.step();
  EXPECT_EQ(world.active(), 3);
  world.end(0, 0);
  world.step();
  EXPECT_EQ(world.active(), 2);
  EXPECT_EQ(world.status_.end, JobEnd::kNone);
  world.end_all(0);
  world.step();
  EXPECT_EQ(world.status_.end, JobEnd::kComplete);
  EXPECT_EQ(world.pods_.size(), 3U);
}

TEST(JobPlan, EachIndexIsDone) {
  auto spec = job(6, 3, 100);
  spec.indexed = true;
  for (unsigned seed = 1; seed <= 50; ++seed) {
    JobWorld world(spec);
    std::mt19937 random(seed);
    std::map<int, int> successes;
    for (int i = 0; i < 500 && world.status_.end == JobEnd::kNone; ++i) {
      world.step();
      EXPECT_LE(world.active(), 3);
      std::set<int> running;
      for (const auto& pod : world.pods_) {
        if (is_active(pod)) {
          EXPECT_TRUE(running.insert(pod.index).second) << "two pods of an index";
        }
      }
      for (std::size_t at = 0; at < world.pods_.size(); ++at) {
        if (!is_active(world.pods_[at]) || random() % 3 != 0) continue;
        const bool good = random() % 3 != 0;
        world.end(at, good ? 0 : 1);
        if (good) ++successes[world.pods_[at].index];
      }
      world.now_ += seconds(700);
    }
    EXPECT_EQ(world.status_.end, JobEnd::kComplete);
    EXPECT_EQ(world.status_.completed.size(), 6U);
    for (int index = 0; index < 6; ++index) EXPECT_EQ(successes[index], 1) << "index " << index;
  }
}

TEST(JobPlan, ASuccessPolicyEndsItWithTheFirstRuleThatIsMet) {
  auto spec = job(5, 5, 0);
  spec.indexed = true;
  spec.success_rules = {{std::set<int>{0, 1}, std::nullopt}, {std::set<int>{2, 3, 4}, 2}};
  JobWorld world(spec);
  world.step();
  ASSERT_EQ(world.active(), 5);
  world.end(0, 0);
  world.end(2, 0);
  world.step();
  EXPECT_EQ(world.status_.success_rule, -1);
  world.end(4, 0);
  world.step();
  EXPECT_EQ(world.status_.success_rule, 1);
  EXPECT_EQ(world.active(), 0) << "the pods that are left are ended";
  world.end(1, 1);  // by the signal: no failure any more
  world.remove_gone();
  world.step();
  EXPECT_EQ(world.status_.end, JobEnd::kComplete);
  EXPECT_EQ(world.status_.failed, 0);
}

TEST(JobPlan, AFailureComesBeforeASuccessPolicy) {
  auto spec = job(3, 3, 0);
  spec.indexed = true;
  spec.success_rules = {{std::nullopt, 1}};
  JobWorld world(spec);
  world.step();
  world.end(0, 0);
  world.end(1, 1);
  world.step();
  EXPECT_EQ(world.status_.reason, "BackoffLimitExceeded");
  EXPECT_EQ(world.status_.success_rule, -1);
}

TEST(JobPlan, EachIndexHasABackoffLimitOfItsOwn) {
  auto spec = job(2, 2, 1000);
  spec.indexed = true;
  spec.backoff_limit_per_index = 1;
  JobWorld world(spec);
  for (int i = 0; i < 20 && world.status_.end == JobEnd::kNone; ++i) {
    world.step();
    for (std::size_t at = 0; at < world.pods_.size(); ++at) {
      if (is_active(world.pods_[at])) world.end(at, world.pods_[at].index == 0 ? 1 : 0);
    }
    world.now_ += seconds(700);
  }
  EXPECT_EQ(world.status_.end, JobEnd::kFailed);
  EXPECT_EQ(world.status_.reason, "FailedIndexes");
  EXPECT_EQ(world.status_.failed_indexes, std::set<int>{0});
  EXPECT_EQ(world.status_.completed, std::set<int>{1});
  EXPECT_EQ(world.status_.failed, 2);
}

config::FailureRule by_code(config::FailureAction action, int code, bool not_in = false) {
  config::FailureRule rule;
  rule.action = action;
  rule.exit_codes = true;
  rule.not_in = not_in;
  rule.values = {code};
  return rule;
}

TEST(JobPlan, RulesOfFailureDecideByTheExitCode) {
  auto spec = job(1, 1, 2);
  spec.replace_failed_only = true;
  spec.pod.metadata.namespace_ = "shop";
  spec.failure_rules = {by_code(config::FailureAction::kIgnore, 7), by_code(config::FailureAction::kFailJob, 42)};
  JobWorld world(spec);
  world.step();
  for (int i = 0; i < 5; ++i) {
    world.end_all(7);
    world.step();
    EXPECT_EQ(world.active(), 1) << "what is ignored is replaced at once";
  }
  EXPECT_EQ(world.status_.failed, 0);
  world.end_all(42);
  world.step();
  world.step();
  EXPECT_EQ(world.status_.end, JobEnd::kFailed);
  EXPECT_EQ(world.status_.reason, "PodFailurePolicy");
  EXPECT_EQ(world.status_.message,
            "Container main for pod shop/job-6 failed with exit code 42 matching FailJob rule at index 1");
}

TEST(JobPlan, ARuleOfFailureNamesTheConditionThatItMet) {
  auto spec = job(1);
  spec.pod.metadata.namespace_ = "shop";
  config::FailureRule rule;
  rule.action = config::FailureAction::kFailJob;
  rule.conditions = {"Other", "DisruptionTarget"};
  spec.failure_rules = {rule};
  JobWorld world(spec);
  world.step();
  world.pods_[0].conditions = {"DisruptionTarget"};
  world.end_all(1);
  world.step();
  EXPECT_EQ(world.status_.message, "Pod shop/job-1 has condition DisruptionTarget matching FailJob rule at index 0");
}

TEST(JobPlan, TheDeadlineEndsItsPods) {
  auto spec = job(1);
  spec.active_deadline_seconds = 30;
  JobWorld world(spec);
  world.step();
  EXPECT_EQ(*world.look_again_, world.now_ + seconds(30));
  world.now_ += seconds(30);
  world.step();
  EXPECT_EQ(world.active(), 0);
  EXPECT_EQ(world.status_.end, JobEnd::kNone) << "it fails when its pods are gone";
  world.remove_gone();
  world.step();
  EXPECT_EQ(world.status_.end, JobEnd::kFailed);
  EXPECT_EQ(world.status_.reason, "DeadlineExceeded");
}

TEST(JobPlan, SuspendedItHasNoPodsAndNoFailures) {
  auto spec = job(2, 2);
  spec.active_deadline_seconds = 100;
  JobWorld world(spec);
  world.step();
  world.spec_.suspend = true;
  world.step();
  EXPECT_EQ(world.active(), 0);
  world.remove_gone();
  world.now_ += seconds(1000);
  world.step();
  EXPECT_EQ(world.status_.end, JobEnd::kNone);
  EXPECT_EQ(world.status_.failed, 0);
  world.spec_.suspend = false;
  world.step();
  EXPECT_EQ(world.active(), 2);
  EXPECT_EQ(world.status_.started, world.now_) << "the deadline begins anew";
}

TEST(JobPlan, AFinishedJobIsRemovedAfterItsTime) {
  auto spec = job(1);
  spec.ttl_seconds_after_finished = 60;
  JobWorld world(spec);
  world.step();
  world.end_all(0);
  world.step();
  EXPECT_EQ(world.status_.end, JobEnd::kComplete);
  EXPECT_FALSE(world.expired_);
  EXPECT_EQ(*world.look_again_, world.now_ + seconds(60));
  world.now_ += seconds(60);
  world.step();
  EXPECT_TRUE(world.expired_);
}

TEST(JobPlan, APodThatIsDeletedIsReplacedAndCountsAsFailure) {
  JobWorld world(job(1));
  world.step();
  world.pods_[0].terminating = true;
  world.step();
  EXPECT_EQ(world.status_.failed, 1);
  world.now_ += seconds(10);
  world.step();
  EXPECT_EQ(world.active(), 1);
  // With podReplacementPolicy Failed it is waited for.
  auto spec = job(1);
  spec.replace_failed_only = true;
  JobWorld patient(spec);
  patient.step();
  patient.pods_[0].terminating = true;
  patient.step();
  EXPECT_EQ(patient.active(), 0);
  patient.remove_gone();
  patient.step();
  EXPECT_EQ(patient.active(), 1);
}

TEST(JobPlan, RestartsOfContainersCountWithOnFailure) {
  auto spec = job(1, 1, 3);
  spec.pod.spec.restart_policy = config::RestartPolicy::kOnFailure;
  JobWorld world(spec);
  world.step();
  world.pods_[0].restarts = 2;
  world.step();
  EXPECT_EQ(world.active(), 1);
  world.pods_[0].restarts = 3;
  world.step();
  EXPECT_EQ(world.status_.reason, "BackoffLimitExceeded");
}

TEST(JobPlan, LessParallelismEndsPodsWithoutFailure) {
  JobWorld world(job(10, 4));
  world.step();
  world.spec_.parallelism = 1;
  world.step();
  EXPECT_EQ(world.active(), 1);
  world.remove_gone();
  world.step();
  EXPECT_EQ(world.status_.failed, 0);
}

}  // namespace
}  // namespace mete::agent
