// SPDX-License-Identifier: Apache-2.0
// Jobs whose pods have indexes, above all when `completions` changes while they run.
#include "agent/workloads/job_indexes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/workloads/job_plan.h"

namespace mete::agent {
namespace {

using std::chrono::seconds;

config::JobSpec elastic(int size) {
  config::JobSpec spec;
  spec.completions = size;
  spec.parallelism = size;
  spec.indexed = true;
  spec.pod.spec.restart_policy = config::RestartPolicy::kNever;
  return spec;
}

// Four pods of an elastic Job that runs.
class ElasticJob {
 public:
  explicit ElasticJob(config::JobSpec spec = elastic(4)) : spec_(std::move(spec)) { step(); }

  // Pods that are to end are gone at once.
  void step() {
    const auto plan = plan_job(spec_, status_, pods_, {seconds(10), seconds(600)}, now_);
    status_ = plan.status;
    std::erase_if(pods_, [&](const Child& pod) {
      return std::find(plan.remove.begin(), plan.remove.end(), pod.name) != plan.remove.end();
    });
    for (const int index : plan.create) {
      Child pod;
      pod.name = pod.uid = "job-" + std::to_string(index) + "-" + std::to_string(next_++);
      pod.index = index;
      pod.phase = PodPhase::kRunning;
      pods_.push_back(pod);
    }
  }
  void resize(int size) {
    spec_.completions = spec_.parallelism = size;
    step();
  }
  void end(int index, int code) {
    for (auto& pod : pods_) {
      if (pod.index != index || !is_active(pod)) continue;
      pod.phase = code == 0 ? PodPhase::kSucceeded : PodPhase::kFailed;
      pod.finished = now_;
      pod.ends = {{"main", code}};
    }
  }
  [[nodiscard]] std::set<int> running() const {
    std::set<int> indexes;
    for (const auto& pod : pods_) {
      if (!is_active(pod)) continue;
      EXPECT_TRUE(indexes.insert(pod.index).second) << "two pods of index " << pod.index;
    }
    return indexes;
  }

  config::JobSpec spec_;
  JobStatus status_;
  std::vector<Child> pods_;
  WallTime now_{std::chrono::hours(24 * 365 * 50)};
  int next_ = 1;
};

using Indexes = std::set<int>;

TEST(JobIndexes, OnesThatSucceededBeyondCompletionsDoNotCount) {
  ElasticJob job;
  job.end(2, 0);
  job.end(3, 0);
  job.step();
  EXPECT_EQ(job.status_.completed, (Indexes{2, 3}));
  job.resize(2);
  EXPECT_EQ(job.status_.end, JobEnd::kNone);
  EXPECT_EQ(job.status_.succeeded, 0);
  EXPECT_EQ(job.status_.completed, Indexes{});
  EXPECT_EQ(job.running(), (Indexes{0, 1}));
  job.end(0, 0);
  job.end(1, 0);
  job.step();
  EXPECT_EQ(job.status_.end, JobEnd::kComplete);
  EXPECT_EQ(job.status_.succeeded, 2);
}

TEST(JobIndexes, AreBegunAnewWhenCompletionsIsRaisedAgain) {
  ElasticJob job;
  job.end(3, 0);
  job.step();
  job.resize(2);
  job.resize(4);
  EXPECT_EQ(job.running(), (Indexes{0, 1, 2, 3}));
  EXPECT_EQ(job.status_.succeeded, 0);
}

TEST(JobIndexes, OnesThatFailedBeyondCompletionsDoNotCount) {
  auto spec = elastic(4);
  spec.backoff_limit_per_index = 0;
  spec.backoff_limit = 1000;
  spec.max_failed_indexes = 1;
  ElasticJob job(spec);
  job.end(3, 1);
  job.step();
  EXPECT_EQ(job.status_.failed_indexes, Indexes{3});
  job.resize(3);
  EXPECT_EQ(job.status_.failed_indexes, Indexes{});
  EXPECT_TRUE(job.status_.failures.empty());
  job.end(0, 1);
  job.step();
  EXPECT_EQ(job.status_.reason, "") << "one failed index is allowed";
  job.end(1, 0);
  job.end(2, 0);
  job.step();
  EXPECT_EQ(job.status_.reason, "FailedIndexes");
}

// A pod ends between the change of the manifest and the next look at it.
TEST(JobIndexes, APodBeyondCompletionsNeitherSucceedsNorFails) {
  auto spec = elastic(4);
  spec.backoff_limit = 0;
  ElasticJob job(spec);
  job.end(2, 0);
  job.end(3, 1);
  job.resize(2);
  EXPECT_EQ(job.status_.reason, "");
  EXPECT_EQ(job.status_.failed, 0);
  EXPECT_EQ(job.status_.succeeded, 0);
  EXPECT_EQ(job.running(), (Indexes{0, 1}));
}

TEST(JobIndexes, LowerCompletionsEndThePodsOfTheIndexesThatAreGone) {
  for (const int pending : {0, 1, 2, 3}) {
    ElasticJob job;
    for (auto& pod : job.pods_) pod.phase = pod.index == pending ? PodPhase::kPending : PodPhase::kRunning;
    job.resize(2);
    EXPECT_EQ(job.running(), (Indexes{0, 1})) << "pending was " << pending;
    EXPECT_EQ(job.status_.failed, 0);
  }
}

TEST(JobIndexes, PodsOfWrongIndexesEndAlsoWhenNoPodIsTooMany) {
  ElasticJob job;
  std::erase_if(job.pods_, [](const Child& pod) { return pod.index == 1; });
  job.pods_[0].index = 7;  // 7, 2, 3: one fewer than wanted
  job.step();
  EXPECT_EQ(job.running(), (Indexes{2, 3}));
  job.step();
  EXPECT_EQ(job.running(), (Indexes{0, 1, 2, 3}));
}

TEST(JobIndexes, OfTwoPodsOfAnIndexTheReadyOneStays) {
  ElasticJob job;
  Child twin = job.pods_[1];
  twin.name = twin.uid = "job-1-a";
  twin.ready = true;
  job.pods_.push_back(twin);
  std::erase_if(job.pods_, [](const Child& pod) { return pod.index == 3; });
  job.step();
  EXPECT_EQ(job.running(), (Indexes{0, 1, 2}));
  EXPECT_TRUE(std::any_of(job.pods_.begin(), job.pods_.end(), [](const Child& pod) { return pod.name == "job-1-a"; }));
}

TEST(JobIndexes, ASurplusBeyondTheWrongOnesGoesByReadiness) {
  std::vector<Child> pods;
  for (const int index : {0, 1, 2, 9}) {
    Child pod;
    pod.name = "p" + std::to_string(index);
    pod.index = index;
    pod.phase = index == 1 ? PodPhase::kPending : PodPhase::kRunning;
    pods.push_back(pod);
  }
  EXPECT_EQ(dispensable_of_job(elastic(3), pods, 0), std::vector<std::string>{"p9"});
  EXPECT_EQ(dispensable_of_job(elastic(3), pods, 2), (std::vector<std::string>{"p9", "p1"}));
}

TEST(JobIndexes, RangesAreWrittenAsKubernetesWritesThem) {
  EXPECT_EQ(ranges_text({0, 1, 2, 4, 6, 7}), "0-2,4,6,7");
  EXPECT_EQ(ranges_text({}), "");
}

}  // namespace
}  // namespace mete::agent
