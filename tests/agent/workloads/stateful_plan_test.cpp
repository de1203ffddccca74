// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/stateful_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace mete::agent {
namespace {

using config::StatefulSetSpec;
using std::chrono::seconds;

class Ordinals {
 public:
  explicit Ordinals(StatefulSetSpec spec, int replicas) : spec_(std::move(spec)), replicas_(replicas) {}

  SetPlan step() {
    auto plan = plan_stateful_set({spec_, replicas_, current_, update_, pods_}, now_);
    current_ = plan.current;
    for (const auto& name : plan.remove) {
      for (auto& pod : pods_) pod.terminating = pod.terminating || pod.name == name;
    }
    for (const auto& made : plan.create) {
      Child pod;
      pod.name = "db-" + std::to_string(made.ordinal);
      EXPECT_EQ(find(made.ordinal), nullptr) << pod.name << " is there already";
      pod.uid = pod.name + "-" + std::to_string(next_++);
      pod.index = made.ordinal;
      pod.revision = made.revision;
      pods_.push_back(pod);
    }
    return plan;
  }
  Child* find(int ordinal) {
    const auto at = std::find_if(pods_.begin(), pods_.end(), [&](const Child& pod) { return pod.index == ordinal; });
    return at == pods_.end() ? nullptr : &*at;
  }
  void ready(int ordinal) {
    Child* const pod = find(ordinal);
    ASSERT_NE(pod, nullptr);
    pod->phase = PodPhase::kRunning;
    pod->ready = true;
    pod->ready_since = now_;
  }
  void remove_gone() {
    std::erase_if(pods_, [](const Child& pod) { return pod.terminating; });
  }
  // All get ready, and what ends is gone, until nothing changes.
  void settle() {
    for (int i = 0; i < 200; ++i) {
      step();
      for (auto& pod : pods_) {
        if (!pod.ready) ready(pod.index);
      }
      remove_gone();
    }
  }
  [[nodiscard]] std::map<int, std::string> revisions() const {
    std::map<int, std::string> all;
    for (const auto& pod : pods_) all[pod.index] = pod.revision;
    return all;
  }
  [[nodiscard]] int missing() const {
    int ready = 0;
    for (const auto& pod : pods_) ready += pod.ready && !pod.terminating ? 1 : 0;
    return replicas_ - ready;
  }

  StatefulSetSpec spec_;
  int replicas_;
  std::string current_ = "a";
  std::string update_ = "a";
  std::vector<Child> pods_;
  WallTime now_{std::chrono::hours(24 * 365 * 50)};
  int next_ = 0;
};

TEST(StatefulPlan, OneAfterTheOtherInOrder) {
  Ordinals set({}, 3);
  for (int ordinal = 0; ordinal < 3; ++ordinal) {
    EXPECT_EQ(set.step().create, (std::vector<NewPod>{{ordinal, "a"}}));
    EXPECT_TRUE(set.step().create.empty()) << "the next waits for this one";
    set.ready(ordinal);
  }
  EXPECT_TRUE(set.step().create.empty());
  // Down from the highest, one at a time.
  set.replicas_ = 1;
  EXPECT_EQ(set.step().remove, std::vector<std::string>{"db-2"});
  EXPECT_TRUE(set.step().remove.empty());
  set.remove_gone();
  EXPECT_EQ(set.step().remove, std::vector<std::string>{"db-1"});
}

TEST(StatefulPlan, ParallelWaitsForNobody) {
  StatefulSetSpec spec;
  spec.parallel = true;
  spec.first_ordinal = 5;
  Ordinals set(spec, 3);
  EXPECT_EQ(set.step().create, (std::vector<NewPod>{{5, "a"}, {6, "a"}, {7, "a"}}));
  set.settle();
  set.replicas_ = 0;
  EXPECT_EQ(set.step().remove.size(), 3U);
}

TEST(StatefulPlan, AnUpdateGoesFromTheHighestDown) {
  Ordinals set({}, 3);
  set.settle();
  set.update_ = "b";
  for (int ordinal = 2; ordinal >= 0; --ordinal) {
    EXPECT_EQ(set.step().remove, std::vector<std::string>{"db-" + std::to_string(ordinal)});
    EXPECT_TRUE(set.step().create.empty()) << "its name is taken until it is gone";
    set.remove_gone();
    EXPECT_EQ(set.step().create, (std::vector<NewPod>{{ordinal, "b"}}));
    EXPECT_TRUE(set.step().remove.empty()) << "the next waits until this one is ready";
    set.ready(ordinal);
  }
  set.step();
  EXPECT_EQ(set.current_, "b");
}

TEST(StatefulPlan, BelowThePartitionNothingChanges) {
  StatefulSetSpec spec;
  spec.rolling.partition = 2;
  Ordinals set(spec, 4);
  set.settle();
  set.update_ = "b";
  set.settle();
  EXPECT_EQ(set.revisions(), (std::map<int, std::string>{{0, "a"}, {1, "a"}, {2, "b"}, {3, "b"}}));
  EXPECT_EQ(set.current_, "a");
  // One that goes comes back as it was.
  set.pods_.erase(set.pods_.begin());
  set.settle();
  EXPECT_EQ(set.revisions().at(0), "a");
  set.spec_.rolling.partition = 0;
  set.settle();
  EXPECT_EQ(set.current_, "b");
}

TEST(StatefulPlan, OnDeleteReplacesOnlyWhatAPersonDeletes) {
  StatefulSetSpec spec;
  spec.strategy = config::UpdateStrategy::kOnDelete;
  Ordinals set(spec, 2);
  set.settle();
  set.update_ = "b";
  set.settle();
  EXPECT_EQ(set.revisions().at(0), "a");
  std::erase_if(set.pods_, [](const Child& pod) { return pod.index == 0; });
  set.settle();
  EXPECT_EQ(set.revisions(), (std::map<int, std::string>{{0, "b"}, {1, "a"}}));
}

TEST(StatefulPlan, AHopelessOldPodIsReplaced) {
  Ordinals set({}, 2);
  set.step();  // db-0 of "a" never gets ready
  set.update_ = "b";
  EXPECT_EQ(set.step().remove, std::vector<std::string>{"db-0"});
  set.remove_gone();
  EXPECT_EQ(set.step().create, (std::vector<NewPod>{{0, "b"}}));
  // One of the present revision is waited for.
  EXPECT_TRUE(set.step().remove.empty());
}

TEST(StatefulPlan, AtMostAsManyAreMissingAsMayBe) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random(seed);
    StatefulSetSpec spec;
    spec.parallel = random() % 2 == 0;
    spec.rolling.max_unavailable = {1 + static_cast<int>(random() % 3), false};
    Ordinals set(spec, 6);
    set.settle();
    set.update_ = "b";
    for (int i = 0; i < 500; ++i) {
      set.step();
      EXPECT_LE(set.missing(), spec.rolling.max_unavailable.value) << "seed " << seed;
      Child& pod = set.pods_[random() % set.pods_.size()];
      if (pod.terminating) {
        const std::string uid = pod.uid;
        std::erase_if(set.pods_, [&](const Child& each) { return each.uid == uid; });
      } else if (!pod.ready) {
        set.ready(pod.index);
      }
    }
    EXPECT_EQ(set.current_, "b") << "seed " << seed;
    if (testing::Test::HasFailure()) return;
  }
}

Child daemon(const char* name, const char* revision, bool ready, int created = 0) {
  Child child;
  child.name = name;
  child.revision = revision;
  child.ready = ready;
  child.phase = ready ? PodPhase::kRunning : PodPhase::kPending;
  child.created = WallTime(seconds(created));
  return child;
}

TEST(DaemonPlan, OnePodOnThisMachine) {
  const WallTime now{seconds(1000)};
  config::DaemonSetSpec spec;
  EXPECT_EQ(plan_daemon_set(spec, "a", {}, now).create.size(), 1U);
  EXPECT_TRUE(plan_daemon_set(spec, "a", {daemon("x", "a", false)}, now).create.empty());
  EXPECT_EQ(plan_daemon_set(spec, "a", {daemon("y", "a", true, 9), daemon("x", "a", true, 5)}, now).remove,
            std::vector<std::string>{"y"});
  // An old one goes first: both may want the same port.
  auto plan = plan_daemon_set(spec, "b", {daemon("x", "a", true)}, now);
  EXPECT_EQ(plan.remove, std::vector<std::string>{"x"});
  EXPECT_TRUE(plan.create.empty());
  auto ending = daemon("x", "a", true);
  ending.terminating = true;
  EXPECT_TRUE(plan_daemon_set(spec, "b", {ending}, now).create.empty());
}

TEST(DaemonPlan, WithASurgeTheNewOneComesFirst) {
  const WallTime now{seconds(1000)};
  config::DaemonSetSpec spec;
  spec.rolling.max_surge = {1, false};
  spec.rolling.max_unavailable = {0, false};
  auto plan = plan_daemon_set(spec, "b", {daemon("x", "a", true)}, now);
  EXPECT_EQ(plan.create.size(), 1U);
  EXPECT_TRUE(plan.remove.empty());
  plan = plan_daemon_set(spec, "b", {daemon("x", "a", true), daemon("y", "b", false)}, now);
  EXPECT_TRUE(plan.create.empty());
  EXPECT_TRUE(plan.remove.empty());
  plan = plan_daemon_set(spec, "b", {daemon("x", "a", true), daemon("y", "b", true)}, now);
  EXPECT_EQ(plan.remove, std::vector<std::string>{"x"});
}

TEST(DaemonPlan, OnDeleteLeavesTheOldOne) {
  config::DaemonSetSpec spec;
  spec.strategy = config::UpdateStrategy::kOnDelete;
  const auto plan = plan_daemon_set(spec, "b", {daemon("x", "a", true)}, WallTime(seconds(1000)));
  EXPECT_TRUE(plan.create.empty());
  EXPECT_TRUE(plan.remove.empty());
}

}  // namespace
}  // namespace mete::agent
