// SPDX-License-Identifier: Apache-2.0
// READY, STATUS and RESTARTS of `mete get pods`, as kubectl has them.
#include "agent/cli/objects/pod_summary.h"

#include <gtest/gtest.h>

namespace mete::agent::cli {
namespace {

const char* const kRuns = R"({"ready": true, "started": true, "restartCount": 0, "state": {"running": {}}})";
const char* const kUnready = R"({"ready": false, "started": true, "restartCount": 0, "state": {"running": {}}})";
const char* const kBegins = R"({"ready": false, "started": false, "restartCount": 0, "state": {"running": {}}})";
const char* const kDone =
    R"({"ready": true, "restartCount": 0, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}})";
const char* const kKilled =
    R"({"ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 137, "reason": "Error"}}})";
const char* const kBackOff =
    R"({"ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-29T10:00:00Z"}}})";
const char* const kWaits =
    R"({"ready": false, "restartCount": 0, "state": {"waiting": {"reason": "PodInitializing"}}})";
const char* const kDoneAgain =
    R"({"ready": true, "restartCount": 1, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-29T10:00:00Z"}}})";
const char* const kRunsAgain =
    R"({"ready": true, "started": true, "restartCount": 2, "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-29T11:00:00Z"}}})";
const char* const kByExitCode = R"({"ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 3}}})";
const char* const kBySignal =
    R"({"ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 137, "signal": 9}}})";

struct Init {
  bool sidecar;
  const char* status;
};

struct Case {
  const char* what;
  const char* phase;
  std::vector<Init> init;
  std::vector<const char*> containers;
  std::vector<std::string> conditions;  // those that hold
  const char* expected;                 // READY STATUS RESTARTS
  const char* last_restart = "";
};

Json pod_in(const Case& each) {
  Json pod = {{"kind", "Pod"}, {"metadata", {{"name", "p"}}}};
  pod["status"]["phase"] = each.phase;
  for (const auto& type : each.conditions) pod["status"]["conditions"].push_back({{"type", type}, {"status", "True"}});
  for (const auto& init : each.init) {
    const std::string name = "i" + std::to_string(pod["spec"]["initContainers"].size());
    Json spec = {{"name", name}};
    if (init.sidecar) spec["restartPolicy"] = "Always";
    Json status = Json::parse(init.status);
    status["name"] = name;
    pod["spec"]["initContainers"].push_back(std::move(spec));
    pod["status"]["initContainerStatuses"].push_back(std::move(status));
  }
  for (const char* text : each.containers) {
    const std::string name = "c" + std::to_string(pod["spec"]["containers"].size());
    Json status = Json::parse(text);
    status["name"] = name;
    pod["spec"]["containers"].push_back({{"name", name}});
    pod["status"]["containerStatuses"].push_back(std::move(status));
  }
  return pod;
}

std::string summary_row(const PodSummary& summary) {
  return std::to_string(summary.ready) + "/" + std::to_string(summary.containers) + " " + summary.status + " " +
         std::to_string(summary.restarts);
}

TEST(PodSummary, IsThatOfKubectl) {
  const std::vector<std::string> up = {"Initialized", "Ready"};
  const std::vector<std::string> begun = {"Initialized"};
  const std::vector<Case> cases = {
      {"it runs", "Running", {}, {kRuns}, up, "1/1 Running 0"},
      {"a crash loop", "Running", {}, {kRuns, kBackOff}, begun, "1/2 CrashLoopBackOff 3", "2026-11-29T10:00:00Z"},
      {"it is done", "Succeeded", {}, {kDone}, begun, "0/1 Completed 0"},
      {"an end without a reason", "Failed", {}, {kByExitCode}, begun, "0/1 ExitCode:3 0"},
      {"a signal without a reason", "Failed", {}, {kBySignal}, begun, "0/1 Signal:9 0"},
      {"it is done, its sidecar was killed", "Succeeded", {{true, kKilled}}, {kDone}, begun, "0/2 Completed 0"},
      {"it is done, its sidecar too", "Succeeded", {{true, kDone}}, {kDone}, begun, "0/2 Completed 0"},
      {"it is done, its sidecar was in back-off",
       "Succeeded",
       {{true, kBackOff}},
       {kDone},
       begun,
       "0/2 Completed 3",
       "2026-11-29T10:00:00Z"},
      {"a sidecar is not ready", "Running", {{true, kUnready}}, {kRuns}, begun, "1/2 Running 0"},
      {"a sidecar is ready", "Running", {{true, kRuns}}, {kRuns}, up, "2/2 Running 0"},
      {"a sidecar begins", "Pending", {{true, kBegins}}, {kWaits}, {}, "0/2 Init:0/1 0"},
      {"a sidecar was begun again, all run", "Running", {{true, kBegins}}, {kRuns}, begun, "1/2 Init:0/1 0"},
      {"behind a sidecar one is awaited",
       "Pending",
       {{true, kRuns}, {false, kUnready}},
       {kWaits},
       {},
       "1/2 Init:1/2 0"},
      {"the second init container runs", "Pending", {{false, kDone}, {false, kBegins}}, {kWaits}, {}, "0/1 Init:1/2 0"},
      {"none has begun", "Pending", {{false, kWaits}, {false, kWaits}}, {kWaits}, {}, "0/1 Init:0/2 0"},
      {"an init container failed", "Failed", {{false, kKilled}}, {kWaits}, {}, "0/1 Init:Error 0"},
      {"an init container ended by a signal", "Failed", {{false, kBySignal}}, {kWaits}, {}, "0/1 Init:Signal:9 0"},
      {"an init container fails again and again",
       "Pending",
       {{false, kBackOff}},
       {kWaits},
       {},
       "0/1 Init:CrashLoopBackOff 3",
       "2026-11-29T10:00:00Z"},
      {"an init container failed once, all run", "Running", {{false, kDoneAgain}}, {kRuns}, up, "1/1 Running 0"},
      {"restarts are those of sidecars and containers",
       "Running",
       {{false, kDoneAgain}, {true, kRunsAgain}},
       {kRunsAgain},
       up,
       "2/2 Running 4",
       "2026-11-29T11:00:00Z"},
      {"one is done, one runs (restartPolicy Never)", "Running", {}, {kDone, kRuns}, begun, "1/2 NotReady 0"},
      {"one is done, the pod is ready", "Running", {}, {kDone, kRuns}, up, "1/2 Running 0"},
      {"one is done, one is not ready", "Running", {}, {kDone, kUnready}, begun, "0/2 Completed 0"},
      {"the first that does not run gives the reason",
       "Running",
       {},
       {kKilled, kBackOff},
       begun,
       "0/2 Error 3",
       "2026-11-29T10:00:00Z"},
  };
  for (const auto& each : cases) {
    const PodSummary summary = pod_summary(pod_in(each));
    EXPECT_EQ(summary_row(summary), each.expected) << each.what;
    EXPECT_EQ(summary.last_restart, each.last_restart) << each.what;
  }
}

TEST(PodSummary, ThePodsOwnReasonAndItsDeletion) {
  Json pod = pod_in({"", "Failed", {}, {}, {}, ""});
  pod["status"]["reason"] = "Evicted";
  EXPECT_EQ(pod_summary(pod).status, "Evicted");
  pod = pod_in({"", "Running", {}, {kRuns}, {}, ""});
  pod["metadata"]["deletionTimestamp"] = "2026-11-29T10:00:00Z";
  EXPECT_EQ(pod_summary(pod).status, "Terminating");
  pod = pod_in({"", "Succeeded", {}, {kDone}, {}, ""});
  pod["metadata"]["deletionTimestamp"] = "2026-11-29T10:00:00Z";
  EXPECT_EQ(pod_summary(pod).status, "Completed") << "of a pod that is over nothing more is to be ended";
  pod = pod_in({"", "Pending", {}, {}, {}, ""});
  pod["status"]["conditions"] =
      Json::parse(R"([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}])");
  EXPECT_EQ(pod_summary(pod).status, "SchedulingGated");
}

}  // namespace
}  // namespace mete::agent::cli
