// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/status/pod_logic.h"

#include <gtest/gtest.h>

#include "agent/pods/container/restart_rules.h"
#include "agent/pods/reconciler.h"

namespace mete::agent {
namespace {

using namespace std::chrono_literals;
using config::RestartPolicy;

const WallTime kNow{1'000'000s};

ContainerRecord container(bool init, ContainerState state, int exit_code = 0, WallTime next_start = {}) {
  ContainerRecord record;
  record.name = "c";
  record.init = init;
  record.state = state;
  record.exit_code = exit_code;
  record.has_ended = state == ContainerState::kExited;
  record.next_start = next_start;
  record.post_started = record.started = record.ready = state == ContainerState::kRunning;
  return record;
}

PodRecord pod(std::vector<ContainerRecord> containers) {
  PodRecord record;
  record.containers = std::move(containers);
  return record;
}

using Indices = std::vector<std::size_t>;

TEST(PodLogic, InitContainersRunOneAfterTheOther) {
  using enum ContainerState;
  EXPECT_EQ(
      next_steps(pod({container(true, kWaiting), container(true, kWaiting), container(false, kWaiting)}), kNow).start,
      (Indices{0}));
  EXPECT_EQ(
      next_steps(pod({container(true, kRunning), container(true, kWaiting), container(false, kWaiting)}), kNow).start,
      Indices{});
  EXPECT_EQ(
      next_steps(pod({container(true, kExited), container(true, kWaiting), container(false, kWaiting)}), kNow).start,
      (Indices{1}));
  EXPECT_EQ(
      next_steps(pod({container(true, kExited), container(false, kWaiting), container(false, kWaiting)}), kNow).start,
      (Indices{1, 2}));
}

TEST(PodLogic, InitContainersRunAgainAfterAReboot) {
  using enum ContainerState;
  auto record = pod({container(true, kExited), container(true, kExited), container(false, kWaiting)});
  record.containers[2].has_ended = true;
  begin_after_reboot(record);
  EXPECT_EQ(next_steps(record, kNow).start, (Indices{0}));
  auto finished = pod({container(true, kExited), container(false, kExited, 1)});
  begin_after_reboot(finished);
  EXPECT_TRUE(next_steps(finished, kNow).start.empty());
  EXPECT_TRUE(is_finished(finished));
}

TEST(PodLogic, AFailedInitContainerEndsThePod) {
  using enum ContainerState;
  const auto record = pod({container(true, kExited, 1), container(false, kWaiting)});
  EXPECT_TRUE(next_steps(record, kNow).start.empty());
  EXPECT_EQ(phase_of(record, RestartPolicy::kNever), PodPhase::kFailed);
}

ContainerRecord sidecar(ContainerState state, bool has_ended = false) {
  ContainerRecord record = container(true, state);
  record.sidecar = true;
  record.has_ended = has_ended;
  return record;
}

TEST(PodLogic, ASidecarIsStartedAndNotWaitedFor) {
  using enum ContainerState;
  const auto starts = [](std::vector<ContainerRecord> containers) {
    return next_steps(pod(std::move(containers)), kNow).start;
  };
  EXPECT_EQ(starts({sidecar(kWaiting), container(true, kWaiting), container(false, kWaiting)}), (Indices{0}));
  EXPECT_EQ(starts({sidecar(kStarting), container(true, kWaiting), container(false, kWaiting)}), Indices{})
      << "until it runs";
  EXPECT_EQ(starts({sidecar(kRunning), container(true, kWaiting), container(false, kWaiting)}), (Indices{1}));
  EXPECT_EQ(starts({sidecar(kRunning), sidecar(kRunning), container(false, kWaiting), container(false, kWaiting)}),
            (Indices{2, 3}));
  EXPECT_EQ(starts({sidecar(kWaiting, true), container(true, kWaiting), container(false, kWaiting)}), (Indices{0}))
      << "it failed before the next one began";
  EXPECT_EQ(starts({sidecar(kWaiting, true), container(true, kRunning), container(false, kWaiting)}), (Indices{0}))
      << "restarted beside an init container";
  EXPECT_EQ(starts({sidecar(kWaiting, true), container(false, kRunning)}), (Indices{0}))
      << "restarted beside the containers";
  EXPECT_EQ(starts({sidecar(kWaiting, true), container(false, kExited)}), Indices{}) << "nobody is left to need it";
  EXPECT_EQ(starts({sidecar(kWaiting, true), container(true, kExited, 1), container(false, kWaiting)}), Indices{});
}

TEST(PodLogic, ASidecarIsWaitedForAgainAfterAReboot) {
  using enum ContainerState;
  auto record = pod({sidecar(kWaiting, true), container(true, kExited), container(false, kWaiting)});
  for (auto& each : record.containers) each.has_ended = true;
  EXPECT_EQ(next_steps(record, kNow).start, (Indices{0, 2})) << "without a reboot nobody waits for it again";
  begin_after_reboot(record);
  EXPECT_EQ(next_steps(record, kNow).start, (Indices{0}));
  EXPECT_EQ(phase_of(record, RestartPolicy::kAlways), PodPhase::kPending);
  record.containers[0].state = kRunning;
  record.containers[0].started = true;
  EXPECT_EQ(next_steps(record, kNow).start, (Indices{1}));
}

TEST(PodLogic, SidecarsAreEndedLastInReverse) {
  using enum ContainerState;
  EXPECT_EQ(
      due_to_end(pod({sidecar(kRunning), sidecar(kRunning), container(false, kRunning), container(false, kStarting)})),
      (Indices{2, 3}));
  EXPECT_EQ(due_to_end(pod({sidecar(kRunning), container(true, kRunning), container(false, kWaiting)})), (Indices{1}));
  EXPECT_EQ(due_to_end(pod({sidecar(kRunning), sidecar(kRunning), container(false, kExited)})), (Indices{1}));
  EXPECT_EQ(due_to_end(pod({sidecar(kRunning), sidecar(kExited), container(false, kExited)})), (Indices{0}));
  EXPECT_EQ(due_to_end(pod({sidecar(kExited), container(false, kExited)})), Indices{});
}

TEST(PodLogic, ASidecarKeepsNoPodFromCompleting) {
  using enum ContainerState;
  EXPECT_FALSE(is_finished(pod({sidecar(kRunning), container(false, kRunning)})));
  EXPECT_TRUE(is_finished(pod({sidecar(kRunning), container(false, kExited)})));
  EXPECT_TRUE(is_finished(pod({sidecar(kRunning), container(true, kExited, 1), container(false, kWaiting)})));
  EXPECT_EQ(phase_of(pod({sidecar(kStarting), container(false, kWaiting)}), RestartPolicy::kNever), PodPhase::kPending);
  EXPECT_EQ(phase_of(pod({sidecar(kRunning), container(false, kRunning)}), RestartPolicy::kNever), PodPhase::kRunning);
  EXPECT_EQ(phase_of(pod({sidecar(kRunning), container(false, kExited)}), RestartPolicy::kNever), PodPhase::kRunning)
      << "the sidecar is still ending";
  ContainerRecord killed = sidecar(kExited, true);
  killed.exit_code = 143;
  EXPECT_EQ(phase_of(pod({killed, container(false, kExited)}), RestartPolicy::kNever), PodPhase::kSucceeded)
      << "how a sidecar ended does not count";
}

TEST(PodLogic, ASidecarIsRestartedWhateverThePodsPolicy) {
  ContainerRecord record = sidecar(ContainerState::kRunning);
  record.finished_at = kNow;
  note_end(record, RestartPolicy::kNever, false, {});
  EXPECT_EQ(record.state, ContainerState::kWaiting);
}

TEST(PodLogic, ABackOffIsWaitedFor) {
  using enum ContainerState;
  const auto next = next_steps(pod({container(false, kWaiting, 1, kNow + 5s), container(false, kWaiting, 1, kNow + 3s),
                                    container(false, kWaiting)}),
                               kNow);
  EXPECT_EQ(next.start, (Indices{2}));
  EXPECT_EQ(next.look_again, kNow + 3s);
}

TEST(PodLogic, NothingStartsInAPodThatEndsOrIsStopped) {
  auto record = pod({container(false, ContainerState::kWaiting)});
  record.terminating = true;
  EXPECT_TRUE(next_steps(record, kNow).start.empty());
  record.terminating = false;
  record.stopped = true;
  EXPECT_TRUE(next_steps(record, kNow).start.empty());
  EXPECT_EQ(phase_of(record, RestartPolicy::kAlways), PodPhase::kStopped);
}

TEST(PodLogic, NothingStartsBehindASchedulingGate) {
  auto record = pod({container(true, ContainerState::kWaiting), container(false, ContainerState::kWaiting)});
  record.gated = true;
  EXPECT_TRUE(next_steps(record, kNow).start.empty());
  EXPECT_EQ(phase_of(record, RestartPolicy::kAlways), PodPhase::kPending);
  record.gated = false;
  EXPECT_EQ(next_steps(record, kNow).start, (Indices{0}));
}

TEST(PodLogic, TheFirstRuleThatFitsSaysWhatFollows) {
  using config::RestartAction;
  const std::vector<config::RestartRule> rules = {{.action = RestartAction::kRestart, .codes = {1, 2}},
                                                  {.action = RestartAction::kRestartAll, .in = false, .codes = {3}}};
  EXPECT_EQ(action_of_rules(rules, 2), RestartAction::kRestart);
  EXPECT_EQ(action_of_rules(rules, 4), RestartAction::kRestartAll);
  EXPECT_EQ(action_of_rules(rules, 3), std::nullopt);
  EXPECT_EQ(action_of_rules({}, 1), std::nullopt);
}

// A container that has ended, with the rule that all are started again after exit code 88.
struct RestartOfAll {
  RestartOfAll() {
    spec.restart_rules = {{.action = config::RestartAction::kRestartAll, .codes = {88}}};
    using enum ContainerState;
    record = pod({container(true, kExited), sidecar(kRunning), container(false, kExited), container(false, kWaiting),
                  container(false, kRunning)});
    record.containers[0].has_ended = record.containers[2].has_ended = record.containers[3].has_ended = true;
    record.containers[1].started = true;
    record.containers[3].next_start = kNow + 5min;
    for (std::size_t i = 0; i < record.containers.size(); ++i)
      record.containers[i].name = std::string(1, char('a' + i));
  }
  void end(std::size_t index, int code) {
    auto& own = record.containers[index];
    own.exit_code = code;
    own.started_at = kNow - 1s;
    own.finished_at = kNow;
    take_end(record, own, RestartPolicy::kNever, &spec, {});
  }
  config::Container spec;
  PodRecord record;
};

TEST(PodLogic, AfterTheEndOfAllEachBeginsAnewInOrder) {
  RestartOfAll all;
  auto& record = all.record;
  all.end(4, 88);
  ASSERT_TRUE(record.restarting.holds);
  EXPECT_TRUE(next_steps(record, kNow).start.empty()) << "until all have ended";
  EXPECT_FALSE(is_finished(record));
  EXPECT_EQ(phase_of(record, RestartPolicy::kNever), PodPhase::kPending);
  all.end(1, 137);
  begin_anew(record, kNow + 1s);
  EXPECT_FALSE(record.restarting.holds);
  EXPECT_EQ(record.restarting.since, kNow + 1s);
  EXPECT_EQ(next_steps(record, kNow + 1s).start, (Indices{0})) << "nobody waits for what waited in back-off";
  EXPECT_EQ(phase_of(record, RestartPolicy::kNever), PodPhase::kPending);
  record.containers[0].state = ContainerState::kExited;
  EXPECT_EQ(next_steps(record, kNow + 1s).start, (Indices{1})) << "the sidecar comes before the containers again";
  record.containers[1].state = ContainerState::kRunning;
  record.containers[1].started = true;
  EXPECT_EQ(next_steps(record, kNow + 1s).start, (Indices{2, 3, 4})) << "those that had ended for good, too";
}

TEST(PodLogic, TheReasonOfARestartOfAllHasABackOff) {
  RestartOfAll all;
  auto& record = all.record;
  record.containers[4].restarts = 1;
  all.end(4, 88);
  record.containers[1].backoff = 20s;
  all.end(1, 137);
  EXPECT_EQ(record.containers[1].backoff, 20s) << "it was killed";
  begin_anew(record, kNow);
  EXPECT_TRUE(next_steps(record, kNow).start.empty());
  EXPECT_EQ(next_steps(record, kNow).look_again, kNow + 10s);
}

TEST(PodLogic, NoRuleRestartsAPodThatEnds) {
  for (const char* how : {"terminating", "stopped", "failed", "finished", "other code"}) {
    RestartOfAll all;
    all.record.terminating = how == std::string("terminating");
    all.record.stopped = how == std::string("stopped");
    if (how == std::string("failed")) all.record.reason = "Evicted";
    std::size_t index = 4;
    if (how == std::string("finished")) {
      all.record.containers[3].state = all.record.containers[4].state = ContainerState::kExited;
      index = 1;
    }
    all.end(index, how == std::string("other code") ? 87 : 88);
    EXPECT_FALSE(all.record.restarting.holds) << how;
  }
}

TEST(PodLogic, PhasesAreKubernetesOwn) {
  using enum ContainerState;
  EXPECT_EQ(phase_of(pod({container(false, kWaiting)}), RestartPolicy::kAlways), PodPhase::kPending);
  EXPECT_EQ(phase_of(pod({container(false, kRunning)}), RestartPolicy::kAlways), PodPhase::kRunning);
  EXPECT_EQ(phase_of(pod({container(false, kExited), container(false, kExited)}), RestartPolicy::kNever),
            PodPhase::kSucceeded);
  EXPECT_EQ(phase_of(pod({container(false, kExited), container(false, kExited, 2)}), RestartPolicy::kNever),
            PodPhase::kFailed);
  EXPECT_EQ(phase_of(pod({container(false, kExited), container(false, kRunning)}), RestartPolicy::kNever),
            PodPhase::kRunning);
}

TEST(PodLogic, AnEndIsNotedByTheRestartPolicy) {
  ContainerRecord record = container(false, ContainerState::kRunning, 1);
  record.started_at = kNow;
  record.finished_at = kNow + 1s;
  note_end(record, RestartPolicy::kNever, false, {});
  EXPECT_EQ(record.state, ContainerState::kExited);
  record.state = ContainerState::kRunning;
  note_end(record, RestartPolicy::kAlways, false, {});
  EXPECT_EQ(record.state, ContainerState::kWaiting);
  EXPECT_EQ(record.next_start, record.finished_at) << "at once, the first time";
  record.restarts = 1;
  note_end(record, RestartPolicy::kAlways, false, {});
  EXPECT_EQ(record.next_start, record.finished_at + 10s);
}

TEST(Reconcile, DecidesByWhatIsDesiredAndWhatIs) {
  EXPECT_EQ(decide({.desired = true}), Step::kCreate);
  EXPECT_EQ(decide({.desired = true, .exists = true, .same_hash = true, .same_settings = true}), Step::kNothing);
  EXPECT_EQ(decide({.desired = true, .exists = true, .same_hash = true}), Step::kUpdate);
  EXPECT_EQ(decide({.desired = true, .exists = true}), Step::kReplace);
  EXPECT_EQ(decide({.exists = true}), Step::kDelete);
  EXPECT_EQ(decide({.exists = true, .undecided = true}), Step::kNothing)
      << "a manifest that cannot be read deletes nothing";
  EXPECT_EQ(decide({.desired = true, .exists = true, .terminating = true}), Step::kNothing);
}

TEST(Record, IsReadBackAsItWasWritten) {
  PodRecord record = pod({container(true, ContainerState::kExited, 3), container(false, ContainerState::kRunning)});
  record.uid = "u";
  record.namespace_ = "default";
  record.name = "web";
  record.created = kNow;
  record.sandbox = {12, 34};
  record.users = 1879048192;
  record.containers[1].process = {56, 78};
  record.containers[1].message = "line\nwith \"quotes\"";
  record.containers[0].sidecar = true;
  record.containers[1].layers = {"one", "two"};
  record.containers[1].oom_kills_by_scope = {{"pod", 2}};
  record.resources = "hash";
  record.containers[0].resources = config::Resources{
      {MilliCpu(5), Bytes(6), std::map<std::string, Bytes>{{"2Mi", Bytes(7)}}}, {std::nullopt, Bytes(8), {}}};
  record.containers[1].update = {.cpu_limit = MilliCpu(9), .memory_request = Bytes(10)};
  record.gated = true;
  record.scheduled = kNow + 1s;
  record.restarting = {true, kNow + 2s};
  record.containers[0].fresh = true;
  record.containers[0].cores = {1, 3};
  record.containers[0].restart_wanted = true;
  record.containers[0].end_reason = "PolicyRestarted";
  record.containers[1].pre_stop = config::HookAction(config::ExecAction{{"sh", "-c", "true"}});
  const auto back = parse_record(to_json(record));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, record);
}

TEST(Record, ADamagedOneIsAnErrorAndNoException) {
  for (const char* text : {"", "{", "[]", "{\"version\": 1}", "{\"version\": 2}", "null"})
    EXPECT_FALSE(parse_record(text)) << text;
}

}  // namespace
}  // namespace mete::agent
