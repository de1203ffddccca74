// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/deployment_status.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

using std::chrono::seconds;

const WallTime kStart{std::chrono::hours(24 * 365 * 50)};

SetFacts set_of(const char* name, std::int64_t number, int wanted, int available, bool current) {
  SetFacts set{.name = name, .current = current, .number = number, .wanted = wanted};
  set.pods = {.replicas = wanted, .ready = available, .available = available};
  return set;
}

// A Deployment of four that is planned again and again.
class Story {
 public:
  Story() {
    spec_.progress_deadline_seconds = 60;
    spec_.rolling = {.max_surge = {1, false}, .max_unavailable = {0, false}};
  }
  void plan() {
    auto made = plan_deployment({spec_, 4, paused_, sets_, progress_}, now_);
    sets_ = std::move(made.sets);
    if (!sets_.empty() && sets_.back().name.empty()) sets_.back().name = "d-new";
    progress_ = made.progress;
  }
  // As many pods of each set as it wants; all of them available, or none of the last set.
  void run(bool last_too) {
    for (auto& set : sets_) {
      const int available = last_too || &set != &sets_.back() ? set.wanted : 0;
      set.pods = {.replicas = set.wanted, .ready = available, .available = available};
    }
  }
  [[nodiscard]] DeploymentCondition condition(std::size_t at) const {
    return conditions_of(progress_, "d", sets_.empty() || !sets_.back().current ? "" : sets_.back().name).at(at);
  }
  [[nodiscard]] DeploymentCondition available() const { return condition(0); }
  [[nodiscard]] DeploymentCondition progressing() const { return condition(1); }

  config::DeploymentSpec spec_;
  std::vector<SetFacts> sets_;
  Progress progress_;
  bool paused_ = false;
  WallTime now_ = kStart;
};

TEST(DeploymentStatus, OnlyTheSetOfThePresentTemplateIsUpdated) {
  const auto running = numbers_of({set_of("d-a", 1, 0, 0, false), set_of("d-b", 2, 4, 3, true)});
  EXPECT_EQ(running.updated, 4);
  EXPECT_EQ(running.replicas, 4);
  EXPECT_EQ(running.available, 3);
  EXPECT_EQ(running.unavailable, 1);
  EXPECT_EQ(running.revision, 2);
  // Paused, with a new template: the set of the highest revision is an old one.
  const auto paused = numbers_of({set_of("d-a", 1, 0, 0, false), set_of("d-b", 2, 4, 4, false)});
  EXPECT_EQ(paused.updated, 0);
  EXPECT_EQ(paused.replicas, 4);
  EXPECT_EQ(paused.unavailable, 0);
}

TEST(DeploymentStatus, WhatARolloutMakesAndDoesNotGetReadyIsUnavailable) {
  const auto stuck = numbers_of({set_of("d-a", 1, 3, 3, false), set_of("d-b", 2, 1, 0, true)});
  EXPECT_EQ(stuck.available, 3);
  EXPECT_EQ(stuck.unavailable, 1);
  // Pods that are not made yet are missing; more than are wanted are not.
  auto missing = set_of("d-a", 1, 3, 0, true);
  missing.pods = {};
  EXPECT_EQ(numbers_of({missing}).unavailable, 3);
  EXPECT_EQ(numbers_of({set_of("d-a", 1, 2, 3, true)}).unavailable, 0);
}

TEST(DeploymentStatus, ConditionsOfARollout) {
  Story story;
  EXPECT_TRUE(conditions_of(story.progress_, "d", "").empty());
  story.plan();
  EXPECT_STREQ(story.available().status, "False");
  EXPECT_EQ(story.available().message, "Deployment does not have minimum availability.");
  EXPECT_EQ(story.available().since, kStart);
  EXPECT_STREQ(story.progressing().status, "True");
  EXPECT_EQ(story.progressing().reason, "NewReplicaSetCreated");
  EXPECT_EQ(story.progressing().message, "Created new replica set \"d-new\"");
  story.now_ += seconds(5);
  story.run(true);
  story.plan();
  EXPECT_STREQ(story.available().status, "True");
  EXPECT_EQ(story.available().reason, "MinimumReplicasAvailable");
  EXPECT_EQ(story.available().message, "Deployment has minimum availability.");
  EXPECT_EQ(story.available().since, story.now_);
  EXPECT_EQ(story.progressing().reason, "NewReplicaSetAvailable");
  EXPECT_EQ(story.progressing().message, "ReplicaSet \"d-new\" has successfully progressed.");
  EXPECT_EQ(story.progressing().updated, story.now_);
  EXPECT_EQ(story.progressing().since, kStart) << "the status was True before";
}

TEST(DeploymentStatus, PausedNobodyKnowsOfItsProgress) {
  Story story;
  story.plan();
  story.run(true);
  story.plan();
  story.now_ += seconds(5);
  story.paused_ = true;
  story.sets_.back().current = false;
  story.plan();
  ASSERT_EQ(story.sets_.size(), 1U) << "no set is made while it is paused";
  EXPECT_STREQ(story.progressing().status, "Unknown");
  EXPECT_EQ(story.progressing().reason, "DeploymentPaused");
  EXPECT_EQ(story.progressing().message, "Deployment is paused");
  EXPECT_EQ(story.progressing().since, story.now_);
  story.sets_.back().current = true;  // the old template is applied again
  story.plan();
  story.paused_ = false;
  story.sets_.back().pods.available = 3;
  story.plan();
  EXPECT_STREQ(story.progressing().status, "Unknown");
  EXPECT_EQ(story.progressing().reason, "DeploymentResumed");
  story.run(true);
  story.now_ += seconds(5);
  story.plan();
  EXPECT_STREQ(story.progressing().status, "True");
  EXPECT_EQ(story.progressing().since, story.now_);
}

TEST(DeploymentStatus, APauseDoesNotHideThatARolloutTakesTooLong) {
  Story story;
  story.plan();
  story.run(true);
  story.plan();
  story.sets_.back().current = false;
  story.sets_.back().name = "d-old";
  story.now_ += seconds(1);
  story.plan();
  story.run(false);
  story.plan();
  EXPECT_EQ(story.progressing().message, "ReplicaSet \"d-new\" is progressing.");
  story.now_ += seconds(61);
  story.plan();
  EXPECT_STREQ(story.progressing().status, "False");
  EXPECT_EQ(story.progressing().message, "ReplicaSet \"d-new\" has timed out progressing.");
  EXPECT_EQ(numbers_of(story.sets_).unavailable, 1);
  story.paused_ = true;
  story.plan();
  EXPECT_EQ(story.progressing().reason, "ProgressDeadlineExceeded");
}

}  // namespace
}  // namespace mete::agent
