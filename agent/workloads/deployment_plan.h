// SPDX-License-Identifier: Apache-2.0
// What a Deployment does next: how many pods each of its ReplicaSets is to have. Pure. The rules are those of
// Kubernetes' deployment controller (pkg/controller/deployment: rolling.go, recreate.go, sync.go, progress.go).
//
// At no time there are more pods than replicas + maxSurge that do not end, and fewer than replicas - maxUnavailable
// that are available are left only by a pod's own end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/workloads/child.h"
#include "config/model/workloads.h"

namespace mete::agent {

// One of its ReplicaSets.
struct SetFacts {
  std::string name;         // empty: to be made, of the present template
  bool current = false;     // has the present template
  std::int64_t number = 0;  // its revision
  int wanted = 0;           // pods that it is to have
  int sized_for = 0;        // replicas of the Deployment when that was said
  int sized_within = 0;     // replicas + maxSurge then
  WallTime created{};
  PodCounts pods;
};

// How far the present rollout is; kept between two plans.
struct Progress {
  std::string reason;  // of the condition Progressing: "NewReplicaSetAvailable", ...; empty: no rollout yet
  WallTime since{};    // the last progress
  int total = 0;
  int updated = 0;
  int ready = 0;
  int available = 0;
  WallTime status_since{};  // when progressing_status() last became another one
  bool enough = false;      // the condition Available: no more are missing than may be
  WallTime enough_since{};  // when `enough` last changed
  bool operator==(const Progress&) const = default;
};

// Reasons of the condition Progressing, and the status that belongs to each: "True", "False" or "Unknown".
inline constexpr const char* kDeploymentPaused = "DeploymentPaused";
inline constexpr const char* kDeploymentResumed = "DeploymentResumed";
inline constexpr const char* kNewSetCreated = "NewReplicaSetCreated";
inline constexpr const char* kSetUpdated = "ReplicaSetUpdated";
inline constexpr const char* kNewSetAvailable = "NewReplicaSetAvailable";
inline constexpr const char* kRolloutTooLate = "ProgressDeadlineExceeded";
[[nodiscard]] const char* progressing_status(const std::string& reason);

struct DeploymentFacts {
  const config::DeploymentSpec& spec;
  int replicas = 0;
  bool paused = false;
  std::vector<SetFacts> sets;
  Progress progress;
};

struct DeploymentPlan {
  std::vector<SetFacts> sets;       // with new values of wanted, number and sized_*
  std::vector<std::string> remove;  // old ReplicaSets that no history needs
  Progress progress;
  bool complete = false;
  std::optional<WallTime> look_again;
};

// maxSurge and maxUnavailable as numbers of pods.
struct Bounds {
  int surge = 0;
  int unavailable = 0;
};
[[nodiscard]] Bounds bounds_of(const config::DeploymentSpec& spec, int replicas);
// `up`: a share is rounded up.
[[nodiscard]] int resolved(config::CountOrPercent value, int of, bool up);

[[nodiscard]] DeploymentPlan plan_deployment(const DeploymentFacts& facts, WallTime now);

}  // namespace mete::agent
