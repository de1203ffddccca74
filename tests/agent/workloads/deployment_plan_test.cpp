// SPDX-License-Identifier: Apache-2.0
// A Deployment in a world of pods that get ready, fail and go in any order.
#include "agent/workloads/deployment_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "agent/workloads/replica_plan.h"

namespace mete::agent {
namespace {

using config::DeploymentSpec;
using config::UpdateStrategy;
using std::chrono::seconds;

class World {
 public:
  World(DeploymentSpec spec, int replicas, unsigned seed)
      : spec_(std::move(spec)), replicas_(replicas), random_(seed) {}

  struct Set {
    SetFacts facts;
    int of_template = 0;
    std::vector<Child> pods;
  };

  // One step of the Deployment and of all its sets; the bounds hold after it, and it takes no pod that is needed.
  void step() {
    DeploymentFacts facts{spec_, replicas_, paused_, {}, progress_};
    std::optional<WallTime> unused;
    for (auto& set : sets_) {
      set.facts.current = set.of_template == template_;
      set.facts.pods = count(set.pods, seconds(spec_.min_ready_seconds), now_, unused);
      facts.sets.push_back(set.facts);
    }
    const auto plan = plan_deployment(facts, now_);
    progress_ = plan.progress;
    complete_ = plan.complete;
    for (const auto& to : plan.sets) take(to);
    for (const auto& name : plan.remove) std::erase_if(sets_, [&](const Set& set) { return set.facts.name == name; });
    for (auto& set : sets_) size(set);
    const Bounds bounds = bounds_of(spec_, replicas_);
    if (!paused_) {
      EXPECT_LE(active(), std::max(replicas_ + bounds.surge, 0)) << "after a step";
    }
  }

  void take(const SetFacts& to) {
    for (auto& set : sets_) {
      if (set.facts.name != to.name) continue;
      set.facts = to;
      return;
    }
    Set set{to, template_, {}};
    set.facts.name = "set-" + std::to_string(next_++);
    sets_.push_back(std::move(set));
  }

  void size(Set& set) {
    const auto plan = plan_replicas(set.facts.wanted, set.pods);
    for (int i = 0; i < plan.create; ++i) {
      Child pod;
      pod.name = set.facts.name + "-" + std::to_string(next_++);
      pod.uid = pod.name;
      pod.created = now_;
      set.pods.push_back(pod);
    }
    for (const auto& name : plan.remove) {
      const auto pod =
          std::find_if(set.pods.begin(), set.pods.end(), [&](const Child& each) { return each.name == name; });
      const bool counted = is_available(*pod, seconds(spec_.min_ready_seconds), now_);
      pod->terminating = true;
      if (counted && spec_.strategy == UpdateStrategy::kRollingUpdate && !paused_) {
        EXPECT_GE(available(), replicas_ - bounds_of(spec_, replicas_).unavailable) << name << " was needed";
      }
    }
  }

  // Something that happens to one pod.
  void happen(bool may_fail) {
    std::vector<Child*> pods;
    for (auto& set : sets_) {
      for (auto& pod : set.pods) pods.push_back(&pod);
    }
    now_ += std::chrono::milliseconds(random_() % 1500);
    if (pods.empty()) return;
    Child& pod = *pods[random_() % pods.size()];
    if (pod.terminating) {
      const std::string name = pod.name;
      for (auto& set : sets_) std::erase_if(set.pods, [&](const Child& each) { return each.name == name; });
    } else if (!pod.ready) {
      pod.phase = PodPhase::kRunning;
      if (works_) pod.ready = true;
      pod.ready_since = now_;
    } else if (may_fail && random_() % 8 == 0) {
      pod.ready = false;
    }
  }

  void go_on(int events, bool may_fail) {
    for (int i = 0; i < events; ++i) {
      if (random_() % 2 == 0) step();
      happen(may_fail);
    }
  }
  void settle(int limit = 4000) {
    complete_ = false;
    for (int i = 0; i < limit && !(complete_ && idle()); ++i) go_on(1, false);
    for (int i = 0; i < 3; ++i) step();
  }
  [[nodiscard]] bool idle() const {
    return std::all_of(sets_.begin(), sets_.end(), [](const Set& set) {
      return std::none_of(set.pods.begin(), set.pods.end(), [](const Child& pod) { return pod.terminating; });
    });
  }
  [[nodiscard]] int active() const {
    int sum = 0;
    for (const auto& set : sets_) sum += static_cast<int>(std::count_if(set.pods.begin(), set.pods.end(), is_active));
    return sum;
  }
  [[nodiscard]] int available() const {
    int sum = 0;
    for (const auto& set : sets_) {
      sum += static_cast<int>(std::count_if(set.pods.begin(), set.pods.end(), [&](const Child& pod) {
        return is_available(pod, seconds(spec_.min_ready_seconds), now_);
      }));
    }
    return sum;
  }
  void expect_done() const {
    EXPECT_TRUE(complete_);
    EXPECT_EQ(progress_.reason, "NewReplicaSetAvailable");
    for (const auto& set : sets_) {
      EXPECT_EQ(set.facts.wanted, set.of_template == template_ ? replicas_ : 0) << set.facts.name;
    }
  }

  DeploymentSpec spec_;
  int replicas_;
  std::mt19937 random_;
  bool paused_ = false;
  bool works_ = true;  // new pods get ready
  int template_ = 1;
  int next_ = 1;
  bool complete_ = false;
  WallTime now_{std::chrono::hours(24 * 365 * 50)};
  Progress progress_;
  std::vector<Set> sets_;
};

DeploymentSpec rolling(config::CountOrPercent surge, config::CountOrPercent unavailable, int min_ready = 0) {
  DeploymentSpec spec;
  spec.rolling.max_surge = surge;
  spec.rolling.max_unavailable = unavailable;
  spec.min_ready_seconds = min_ready;
  return spec;
}

TEST(DeploymentPlan, SharesAreRoundedInFavourOfPodsThatServe) {
  const auto spec = rolling({25, true}, {25, true});
  EXPECT_EQ(bounds_of(spec, 4).surge, 1);
  EXPECT_EQ(bounds_of(spec, 4).unavailable, 1);
  EXPECT_EQ(bounds_of(spec, 3).surge, 1);
  EXPECT_EQ(bounds_of(spec, 3).unavailable, 0);
  // None at all would mean that no pod can ever be replaced.
  EXPECT_EQ(bounds_of(rolling({0, true}, {10, true}), 3).unavailable, 1);
  EXPECT_EQ(bounds_of(rolling({0, false}, {9, false}), 3).unavailable, 3);
}

TEST(DeploymentPlan, TheBoundsHoldInEveryOrderOfEvents) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const int surge = static_cast<int>(random() % 4);
    const int unavailable = surge == 0 ? 1 + static_cast<int>(random() % 3) : static_cast<int>(random() % 4);
    World world(rolling({surge, false}, {unavailable, false}, static_cast<int>(random() % 3)),
                1 + static_cast<int>(random() % 9), seed);
    world.settle();
    world.expect_done();
    for (int change = 0; change < 3; ++change) {
      ++world.template_;
      world.complete_ = false;
      // A second change comes before the first is through.
      for (auto i = random() % 20; i > 0; --i) {
        world.step();
        world.happen(false);
      }
    }
    world.settle();
    world.expect_done();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(DeploymentPlan, PodsThatFailOnTheWayTakeNoOthersAlong) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(rolling({2, false}, {1, false}), 6, seed);
    world.settle();
    ++world.template_;
    world.complete_ = false;
    world.go_on(500, true);
    world.settle();
    world.expect_done();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(DeploymentPlan, ATemplateThatNeverGetsReadyStopsTheRollout) {
  World world(rolling({1, false}, {1, false}), 4, 7);
  world.settle();
  ++world.template_;
  world.works_ = false;
  world.complete_ = false;
  for (int i = 0; i < 200; ++i) {
    world.step();
    world.happen(false);
  }
  EXPECT_EQ(world.available(), 3);
  EXPECT_FALSE(world.complete_);
  world.now_ += seconds(601);
  world.step();
  EXPECT_EQ(world.progress_.reason, "ProgressDeadlineExceeded");
  // Back to the template before: the pods that wait go, and the revision has a new number.
  --world.template_;
  world.works_ = true;
  world.settle();
  world.expect_done();
  EXPECT_EQ(world.sets_.front().facts.number, 3);
}

TEST(DeploymentPlan, RecreateMakesNewPodsWhenNoOldOneIsLeft) {
  DeploymentSpec spec;
  spec.strategy = UpdateStrategy::kRecreate;
  World world(spec, 3, 1);
  world.settle();
  ++world.template_;
  world.complete_ = false;
  for (int i = 0; i < 500; ++i) {
    world.step();
    int old = 0;
    int fresh = 0;
    for (const auto& set : world.sets_)
      (set.of_template == world.template_ ? fresh : old) += static_cast<int>(set.pods.size());
    EXPECT_TRUE(old == 0 || fresh == 0) << old << " old, " << fresh << " new";
    world.happen(false);
  }
  world.expect_done();
}

TEST(DeploymentPlan, OldSetsAreKeptAsFarAsTheHistoryGoes) {
  auto spec = rolling({1, false}, {0, false});
  spec.revision_history_limit = 2;
  World world(spec, 2, 3);
  for (int i = 0; i < 5; ++i) {
    world.settle();
    ++world.template_;
    world.complete_ = false;
  }
  world.settle();
  std::vector<std::int64_t> numbers;
  for (const auto& set : world.sets_) numbers.push_back(set.facts.number);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{4, 5, 6}));
}

TEST(DeploymentPlan, PausedItTakesNoNewTemplateButCanBeScaled) {
  World world(rolling({1, false}, {0, false}), 3, 5);
  world.settle();
  world.paused_ = true;
  ++world.template_;
  world.replicas_ = 5;
  for (int i = 0; i < 50; ++i) {
    world.step();
    world.happen(false);
  }
  ASSERT_EQ(world.sets_.size(), 1U);
  EXPECT_EQ(world.sets_[0].facts.wanted, 5);
  world.paused_ = false;
  world.settle();
  world.expect_done();
}

TEST(DeploymentPlan, ScalingAHaltedRolloutGivesEachSetItsShare) {
  World world(rolling({0, false}, {2, false}), 10, 5);
  world.settle();
  ++world.template_;
  world.works_ = false;
  world.complete_ = false;
  for (int i = 0; i < 100; ++i) {
    world.step();
    world.happen(false);
  }
  ASSERT_EQ(world.sets_.size(), 2U);
  EXPECT_EQ(world.sets_[0].facts.wanted, 8);
  EXPECT_EQ(world.sets_[1].facts.wanted, 2);
  world.replicas_ = 20;
  world.step();
  EXPECT_EQ(world.sets_[0].facts.wanted + world.sets_[1].facts.wanted, 20);
  EXPECT_GE(world.sets_[1].facts.wanted, 4);
}

TEST(DeploymentPlan, ScalingTouchesOnlyTheNumber) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    World world(rolling({1, false}, {1, false}), 4, seed);
    world.settle();
    for (const int replicas : {9, 2, 0, 3}) {
      world.replicas_ = replicas;
      world.complete_ = false;
      world.settle();
      world.expect_done();
    }
    EXPECT_EQ(world.sets_.size(), 1U);
    if (testing::Test::HasFailure()) return;
  }
}

Child pod(const char* name, bool ready, int age = 0) {
  Child child;
  child.name = name;
  child.phase = ready ? PodPhase::kRunning : PodPhase::kPending;
  child.ready = ready;
  child.created = WallTime(seconds(1000 - age));
  child.ready_since = child.created;
  return child;
}

TEST(ReplicaPlan, TheMostDispensablePodGoesFirst) {
  std::vector<Child> pods = {pod("old", true, 50), pod("new", true, 5), pod("pending", false), pod("ending", true)};
  pods[3].terminating = true;
  pods.push_back(pod("cheap", true, 70));
  pods.back().deletion_cost = -1;
  EXPECT_EQ(dispensable(pods, 4), (std::vector<std::string>{"pending", "cheap", "new", "old"}));
  EXPECT_EQ(plan_replicas(3, pods).remove, std::vector<std::string>{"pending"});
  EXPECT_EQ(plan_replicas(6, pods).create, 2);
  // A pod that has ended is none.
  pods[0].phase = PodPhase::kFailed;
  EXPECT_EQ(plan_replicas(6, pods).create, 3);
}

}  // namespace
}  // namespace mete::agent
