// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/rollout_status.h"

namespace mete::agent::cli {
namespace {

std::string text(std::int64_t number) {
  return std::to_string(number);
}

Result<RolloutStatus> of_deployment(const Json& object, const std::string& name) {
  for (const auto& condition : object.value("status", Json::object()).value("conditions", Json::array())) {
    if (text_at(condition, {"type"}) == "Progressing" && text_at(condition, {"reason"}) == "ProgressDeadlineExceeded")
      return fail("deployment \"" + name + "\" exceeded its progress deadline");
  }
  const auto wanted = number_at(object, {"spec", "replicas"}, 1);
  const auto all = number_at(object, {"status", "replicas"});
  const auto updated = number_at(object, {"status", "updatedReplicas"});
  const auto available = number_at(object, {"status", "availableReplicas"});
  const std::string begin = "Waiting for deployment \"" + name + "\" rollout to finish: ";
  if (updated < wanted)
    return RolloutStatus{begin + text(updated) + " out of " + text(wanted) + " new replicas have been updated..."};
  if (all > updated) return RolloutStatus{begin + text(all - updated) + " old replicas are pending termination..."};
  if (available < updated)
    return RolloutStatus{begin + text(available) + " of " + text(updated) + " updated replicas are available..."};
  return RolloutStatus{"deployment \"" + name + "\" successfully rolled out", true};
}

Result<RolloutStatus> of_daemon_set(const Json& object, const std::string& name) {
  const auto wanted = number_at(object, {"status", "desiredNumberScheduled"});
  const auto updated = number_at(object, {"status", "updatedNumberScheduled"});
  const auto available = number_at(object, {"status", "numberAvailable"});
  const std::string begin = "Waiting for daemon set \"" + name + "\" rollout to finish: ";
  if (updated < wanted)
    return RolloutStatus{begin + text(updated) + " out of " + text(wanted) + " new pods have been updated..."};
  if (available < wanted)
    return RolloutStatus{begin + text(available) + " of " + text(wanted) + " updated pods are available..."};
  return RolloutStatus{"daemon set \"" + name + "\" successfully rolled out", true};
}

Result<RolloutStatus> of_stateful_set(const Json& object) {
  const auto wanted = number_at(object, {"spec", "replicas"}, 1);
  const auto ready = number_at(object, {"status", "readyReplicas"});
  const auto updated = number_at(object, {"status", "updatedReplicas"});
  const auto partition = number_at(object, {"spec", "updateStrategy", "rollingUpdate", "partition"});
  const std::string update = text_at(object, {"status", "updateRevision"});
  if (ready < wanted) return RolloutStatus{"Waiting for " + text(wanted - ready) + " pods to be ready..."};
  if (partition > 0) {
    if (updated < wanted - partition) {
      return RolloutStatus{"Waiting for partitioned roll out to finish: " + text(updated) + " out of " +
                           text(wanted - partition) + " new pods have been updated..."};
    }
    return RolloutStatus{"partitioned roll out complete: " + text(updated) + " new pods have been updated...", true};
  }
  if (update != text_at(object, {"status", "currentRevision"})) {
    return RolloutStatus{"waiting for statefulset rolling update to complete " + text(updated) + " pods at revision " +
                         update + "..."};
  }
  return RolloutStatus{"statefulset rolling update complete " + text(number_at(object, {"status", "currentReplicas"})) +
                           " pods at revision " + text_at(object, {"status", "currentRevision"}) + "...",
                       true};
}

}  // namespace

Result<RolloutStatus> rollout_status(const Json& object, std::int64_t revision) {
  const std::string kind = text_at(object, {"kind"});
  const std::string name = text_at(object, {"metadata", "name"});
  // Nobody knows when somebody will delete the old pods.
  if ((kind == "DaemonSet" || kind == "StatefulSet") &&
      text_at(object, {"spec", "updateStrategy", "type"}) == "OnDelete")
    return fail("rollout status is only available for RollingUpdate strategy type");
  if (number_at(object, {"metadata", "generation"}) > number_at(object, {"status", "observedGeneration"}))
    return RolloutStatus{"Waiting for " + name + " spec update to be observed..."};
  if (revision > 0 &&
      text_at(object, {"metadata", "annotations", "deployment.kubernetes.io/revision"}) != text(revision)) {
    return fail("desired revision (" + text(revision) + ") is different from the running revision");
  }
  if (kind == "Deployment") return of_deployment(object, name);
  if (kind == "DaemonSet") return of_daemon_set(object, name);
  if (kind == "StatefulSet") return of_stateful_set(object);
  return fail("no status viewer for " + kind + ": expected a Deployment, DaemonSet or StatefulSet");
}

}  // namespace mete::agent::cli
