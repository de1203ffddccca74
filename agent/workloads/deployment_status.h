// SPDX-License-Identifier: Apache-2.0
// What is told of a Deployment. Pure. Numbers, reasons and sentences are those of Kubernetes
// (pkg/controller/deployment: sync.go calculateStatus, progress.go).
#pragma once

#include <string>
#include <vector>

#include "agent/workloads/deployment_plan.h"

namespace mete::agent {

struct DeploymentNumbers {
  int replicas = 0;  // pods of all its ReplicaSets
  int updated = 0;   // of that with the present template; while it is paused there may be none
  int ready = 0;
  int available = 0;
  int unavailable = 0;  // pods that its ReplicaSets are to have and that are not available
  std::int64_t revision = 0;
};
[[nodiscard]] DeploymentNumbers numbers_of(const std::vector<SetFacts>& sets);

struct DeploymentCondition {
  std::string type;
  const char* status = "";  // True, False, Unknown
  std::string reason;
  std::string message;
  WallTime updated{};  // the last progress
  WallTime since{};    // the status
};
// `current`: the ReplicaSet of the present template; empty: there is none. None before the first plan.
[[nodiscard]] std::vector<DeploymentCondition> conditions_of(const Progress& progress, const std::string& name,
                                                             const std::string& current);

}  // namespace mete::agent
