// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/pod_view.h"

#include <algorithm>
#include <charconv>

namespace mete::agent {
namespace {

std::int64_t deletion_cost(const Pod& pod) {
  if (pod.plan() == nullptr) return 0;
  const auto& annotations = pod.plan()->pod.metadata.annotations;
  const auto at = annotations.find("controller.kubernetes.io/pod-deletion-cost");
  std::int64_t cost = 0;
  if (at != annotations.end()) std::from_chars(at->second.data(), at->second.data() + at->second.size(), cost);
  return cost;
}

}  // namespace

Child child_of(const Pod& pod) {
  const auto& record = pod.record();
  Child child;
  child.name = record.name;
  child.uid = record.uid;
  child.revision = record.workload->revision;
  child.index = record.workload->index;
  const PodStatus status = pod.status();
  child.phase = record.reason.empty() ? phase_of_containers(record, pod.restart_policy()) : PodPhase::kFailed;
  child.terminating = record.terminating;
  child.ready = status.ready;
  child.ready_since = status.ready_since;
  child.created = record.created;
  child.deletion_cost = deletion_cost(pod);
  for (const auto& container : record.containers) {
    child.restarts += container.restarts;
    child.finished = std::max(child.finished, container.finished_at);
    if (container.state == ContainerState::kExited && container.has_ended)
      child.ends.push_back({container.name, container.exit_code});
  }
  return child;
}

}  // namespace mete::agent
