// SPDX-License-Identifier: Apache-2.0
// A pod from a workload's template: names, labels and what each kind adds, as Kubernetes' controllers do.
#include <algorithm>

#include "agent/workloads/workload_text.h"

namespace mete::agent {
namespace {

void add_env(config::PodSpec& spec, const std::string& name, const std::string& field) {
  for (auto* list : {&spec.init_containers, &spec.containers}) {
    for (auto& container : *list) {
      const bool has = std::any_of(container.env.begin(), container.env.end(),
                                   [&](const config::EnvVar& each) { return each.name == name; });
      if (!has) container.env.push_back({name, config::FieldRef{field}, container.location});
    }
  }
}

void dress_job(config::Pod& pod, const PodWorkload& owner) {
  auto& labels = pod.metadata.labels;
  for (const char* prefix : {"", "batch.kubernetes.io/"}) {
    labels[std::string(prefix) + "job-name"] = owner.name;
    labels[std::string(prefix) + "controller-uid"] = owner.uid;
  }
  if (owner.index < 0) return;
  constexpr const char* kIndex = "batch.kubernetes.io/job-completion-index";
  const std::string index = std::to_string(owner.index);
  labels[kIndex] = index;
  pod.metadata.annotations[kIndex] = index;
  pod.spec.hostname = generated_name(owner.name, "-" + index);
  add_env(pod.spec, "JOB_COMPLETION_INDEX", "metadata.annotations['" + std::string(kIndex) + "']");
}

void dress_stateful(config::Pod& pod, const config::StatefulSetSpec& spec, const PodWorkload& owner) {
  auto& labels = pod.metadata.labels;
  labels["statefulset.kubernetes.io/pod-name"] = pod.metadata.name;
  labels["apps.kubernetes.io/pod-index"] = std::to_string(owner.index);
  labels[kRevisionHash] = owner.revision;
  pod.spec.hostname = pod.metadata.name;
  pod.spec.subdomain = spec.service_name;
  for (auto& volume : pod.spec.volumes) {
    if (std::find(spec.claims.begin(), spec.claims.end(), volume.name) == spec.claims.end()) continue;
    volume.source = config::ClaimVolume{volume.name + "-" + pod.metadata.name, false};
  }
}

}  // namespace

config::Pod child_pod(const config::Workload& workload, const std::string& name, const PodWorkload& owner) {
  config::Pod pod = config::template_of(workload);
  pod.metadata.namespace_ = workload.metadata.namespace_;
  pod.metadata.name = name;
  if (const auto* set = std::get_if<config::StatefulSetSpec>(&workload.spec)) {
    dress_stateful(pod, *set, owner);
  } else if (workload.kind() == config::WorkloadKind::kJob) {
    dress_job(pod, owner);
  } else if (workload.kind() == config::WorkloadKind::kDaemonSet) {
    // The label has the hash alone, and so has that of its revisions.
    pod.metadata.labels[kRevisionHash] = owner.revision.substr(owner.revision.rfind('-') + 1);
    pod.metadata.labels["pod-template-generation"] = "1";
  }
  return pod;
}

}  // namespace mete::agent
