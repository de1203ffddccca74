// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/status/pod_status.h"

#include <gtest/gtest.h>

#include "agent/pods/status/waiting_reason.h"

namespace mete::agent {
namespace {

using namespace std::chrono_literals;
using config::RestartPolicy;
using enum ContainerState;

const WallTime kMade{1'000'000s};
const WallTime kLater{1'000'005s};

ContainerRecord record_of(std::string name, ContainerState state, int exit_code = 0) {
  ContainerRecord record;
  record.name = std::move(name);
  record.state = state;
  record.exit_code = exit_code;
  record.has_ended = state == kExited;
  record.post_started = record.started = record.ready = state == kRunning;
  return record;
}

PodRecord pod_with(std::vector<ContainerRecord> containers) {
  PodRecord record;
  record.created = kMade;
  record.containers = std::move(containers);
  return record;
}

PodCondition condition(const PodRecord& record, const std::string& type) {
  for (auto& each : conditions_of(record, RestartPolicy::kAlways)) {
    if (each.type == type) return each;
  }
  return {};
}

TEST(PodStatus, IsReadyOnceAllContainersAre) {
  PodRecord record = pod_with({record_of("a", kRunning), record_of("b", kStarting)});
  EXPECT_TRUE(note_conditions(record, RestartPolicy::kAlways, kMade));
  EXPECT_FALSE(status_of(record, RestartPolicy::kAlways).ready);
  EXPECT_EQ(condition(record, "Ready").message, "containers with unready status: [b]");
  record.containers[1].state = kRunning;
  record.containers[1].ready = true;
  EXPECT_TRUE(note_conditions(record, RestartPolicy::kAlways, kLater));
  const PodStatus status = status_of(record, RestartPolicy::kAlways);
  EXPECT_TRUE(status.ready);
  EXPECT_EQ(status.ready_since, kLater);
  EXPECT_TRUE(condition(record, "ContainersReady").holds);
  EXPECT_EQ(condition(record, "ContainersReady").reason, "");
}

TEST(PodStatus, ATransitionIsNotedOnce) {
  PodRecord record = pod_with({record_of("a", kRunning)});
  EXPECT_TRUE(note_conditions(record, RestartPolicy::kAlways, kLater));
  EXPECT_FALSE(note_conditions(record, RestartPolicy::kAlways, kLater + 1s));
  EXPECT_EQ(record.ready.since, kLater);
}

TEST(PodStatus, AnUnreadyPodIsSoSinceItWasMade) {
  PodRecord record = pod_with({record_of("a", kWaiting)});
  EXPECT_EQ(status_of(record, RestartPolicy::kAlways).ready_since, kMade);
  (void)note_conditions(record, RestartPolicy::kAlways, kLater);
  EXPECT_EQ(status_of(record, RestartPolicy::kAlways).ready_since, kMade);
}

TEST(PodStatus, InitContainersEndBeforeItIsInitialized) {
  PodRecord record = pod_with({record_of("first", kRunning), record_of("a", kWaiting)});
  record.containers[0].init = true;
  (void)note_conditions(record, RestartPolicy::kAlways, kMade);
  EXPECT_FALSE(condition(record, "Initialized").holds);
  EXPECT_EQ(condition(record, "Initialized").message, "containers with incomplete status: [first]");
  record.containers[0].state = kExited;
  (void)note_conditions(record, RestartPolicy::kAlways, kLater);
  EXPECT_TRUE(condition(record, "Initialized").holds);
  EXPECT_EQ(condition(record, "Initialized").since, kLater);
}

TEST(PodStatus, ASidecarCountsWithTheContainers) {
  PodRecord record = pod_with({record_of("side", kWaiting), record_of("a", kRunning)});
  record.containers[0].init = record.containers[0].sidecar = record.containers[0].has_ended = true;
  (void)note_conditions(record, RestartPolicy::kAlways, kMade);
  EXPECT_TRUE(condition(record, "Initialized").holds);
  EXPECT_FALSE(condition(record, "Ready").holds);
}

TEST(PodStatus, ASidecarThatHasNotStartedHoldsThePodBack) {
  PodRecord record = pod_with({record_of("s1", kRunning), record_of("a", kWaiting)});
  record.containers[0].init = record.containers[0].sidecar = true;
  record.containers[0].started = false;
  (void)note_conditions(record, RestartPolicy::kAlways, kMade);
  EXPECT_FALSE(condition(record, "Initialized").holds) << "its startup probe has not succeeded";
  EXPECT_EQ(condition(record, "Initialized").reason, "ContainersNotInitialized");
  EXPECT_EQ(condition(record, "Initialized").message, "containers with incomplete status: [s1]");
  record.containers[0].state = kWaiting;
  record.containers[0].has_ended = true;
  (void)note_conditions(record, RestartPolicy::kAlways, kLater);
  EXPECT_FALSE(condition(record, "Initialized").holds) << "the probe has killed it";
  record.containers[0].state = kRunning;
  record.containers[0].started = true;
  (void)note_conditions(record, RestartPolicy::kAlways, kLater);
  EXPECT_TRUE(condition(record, "Initialized").holds);
  EXPECT_EQ(condition(record, "Initialized").since, kLater);
  record.containers[0].started = false;
  (void)note_conditions(record, RestartPolicy::kAlways, kLater);
  EXPECT_FALSE(condition(record, "Initialized").holds) << "no regular container has begun yet";
  record.containers[1].state = kRunning;
  (void)note_conditions(record, RestartPolicy::kAlways, kLater);
  EXPECT_TRUE(condition(record, "Initialized").holds);
}

TEST(PodStatus, WhyAContainerWaits) {
  PodRecord record = pod_with({record_of("a", kWaiting), record_of("b", kStarting)});
  EXPECT_EQ(waiting_reason(record, record.containers[0]), "ContainerCreating");
  EXPECT_EQ(waiting_reason(record, record.containers[1]), "ContainerCreating");
  record.containers.insert(record.containers.begin(), record_of("first", kRunning));
  record.containers[0].init = true;
  for (const auto at : {1, 2}) EXPECT_EQ(waiting_reason(record, record.containers[at]), "PodInitializing");
  record.containers[1].waiting_reason = "ContainerCreating";
  EXPECT_EQ(waiting_reason(record, record.containers[1]), "PodInitializing");
  record.containers[1].waiting_reason = "ErrImagePull";
  EXPECT_EQ(waiting_reason(record, record.containers[1]), "ErrImagePull");
}

TEST(PodStatus, WhatHasEndedIsNotReady) {
  PodRecord record = pod_with({record_of("a", kExited)});
  (void)note_conditions(record, RestartPolicy::kNever, kMade);
  const auto conditions = conditions_of(record, RestartPolicy::kNever);
  EXPECT_FALSE(conditions.back().holds);
  EXPECT_EQ(conditions.back().reason, "PodCompleted");
}

TEST(PodStatus, WithoutItsDevicesItIsNotScheduled) {
  PodRecord record = pod_with({record_of("a", kWaiting)});
  record.hold = PodHold{kUnschedulable, "0/1 nodes are available: 1 Insufficient v/c."};
  const auto conditions = conditions_of(record, RestartPolicy::kAlways);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].type, "PodScheduled");
  EXPECT_FALSE(conditions[0].holds);
  EXPECT_EQ(conditions[0].reason, "Unschedulable");
  EXPECT_EQ(conditions[0].message, "0/1 nodes are available: 1 Insufficient v/c.");
  const PodStatus status = status_of(record, RestartPolicy::kAlways);
  EXPECT_EQ(status.phase, PodPhase::kPending);
  EXPECT_EQ(status.reason, "") << "only the condition says it";
  EXPECT_EQ(parse_record(to_json(record)).value().hold, record.hold);
}

TEST(PodStatus, WhatItsKernelCannotEnforceBlocksIt) {
  PodRecord record = pod_with({record_of("a", kWaiting)});
  record.hold = PodHold{"AppArmor", "Pod Cannot enforce AppArmor: AppArmor is not enabled on the host"};
  const PodStatus status = status_of(record, RestartPolicy::kAlways);
  EXPECT_EQ(status.phase, PodPhase::kPending);
  EXPECT_EQ(status.reason, "AppArmor");
  EXPECT_EQ(status.message, record.hold->message);
  EXPECT_TRUE(condition(record, "PodScheduled").holds);
  EXPECT_EQ(waiting_reason(record, record.containers[0]), "Blocked");
}

TEST(PodStatus, BehindAGateNothingElseIsSaid) {
  PodRecord record = pod_with({record_of("a", kWaiting)});
  record.gated = true;
  const auto conditions = conditions_of(record, RestartPolicy::kAlways);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].type, "PodScheduled");
  EXPECT_FALSE(conditions[0].holds);
  EXPECT_EQ(conditions[0].reason, "SchedulingGated");
  record.gated = false;
  record.scheduled = kLater;
  EXPECT_TRUE(condition(record, "PodScheduled").holds);
  EXPECT_EQ(condition(record, "PodScheduled").since, kLater);
}

TEST(PodStatus, ARestartOfAllShows) {
  PodRecord record = pod_with({record_of("a", kRunning)});
  EXPECT_EQ(condition(record, "AllContainersRestarting").type, "") << "there was none";
  record.restarting = {true, kLater};
  EXPECT_EQ(condition(record, "AllContainersRestarting").reason, "RestartAllContainersStarted");
  record.restarting = {false, kLater};
  EXPECT_FALSE(condition(record, "AllContainersRestarting").holds);
  EXPECT_EQ(condition(record, "AllContainersRestarting").reason, "");
}

TEST(PodStatus, IsKeptInTheRecord) {
  PodRecord record = pod_with({record_of("a", kRunning)});
  (void)note_conditions(record, RestartPolicy::kAlways, kLater);
  record.reason = "DeadlineExceeded";
  record.message = "too long";
  const auto again = parse_record(to_json(record));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(*again, record);
}

}  // namespace
}  // namespace mete::agent
