// SPDX-License-Identifier: Apache-2.0
#include "config/model/workloads.h"

#include <array>

namespace mete::config {
namespace {

constexpr std::array<std::string_view, 7> kKindNames = {"Deployment", "ReplicaSet", "StatefulSet",          "DaemonSet",
                                                        "Job",        "CronJob",    "ReplicationController"};

PodTemplate& pod_of(CronJobSpec& spec) {
  return spec.job.pod;
}
template <class Spec>
PodTemplate& pod_of(Spec& spec) {
  return spec.pod;
}

}  // namespace

std::string_view to_string(WorkloadKind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

std::optional<WorkloadKind> workload_kind(std::string_view name) {
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    if (kKindNames.at(i) == name) return static_cast<WorkloadKind>(i);
  }
  return std::nullopt;
}

std::string_view api_version(WorkloadKind kind) {
  if (kind == WorkloadKind::kReplicationController) return "v1";
  return kind == WorkloadKind::kJob || kind == WorkloadKind::kCronJob ? "batch/v1" : "apps/v1";
}

PodTemplate& template_of(Workload& workload) {
  return std::visit([](auto& spec) -> PodTemplate& { return pod_of(spec); }, workload.spec);
}

const PodTemplate& template_of(const Workload& workload) {
  return template_of(const_cast<Workload&>(workload));  // NOLINT: the same object, const again
}

}  // namespace mete::config
