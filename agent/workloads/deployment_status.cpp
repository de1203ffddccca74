// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/deployment_status.h"

#include <algorithm>

namespace mete::agent {
namespace {

std::string message_of(const std::string& reason, const std::string& name, const std::string& current) {
  if (reason == kDeploymentPaused) return "Deployment is paused";
  if (reason == kDeploymentResumed) return "Deployment is resumed";
  if (reason == kNewSetCreated) return "Created new replica set \"" + current + "\"";
  const std::string subject = current.empty() ? "Deployment \"" + name + "\"" : "ReplicaSet \"" + current + "\"";
  if (reason == kNewSetAvailable) return subject + " has successfully progressed.";
  if (reason == kRolloutTooLate) return subject + " has timed out progressing.";
  return subject + " is progressing.";
}

}  // namespace

DeploymentNumbers numbers_of(const std::vector<SetFacts>& sets) {
  DeploymentNumbers numbers;
  int wanted = 0;
  for (const auto& set : sets) {
    wanted += set.wanted;
    numbers.replicas += set.pods.replicas;
    numbers.ready += set.pods.ready;
    numbers.available += set.pods.available;
    if (set.current) numbers.updated += set.pods.replicas;
    numbers.revision = std::max(numbers.revision, set.number);
  }
  numbers.unavailable = std::max(0, wanted - numbers.available);
  return numbers;
}

std::vector<DeploymentCondition> conditions_of(const Progress& progress, const std::string& name,
                                               const std::string& current) {
  if (progress.reason.empty()) return {};
  const bool enough = progress.enough;
  return {{"Available", enough ? "True" : "False", enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
           enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
           progress.enough_since, progress.enough_since},
          {"Progressing", progressing_status(progress.reason), progress.reason,
           message_of(progress.reason, name, current), progress.since, progress.status_since}};
}

}  // namespace mete::agent
